# @TEST-DOC: JA4 of the example in FoxIO's specification (technical_details/JA4.md), and of hellos at its edges.
#
# @TEST-EXEC: zeek $PACKAGE %INPUT > output
# @TEST-EXEC: btest-diff output

function published(): AN1496::ClientHello
	{
	return AN1496::ClientHello($version=0x0303, $ciphers=vector(0x1a1a, 0x1301,
	    0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8,
	    0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035), $extensions=vector(
	    0x9a9a, 0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d,
	    0x000d, 0x0005, 0x0023, 0x0012, 0x002b, 0xff01, 0x000b, 0x000a,
	    0x0015, 0x3a3a), $signature_algorithms=vector(0x0403, 0x0804,
	    0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601), $versions=vector(
	    0x4a4a, 0x0304, 0x0303), $alpn="h2");
	}

function show(what: string, hello: AN1496::ClientHello)
	{
	local f = AN1496::ja4(hello);
	print fmt("%s: %s", what, f$value);
	print fmt("  %s", f$raw);
	}

function with_alpn(alpn: string): AN1496::ClientHello
	{
	local hello = published();
	hello$alpn = alpn;
	return hello;
	}

event zeek_init()
	{
	show("published", published());

	local hello = published();
	hello$signature_algorithms = vector(0x0a0a, 0x0403, 0x0804, 0x0401, 0x0503,
	    0x0805, 0x0501, 0x0806, 0x0601);
	show("GREASE among the signature algorithms", hello);

	hello = published();
	hello$signature_algorithms = vector();
	show("no signature algorithms", hello);

	show("nothing", AN1496::ClientHello());
	show("HTTP/1.1", with_alpn("http/1.1"));
	show("one character", with_alpn("x"));
	show("empty ALPN", with_alpn(""));
	show("ALPN that is not ASCII", with_alpn("\xab\xcd"));
	show("ALPN that ends otherwise than it begins", with_alpn("\xabz"));

	hello = published();
	hello$transport = "q";
	show("QUIC", hello);

	hello = published();
	hello$transport = "d";
	hello$versions = vector();
	hello$version = 0xfefd;
	show("DTLS 1.2", hello);
	hello$versions = vector(0xfefc);
	show("DTLS 1.3", hello);
	hello$versions = vector(0xfefc, 0xfefd);
	show("DTLS 1.3 and 1.2, whose number is the higher one", hello);
	hello$versions = vector(0x0100);
	show("a version that nobody knows", hello);

	hello = AN1496::ClientHello($version=0x0303);
	local n = 0;
	while ( n < 150 )
		{
		hello$ciphers += n;
		hello$extensions += 1000 + n;
		++n;
		}
	print AN1496::ja4(hello)$value;
	}
