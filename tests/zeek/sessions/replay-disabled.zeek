# @TEST-DOC: Where a site keeps Zeek from raising events for certificates that it knows, the hashes are still there.
#
# @TEST-EXEC: zeek -C -r $TRACES/demo/capture.pcap $PACKAGE %INPUT > output
# @TEST-EXEC: sort -u output > kinds
# @TEST-EXEC: btest-diff kinds

module AN1496;

redef X509::caching_required_encounters = 1;

hook X509::x509_certificate_cache_replay(f: fa_file, e: X509::Info,
    sha256: string) &priority=10
	{
	break;
	}

event AN1496::session_observed(rec: AN1496::Info)
	{
	# Else our own memory has the facts.
	clear_table(chains);
	if ( rec?$cert_chain_fps )
		print "facts", rec?$certificate, "hashes", |rec$cert_chain_fps| > 0,
		    |rec$cert_chain_sha1s| > 0, rec$cert_visible, "error",
		    rec?$certificate_error, "verdict", rec?$validation_code;
	}
