# @TEST-DOC: The memory of chains is bounded; what is found does not depend on it.
#
# @TEST-EXEC: zeek -C -r $TRACES/certificates/capture.pcap $PACKAGE show %INPUT > before
# @TEST-EXEC: zeek -C -r $TRACES/certificates/capture.pcap $PACKAGE show %INPUT AN1496::max_cached_chains=2 > after
# @TEST-EXEC: diff before after > output || true
# @TEST-EXEC: btest-diff output

module AN1496;

event zeek_done()
	{
	print "more than two", |chains| > 2;
	}
