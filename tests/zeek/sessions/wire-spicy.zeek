# @TEST-DOC: What Zeek's analyzers in Spicy see: QUIC with and without Retry, PostgreSQL that turns to TLS.
#
# @TEST-REQUIRES: zeek -NN | grep -q ANALYZER_QUIC
# @TEST-EXEC: zeek -C -r $TRACES/wire/capture.pcap $PACKAGE show %INPUT AN1496::ca_bundle=$TRACES/ca.pem > all
# @TEST-EXEC: grep -e '^quic' -e '^db' all > output
# @TEST-EXEC: btest-diff output

redef AN1496::tell = function(rec: AN1496::Info): string
	{
	return fmt("%s %s %d/%s %s established %s, certificate visible %s: ",
	    rec?$version ? rec$version : "-", rec?$ja4 ? rec$ja4[0:3] : "-",
	    port_to_count(rec$id$resp_p), rec$proto, rec?$ssl_history ?
	    rec$ssl_history : "-", rec?$established ? cat(rec$established) :
	    "-", rec?$cert_visible ? cat(rec$cert_visible) : "-");
	};
