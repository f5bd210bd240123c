# @TEST-DOC: Names are compared without case and without the root's dot; a wildcard stands for the end of one label.
#
# @TEST-EXEC: zeek $PACKAGE %INPUT > output
# @TEST-EXEC: btest-diff output

event zeek_init()
	{
	local chain = AN1496::Chain($names=vector("www.example.org",
	    "*.sub.example.org", "f*.part.example.org", "*.org", "10.0.0.9"),
	    $san=AN1496::AlternativeNames($ip=vector(192.0.2.1,
	    [2001:db8::1])));
	for ( _, name in vector("www.example.org", "WWW.Example.ORG.", "example.org",
	    "a.sub.example.org", "a.b.sub.example.org", "foo.part.example.org",
	    "bar.part.example.org", "any.org", "192.0.2.1", "192.0.2.2",
	    "2001:db8:0::1", "[2001:db8::1]", "10.0.0.9", "") )
		print name, AN1496::covers(chain, name);
	}
