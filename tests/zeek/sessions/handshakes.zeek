# @TEST-DOC: Versions, ciphers, failures, fallback, HelloRetryRequest and resumption: established or not, resumed or not, what was to be seen.
#
# @TEST-EXEC: zeek -C -r $TRACES/handshakes/capture.pcapng $PACKAGE show %INPUT AN1496::ca_bundle=$TRACES/ca.pem > output
# @TEST-EXEC: btest-diff output

redef AN1496::tell = function(rec: AN1496::Info): string
	{
	return fmt("%s %s established %s, resumed %s, certificate visible %s%s, client certificates %d: ",
	    rec?$version ? rec$version : "-", rec?$ssl_history ? rec$ssl_history :
	    "-", rec?$established ? cat(rec$established) : "-", rec?$resumed ?
	    cat(rec$resumed) : "-", rec?$cert_visible ? cat(rec$cert_visible) :
	    "-", rec?$cert_inherited_from ? " inherited" : "",
	    rec?$client_cert_chain_fps ? |rec$client_cert_chain_fps| : 0);
	};
