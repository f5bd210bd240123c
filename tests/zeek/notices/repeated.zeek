# @TEST-DOC: A beacon gives one notice, however often it calls.
#
# @TEST-EXEC: zeek -C -r $TRACES/demo/capture.pcap $PACKAGE lab %INPUT AN1496::ca_bundle=$TRACES/ca.pem > output
# @TEST-EXEC: btest-diff output
