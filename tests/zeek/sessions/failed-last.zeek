# @TEST-DOC: A session that failed is finished after validate-certs has judged its chain, whichever is loaded first.
#
# @TEST-EXEC: zeek -C -r $TRACES/handshakes/capture.pcapng $PACKAGE policy/protocols/ssl/validate-certs %INPUT | sort > output
# @TEST-EXEC: btest-diff output
# @TEST-EXEC: zeek -C -r $TRACES/handshakes/capture.pcapng policy/protocols/ssl/validate-certs $PACKAGE %INPUT | sort > other-order
# @TEST-EXEC: cmp output other-order

hook AN1496::finishing(c: connection, rec: AN1496::Info)
	{
	if ( rec?$established && ! rec$established && rec?$certificate )
		print rec$server_name, rec$last_alert, c$ssl?$validation_code;
	}
