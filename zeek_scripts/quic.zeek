##! TLS in QUIC, on Zeeks that have the analyzer. Certificates are always encrypted there; the session is established as
##! soon as both sides send packets of the Handshake level.

@load ./main

@ifdef ( Analyzer::ANALYZER_QUIC )

module AN1496;

redef record Session += {
	## Who has sent a Handshake packet.
	client_handshakes: bool &default=F;
	server_handshakes: bool &default=F;
};

event QUIC::handshake_packet(c: connection, is_orig: bool, version: count,
    dcid: string, scid: string)
	{
	if ( ! c?$an1496 )
		return;

	if ( is_orig )
		c$an1496$client_handshakes = T;
	else
		c$an1496$server_handshakes = T;

	if ( c$an1496$client_handshakes && c$an1496$server_handshakes )
		{
		c$an1496$established = T;
		finish(c);
		}
	}

@endif
