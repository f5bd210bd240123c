# @TEST-DOC: No more handshakes are remembered than the site wants.
#
# @TEST-EXEC: zeek -C -r $TRACES/handshakes/capture.pcapng $PACKAGE %INPUT AN1496::max_handshakes=0 > output
# @TEST-EXEC: btest-diff output

event AN1496::session_observed(rec: AN1496::Info)
	{
	if ( rec?$cert_inherited_from )
		print "inherits", rec$server_name;
	if ( rec?$resumed && rec$resumed )
		print rec$server_name, rec$cert_visible, rec$anomalies;
	}
