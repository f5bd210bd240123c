# @TEST-DOC: What carries datagrams of media, and the port that counts behind a proxy.
#
# @TEST-EXEC: zeek -C -r $TRACES/certificates/capture.pcap $PACKAGE %INPUT > output
# @TEST-EXEC: btest-diff output

module AN1496;

global done = F;

event session_observed(rec: Info)
	{
	if ( done )
		return;

	done = T;
	local i = copy(rec);
	print "TLS", is_datagram(i);
	i$version = "DTLSv12";
	print "DTLS", is_datagram(i);
	delete i$version;
	i$ja4 = "dd2d010000_000000000000_000000000000";
	print "DTLS without an answer", is_datagram(i);
	for ( _, target in vector("far.example:8443", "[2001:db8::1]:853",
	    "far.example", "far.example:999999", ":22") )
		{
		i$proxy_target = target;
		print target, proxied_port(i);
		}
	}
