# @TEST-DOC: JA3 and JA3S of the published examples (README of salesforce/ja3), and of hellos with GREASE or without lists.
#
# @TEST-EXEC: zeek $PACKAGE %INPUT > output
# @TEST-EXEC: btest-diff output

function show(what: string, f: AN1496::Fingerprint)
	{
	print fmt("%s: %s %s", what, f$value, f$raw);
	}

event zeek_init()
	{
	show("published", AN1496::ja3(AN1496::ClientHello($version=769,
	    $ciphers=vector(47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4),
	    $extensions=vector(0, 10, 11), $groups=vector(23, 24, 25),
	    $point_formats=vector(0))));
	show("published, no extensions", AN1496::ja3(AN1496::ClientHello($version=769,
	    $ciphers=vector(4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99))));
	show("GREASE in every list", AN1496::ja3(AN1496::ClientHello($version=769,
	    $ciphers=vector(0x0a0a, 47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56,
	    19, 4, 0xfafa), $extensions=vector(0x1a1a, 0, 10, 11, 0xaaaa),
	    $groups=vector(0x2a2a, 23, 24, 25), $point_formats=vector(0))));
	show("nothing", AN1496::ja3(AN1496::ClientHello()));
	show("server", AN1496::ja3s(769, 47, vector(65281, 0, 11, 35, 5, 16)));
	show("server, no extensions", AN1496::ja3s(769, 47, vector()));
	}
