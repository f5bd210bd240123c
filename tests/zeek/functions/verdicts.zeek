# @TEST-DOC: Codes are told in fixed words; a chain that held is judged by the dates of all its certificates.
#
# @TEST-EXEC: zeek $PACKAGE %INPUT > output
# @TEST-EXEC: btest-diff output

event zeek_init()
	{
	local good = AN1496::Verdict($code=0, $starts=double_to_time(100.0),
	    $ends=double_to_time(200.0));
	for ( _, seconds in vector(99.0, 100.0, 200.0, 201.0) )
		print seconds, AN1496::verdict_status(good, double_to_time(seconds));
	local codes: vector of int = {
		+0,
		+18,
		+19,
		+20,
		+10,
		+34,
		+12345
	};
	for ( _, code in codes )
		print code, AN1496::verdict_status(AN1496::Verdict($code=code),
		    double_to_time(1000.0)), AN1496::chain_failed(code);
	}
