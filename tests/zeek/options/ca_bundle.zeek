# @TEST-DOC: With another trust store other chains hold; Zeek's own does not know the lab's.
#
# @TEST-EXEC: zeek -C -r $TRACES/certificates/capture.pcap $PACKAGE show %INPUT > before
# @TEST-EXEC: zeek -C -r $TRACES/certificates/capture.pcap $PACKAGE show %INPUT AN1496::ca_bundle=$TRACES/ca.pem > after
# @TEST-EXEC: diff before after > output || true
# @TEST-EXEC: btest-diff output
# @TEST-EXEC: zeek -C -r $TRACES/certificates/capture.pcap $PACKAGE show %INPUT AN1496::ca_bundle=/nowhere/ca.pem > missing 2> errors
# @TEST-EXEC: cmp before missing
# @TEST-EXEC: grep -o 'AN1496: .*' errors > told
# @TEST-EXEC: btest-diff told
# @TEST-EXEC: echo nothing > empty.pem
# @TEST-EXEC: zeek -C -r $TRACES/certificates/capture.pcap $PACKAGE show %INPUT AN1496::ca_bundle=empty.pem > empty 2> errors
# @TEST-EXEC: grep -v processing empty > empty.out; grep -v processing before > before.out; cmp before.out empty.out
# @TEST-EXEC: grep -o 'AN1496: .*' errors > told-of-empty
# @TEST-EXEC: btest-diff told-of-empty

redef AN1496::only = /untrusted_issuer|self_signed/;
