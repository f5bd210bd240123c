# @TEST-DOC: A session in QUIC is established once both sides have sent Handshake packets, and its JA4 says what carried it.
#
# @TEST-REQUIRES: ! zeek -N | grep -q ANALYZER_QUIC
# @TEST-EXEC: zeek -C -r $TRACES/handshakes/capture.pcapng played-quic $PACKAGE show %INPUT > output
# @TEST-EXEC: btest-diff output

event ssl_extension(c: connection, is_client: bool, code: count, val: string)
    &priority=10
	{
	c$quic = QUIC::Info($version="1");
	}

event ssl_server_hello(c: connection, version: count, record_version: count,
    possible_ts: time, server_random: string, session_id: string, cipher: count,
    comp_method: count) &priority=-10
	{
	if ( ! c$ssl?$server_name )
		return;

	# A server alone has established nothing.
	event QUIC::handshake_packet(c, F, 1, "", "");
	if ( /rejected13/ in c$ssl$server_name )
		event QUIC::handshake_packet(c, T, 1, "", "");
	}

redef AN1496::only = /handshake_failed/;
redef AN1496::tell = function(rec: AN1496::Info): string
	{
	return fmt("%s %s ", rec?$ja4 ? rec$ja4[0] : "-", rec?$established ? cat(
	    rec$established) : "-");
	};
