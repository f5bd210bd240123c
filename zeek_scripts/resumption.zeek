##! A resumed session uses the certificate of the session that it resumes: the last full handshake of the same client
##! with the same name at the same server. On a cluster both have to be seen by the same worker.

@load ./main

module AN1496;

export {
	## How long a full handshake is remembered.
	option resumption_memory: interval = 1day;

	## Full handshakes that are remembered; more are not.
	option max_handshakes: count = 50000;
}

type Handshake: record {
	uid: string;
	chain: Chain;
};

global handshakes: table[addr, addr, port, string] of Handshake = table()
    &create_expire=resumption_memory;

hook AN1496::complete(c: connection, s: Session)
	{
	local name = s$info?$server_name ? s$info$server_name : "";
	local resumed = s$info?$resumed && s$info$resumed;
	if ( s?$chain )
		{
		if ( ! resumed
		    && |s$chain$fps| > 0
		    && ( |handshakes| < max_handshakes || [c$id$orig_h, c$id$resp_h, c$id$resp_p, name] in handshakes ) )
			handshakes[c$id$orig_h, c$id$resp_h, c$id$resp_p, name] = Handshake(
			    $uid=c$uid, $chain=s$chain);
		}
	else if ( resumed
	    && [c$id$orig_h, c$id$resp_h, c$id$resp_p, name] in handshakes )
		{
		local full = handshakes[c$id$orig_h, c$id$resp_h, c$id$resp_p, name];
		s$chain = full$chain;
		s$info$cert_inherited_from = full$uid;
		}
	}
