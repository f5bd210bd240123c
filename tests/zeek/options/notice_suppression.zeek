# @TEST-DOC: A beacon gives a notice at each call.
#
# @TEST-EXEC: zeek -C -r $TRACES/demo/capture.pcap $PACKAGE lab %INPUT AN1496::ca_bundle=$TRACES/ca.pem > before
# @TEST-EXEC: zeek -C -r $TRACES/demo/capture.pcap $PACKAGE lab %INPUT AN1496::ca_bundle=$TRACES/ca.pem AN1496::notice_suppression=0sec > after
# @TEST-EXEC: diff before after > output || true
# @TEST-EXEC: test -s output
# @TEST-EXEC: btest-diff output
