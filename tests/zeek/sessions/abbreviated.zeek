# @TEST-DOC: A server that encrypts without a full handshake resumes, whatever Zeek makes of ids and tickets.
#
# @TEST-EXEC: zeek -C -r $TRACES/handshakes/capture.pcapng $PACKAGE show %INPUT > output
# @TEST-EXEC: grep -E 'ticket|session-id|tls1[23].hs' output > resumed
# @TEST-EXEC: btest-diff resumed

event ssl_established(c: connection) &priority=30
	{
	if ( c?$ssl )
		c$ssl$resumed = F;
	}

redef AN1496::only = /nothing/;
redef AN1496::tell = function(rec: AN1496::Info): string
	{
	return cat(rec?$resumed && rec$resumed);
	};
