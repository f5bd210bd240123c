# @TEST-DOC: Local servers give notices instead of those outside.
#
# @TEST-EXEC: zeek -C -r $TRACES/certificates/capture.pcap $PACKAGE lab %INPUT AN1496::ca_bundle=$TRACES/ca.pem > before
# @TEST-EXEC: zeek -C -r $TRACES/certificates/capture.pcap $PACKAGE lab %INPUT AN1496::ca_bundle=$TRACES/ca.pem AN1496::notice_servers=LOCAL_HOSTS > after
# @TEST-EXEC: diff before after > output || true
# @TEST-EXEC: test -s output
# @TEST-EXEC: btest-diff output
