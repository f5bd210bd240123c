# @TEST-DOC: A session in QUIC is established once both sides have sent Handshake packets, and its JA4 says what carried it. Who closes it with an alert has failed it.
#
# @TEST-REQUIRES: ! zeek -NN | grep -q ANALYZER_QUIC
# @TEST-EXEC: zeek -C -r $TRACES/handshakes/capture.pcapng played-quic $PACKAGE show %INPUT > output
# @TEST-EXEC: btest-diff output

event ssl_extension(c: connection, is_client: bool, code: count, val: string)
    &priority=10
	{
	c$quic = QUIC::Info($ts=double_to_time(1.0), $version="1");
	}

event over(c: connection)
	{
	hook SSL::finalize_ssl(c);
	}

event ssl_server_hello(c: connection, version: count, record_version: count,
    possible_ts: time, server_random: string, session_id: string, cipher: count,
    comp_method: count) &priority=-10
	{
	if ( ! c$ssl?$server_name )
		return;

	if ( /tls13/ in c$ssl$server_name )
		{
		# Sent again; then another, and one that is no alert.
		event QUIC::connection_close_frame(c, T, 1, "", "", 0x12a, "");
		event QUIC::connection_close_frame(c, T, 1, "", "", 0x12a, "");
		event QUIC::connection_close_frame(c, F, 1, "", "", 0x128, "");
		event QUIC::connection_close_frame(c, F, 1, "", "", 0x0a, "");
		event over(c);
		}

	# However many come, the history stays as long as any.
	if ( /^tls11/ in c$ssl$server_name )
		{
		local n = 0;
		while ( ++n <= 300 )
			event QUIC::connection_close_frame(c, T, 1, "", "", n % 2 == 0 ? 0x128 :
			    0x12a, "");
		event over(c);
		}

	# Here the ClientHello does come twice, but for another reason: as after Retry it counts once.
	if ( /^retry/ in c$ssl$server_name )
		{
		c$ssl$ssl_history = "CCs";
		event QUIC::retry_packet(c, F, 1, "", "", "", "");
		event over(c);
		}

	# A server alone has established nothing.
	event QUIC::handshake_packet(c, F, 1, "", "");
	if ( /rejected13/ in c$ssl$server_name )
		event QUIC::handshake_packet(c, T, 1, "", "");
	}

redef AN1496::only = /handshake_failed/;
redef AN1496::tell = function(rec: AN1496::Info): string
	{
	return fmt("%s%s %s %s ", rec$ts == double_to_time(1.0) ? "1 " : "", rec?$ja4 ?
	    rec$ja4[0] : "-", rec?$established ? cat(rec$established) : "-",
	    rec?$ssl_history ? rec$ssl_history : "-");
	};
