# @TEST-DOC: A second ClientHello, after a HelloRetryRequest, changes no fingerprint; JA3 and JA3S fit the strings they hash.
#
# @TEST-EXEC: zeek -C -r $TRACES/handshakes/capture.pcapng $PACKAGE %INPUT AN1496::log_raw_fingerprints=T > output
# @TEST-EXEC: btest-diff output

global wrong = 0;

event AN1496::session_observed(rec: AN1496::Info)
	{
	if ( rec?$ja3 && rec$ja3 != md5_hash(rec$ja3_raw) )
		++wrong;
	if ( rec?$ja3s && rec$ja3s != md5_hash(rec$ja3s_raw) )
		++wrong;
	if ( /C.*j.*C/ in rec$ssl_history )
		# Had the second hello been added, its extensions would stand there twice, and that of the cookie (44) among them.
		print rec$server_name, |find_all_ordered(rec$ja3_raw, /[,-]43[,-]/)|,
		    /[,-]44[,-]/ in rec$ja3_raw, |split_string(rec$ja3s_raw,
		    /-/)|;
	}

event zeek_done()
	{
	print fmt("%d do not fit", wrong);
	}
