# @TEST-DOC: What acts on a terminal, or has no end, does not reach the log; what is empty is said to be unknown.
#
# @TEST-EXEC: zeek $PACKAGE %INPUT > output
# @TEST-EXEC: btest-diff output

module AN1496;

function show(text: string, longest: count)
	{
	local safe = harmless(text, longest);
	print bytestring_to_hexstr(safe), |safe|;
	}

event zeek_init()
	{
	print "controls, DEL, C1, bidirectional, byte order mark; harmless ones";
	for ( _, text in vector("a\x00b", "a\x1b[31m", "a\x0a", "a\x7f", "a\xc2\x9b",
	    "a\xe2\x80\xae", "a\xe2\x81\xa6", "a\xef\xbb\xbf",
	    "a\xc3\xbc\xe2\x82\xac") )
		show(text, 100);
	print "cut, and no character in halves";
	for ( _, longest in vector(9, 10, 11, 12, 13, 14) )
		show("12345\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80", longest);

	local flood = "x";
	while ( |flood| < 100000 )
		flood = flood + flood;
	event AN1496::correlated_process_v1(flood, 1, flood, 1, network_time(), 1,
	    flood, 10.0.0.1, 50000/tcp, 203.0.113.1, 443/tcp, "", "", flood,
	    flood);
	}

hook Notice::notice(n: Notice::Info)
	{
	print |n$msg|, |n$sub| < 2000, |n$uid|, |n$identifier|;
	print find_all_ordered(n$sub, /unknown process on unknown host/);
	}
