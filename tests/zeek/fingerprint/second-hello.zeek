# @TEST-DOC: A second ClientHello that differs from the first, as after a HelloRetryRequest, changes nothing.
#
# @TEST-EXEC: zeek -C -r $TRACES/certificates/capture.pcap $PACKAGE %INPUT > output
# @TEST-EXEC: btest-diff output

global first: table[string] of string;

event ssl_client_hello(c: connection, version: count, record_version: count,
    possible_ts: time, client_random: string, session_id: string,
    ciphers: index_vec, comp_methods: index_vec) &priority=-10
	{
	if ( c$uid in first )
		return;

	first[c$uid] = c$an1496$info$ja3 + c$an1496$info$ja4;
	event ssl_extension(c, T, 44, "cookie");
	event ssl_extension_elliptic_curves(c, T, vector(29));
	event ssl_client_hello(c, 0x0302, 0x0303, network_time(), "", "", vector(
	    0x5600, 2), vector(0));
	}

global same = 0;
global other = 0;

event AN1496::session_observed(rec: AN1496::Info)
	{
	if ( first[rec$uid] == rec$ja3 + rec$ja4 && ! rec?$downgrade )
		++same;
	else
		++other;
	}

event zeek_done() &priority=-10
	{
	print same > 0, other;
	}
