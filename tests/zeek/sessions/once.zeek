# @TEST-DOC: Each connection has one record, also after protocol violations and where the finishing hook runs again.
#
# @TEST-EXEC: zeek -C -r $TRACES/handshakes/capture.pcapng $PACKAGE %INPUT > output
# @TEST-EXEC: btest-diff output

global times: table[string] of count &default=0;
global hooks: table[string] of count &default=0;

hook SSL::ssl_finishing(c: connection)
	{
	++hooks[c$uid];
	}

event ssl_established(c: connection) &priority=-10
	{
	# As a script would that meddles.
	hook SSL::ssl_finishing(c);
	}

event AN1496::session_observed(rec: AN1496::Info)
	{
	++times[rec$uid];
	}

event zeek_done() &priority=-10
	{
	local most = 0;
	local hook_most = 0;
	for ( uid, n in times )
		most = n > most ? n : most;
	for ( _, h in hooks )
		hook_most = h > hook_most ? h : hook_most;
	print "sessions", |times| > 0, "most records of one", most, "hook ran again",
	    hook_most > 1;
	}
