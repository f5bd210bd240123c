# @TEST-DOC: Another script adds an anomaly of its own, and a fact, before the record is logged.
#
# @TEST-EXEC: zeek -C -r $TRACES/certificates/capture.pcap $PACKAGE show %INPUT AN1496::ca_bundle=$TRACES/ca.pem > output
# @TEST-EXEC: btest-diff output

redef AN1496::only = /good_site/;

hook AN1496::judge(c: connection, s: AN1496::Session)
	{
	if ( s$info?$server_name && /good/ in s$info$server_name )
		AN1496::abnormal(s, "good_site", fmt("%s is \x1b[31mred",
		    s$info$server_name));
	}
