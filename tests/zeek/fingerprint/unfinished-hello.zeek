# @TEST-DOC: What was read of a hello that never became whole is not taken for another connection's.
#
# @TEST-EXEC: zeek -D -C -r $TRACES/handshakes/capture.pcapng $PACKAGE %INPUT > after
# @TEST-EXEC: zeek -D -C -r $TRACES/handshakes/capture.pcapng $PACKAGE %INPUT AN1496::break_off=F > before
# @TEST-EXEC: test -s before
# @TEST-EXEC: diff before after > output || true
# @TEST-EXEC: btest-diff output

module AN1496;

export {
	## Whether hellos end early.
	const break_off = T &redef;
}

# Of each connection the last thing is the front of a hello.
event ssl_established(c: connection) &priority=-20
	{
	if ( break_off )
		event ssl_extension(c, T, 9999, "");
	}

event session_observed(rec: Info)
	{
	print rec$uid, rec?$ja3 ? rec$ja3 : "-", rec?$ja4 ? rec$ja4 : "-", rec?$ja3s ?
	    rec$ja3s : "-";
	}
