##! TLS in QUIC, on Zeeks that have the analyzer. Certificates are always encrypted there; the session is established as
##! soon as both sides send packets of the Handshake level, and alerts are what closes it.

@load base/protocols/quic
@load ./main

@ifdef ( Analyzer::ANALYZER_QUIC )

module AN1496;

redef record Session += {
	## Who has sent a Handshake packet.
	client_handshakes: bool &default=F;
	server_handshakes: bool &default=F;
	## Letters that the alerts of closes add to the history.
	closes: string &optional;
	## The server sent Retry, after which the client sends the same ClientHello again.
	retried: bool &default=F;
};

# High byte of the error codes whose low byte is a TLS alert (RFC 9001 section 4.8).
const tls_alert = 1;

event QUIC::handshake_packet(c: connection, is_orig: bool, version: count,
    dcid: string, scid: string)
	{
	if ( ! c?$an1496 )
		return;

	local s = c$an1496;
	if ( is_orig )
		s$client_handshakes = T;
	else
		s$server_handshakes = T;

	if ( s$client_handshakes && s$server_handshakes )
		{
		s$established = T;
		finish(c);
		}
	}

event QUIC::connection_close_frame(c: connection, is_orig: bool, version: count,
    dcid: string, scid: string, error_code: count, reason_phrase: string)
	{
	if ( ! c?$an1496 )
		return;

	local s = c$an1496;
	s$fatal = T;
	if ( error_code / 256 != tls_alert )
		return;

	# A close is sent again for every packet that still comes.
	local alert = SSL::alert_descriptions[error_code % 256];
	local letter = is_orig ? "L" : "l";
	local closes = s?$closes ? s$closes : "";
	if ( |closes| >= SSL::max_ssl_history_length
	    || ( letter in closes && alert == s$info$last_alert ) )
		return;

	s$info$last_alert = alert;
	s$closes = closes + letter;
	}

event QUIC::retry_packet(c: connection, is_orig: bool, version: count,
    dcid: string, scid: string, retry_token: string, integrity_tag: string)
	{
	if ( c?$an1496 )
		c$an1496$retried = T;
	}

hook AN1496::complete(c: connection, s: Session)
	{
	if ( ! s?$closes && ! s$retried )
		return;

	local history = s$info?$ssl_history ? s$info$ssl_history : "";
	if ( s$retried && starts_with(history, "CC") )
		history = history[1:];
	s$info$ssl_history = history + ( s?$closes ? s$closes : "" );
	}

@endif
