##! Adds the fingerprints to ssl.log, for sites that want them there. Not loaded unless asked for:
##! `@load an1496/ssl-log`.

@load ./main

module AN1496;

redef record SSL::Info += {
	## JA3 of the first ClientHello.
	ja3: string &log &optional;
	## JA3S of the ServerHello.
	ja3s: string &log &optional;
	## JA4 of the first ClientHello.
	ja4: string &log &optional;
};

hook SSL::ssl_finishing(c: connection) &priority=10
	{
	if ( ! c?$an1496 )
		return;

	local i = c$an1496$info;
	if ( i?$ja3 )
		c$ssl$ja3 = i$ja3;
	if ( i?$ja3s )
		c$ssl$ja3s = i$ja3s;
	if ( i?$ja4 )
		c$ssl$ja4 = i$ja4;
	}
