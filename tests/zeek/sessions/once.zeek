# @TEST-DOC: Each connection has one record, complete, where the finishing hook runs early or again, and where more of TLS
# follows what is finished.
#
# @TEST-EXEC: zeek -C -r $TRACES/handshakes/capture.pcapng $PACKAGE %INPUT > output
# @TEST-EXEC: btest-diff output

global times: table[string] of count &default=0;
global established = 0;
global hello_again: event(c: connection);

event ssl_server_hello(c: connection, version: count, record_version: count,
    possible_ts: time, server_random: string, session_id: string, cipher: count,
    comp_method: count) &priority=-10
	{
	# As after a protocol violation.
	hook SSL::ssl_finishing(c);
	}

event ssl_established(c: connection) &priority=-10
	{
	hook SSL::ssl_finishing(c);
	event ssl_extension(c, T, 10, "");
	event ssl_client_hello(c, 0x0303, 0x0303, network_time(), "", "", vector(1, 2),
	    vector(0));
	}

event AN1496::session_observed(rec: AN1496::Info)
	{
	++times[rec$uid];
	established += rec?$established && rec$established ? 1 : 0;
	}

event zeek_done() &priority=-10
	{
	local most = 0;
	for ( _, n in times )
		most = n > most ? n : most;
	print "sessions", |times| > 0, "most records of one", most, "some established",
	    established > 0;
	}
