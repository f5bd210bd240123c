# @TEST-DOC: The site chooses between TSV and JSON; the fields are the same, and ssl.log stays as it is.
#
# @TEST-EXEC: zeek -C -r $TRACES/certificates/capture.pcap %INPUT
# @TEST-EXEC: mv ssl.log ssl-without.log
# @TEST-EXEC: zeek -C -r $TRACES/certificates/capture.pcap $PACKAGE %INPUT
# @TEST-EXEC: grep -E '^#(fields|types)' an1496.log | tr '\t' '\n' > fields
# @TEST-EXEC: btest-diff fields
# @TEST-EXEC: grep '^#fields' ssl-without.log > without
# @TEST-EXEC: grep '^#fields' ssl.log > with
# @TEST-EXEC: cmp with without
# @TEST-EXEC: zeek -C -r $TRACES/certificates/capture.pcap $PACKAGE LogAscii::use_json=T %INPUT
# @TEST-EXEC: grep -c '^{"ts"' an1496.log > rows
# @TEST-EXEC: btest-diff rows
