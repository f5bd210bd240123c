# @TEST-DOC: DTLS, TLS after STARTTLS, behind proxies and in tunnels: who was asked for, and through whom.
# What Zeek's analyzers in Spicy see (QUIC, PostgreSQL) is left out, as not every Zeek has them.
#
# @TEST-EXEC: zeek -C -r $TRACES/wire/capture.pcap $PACKAGE show %INPUT AN1496::ca_bundle=$TRACES/ca.pem > output
# @TEST-EXEC: grep -v -e QUIC -e db.wire output > without-spicy
# @TEST-EXEC: btest-diff without-spicy

redef AN1496::tell = function(rec: AN1496::Info): string
	{
	if ( rec?$ja4 && rec$ja4[0] == "q" )
		return "QUIC";

	return fmt("%s %s %d/%s through %s: ", rec?$version ? rec$version : "-",
	    rec?$ja4 ? rec$ja4[0:3] : "-", port_to_count(rec$id$resp_p),
	    rec$proto, rec?$proxy_target ? rec$proxy_target : "nobody");
	};
