# @TEST-DOC: The facts of a chain that is not seen again are forgotten in time; what is found does not depend on it.
#
# @TEST-EXEC: zeek -C -r $TRACES/certificates/capture.pcap $PACKAGE show %INPUT > before
# @TEST-EXEC: zeek -C -r $TRACES/certificates/capture.pcap $PACKAGE show %INPUT AN1496::chain_memory=1msec > after
# @TEST-EXEC: diff before after > output || true
# @TEST-EXEC: btest-diff output

module AN1496;

redef table_expire_interval = 10msec;

event zeek_done()
	{
	print "more than two", |chains| > 2;
	}
