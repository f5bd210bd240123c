# @TEST-DOC: Every abnormal certificate of the zoo, and the good ones.
#
# @TEST-EXEC: zeek -C -r $TRACES/certificates/capture.pcap $PACKAGE show %INPUT AN1496::ca_bundle=$TRACES/ca.pem > output
# @TEST-EXEC: btest-diff output

redef AN1496::tell = function(rec: AN1496::Info): string
	{
	return fmt("%s [%s] ", rec?$validation_code ? cat(rec$validation_code) : "-",
	    rec?$sni_matches_cert ? cat(rec$sni_matches_cert) : "-");
	};
