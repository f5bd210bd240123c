##! What a client asked a proxy for, when its handshake goes through one (HTTP CONNECT, SOCKS).

@load base/protocols/http
@load base/protocols/socks
@load base/utils/addrs
@load ./main

module AN1496;

const longest_target = 300;

function socks_target(c: connection): string
	{
	local asked = c$socks$request;
	local host = asked?$name ? asked$name : ( asked?$host ? addr_to_uri(asked$host) : "" );
	return host == "" ? "" : fmt("%s:%d", host, port_to_count(c$socks$request_p));
	}

event ssl_client_hello(c: connection, version: count, record_version: count,
    possible_ts: time, client_random: string, session_id: string,
    ciphers: index_vec, comp_methods: index_vec) &priority=-1
	{
	if ( ! c?$an1496 || c$an1496$info?$proxy_target )
		return;

	local target = "";
	if ( c?$http && c$http?$method && c$http$method == "CONNECT" && c$http?$uri )
		target = c$http$uri;
	else if ( c?$socks && c$socks?$request && c$socks?$request_p )
		target = socks_target(c);

	if ( target != "" && |target| <= longest_target )
		c$an1496$info$proxy_target = printable(target);
	}
