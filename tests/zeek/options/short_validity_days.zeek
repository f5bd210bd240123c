# @TEST-DOC: Fewer days than a short-lived certificate has make it long enough.
#
# @TEST-EXEC: zeek -C -r $TRACES/certificates/capture.pcap $PACKAGE show %INPUT AN1496::ca_bundle=$TRACES/ca.pem > before
# @TEST-EXEC: zeek -C -r $TRACES/certificates/capture.pcap $PACKAGE show %INPUT AN1496::ca_bundle=$TRACES/ca.pem AN1496::short_validity_days=1 > after
# @TEST-EXEC: diff before after > output || true
# @TEST-EXEC: test -s output
# @TEST-EXEC: btest-diff output

redef AN1496::only = /short_validity/;
