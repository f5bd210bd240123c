# @TEST-DOC: The strings behind the fingerprints are logged where the site asks for them; the fingerprints are always there.
#
# @TEST-EXEC: zeek -C -r $TRACES/demo/capture.pcap $PACKAGE %INPUT > output
# @TEST-EXEC: zeek -C -r $TRACES/demo/capture.pcap $PACKAGE %INPUT AN1496::log_raw_fingerprints=T >> output
# @TEST-EXEC: btest-diff output

global raw = 0;
global fingerprints = 0;

event AN1496::session_observed(rec: AN1496::Info)
	{
	raw += ( rec?$ja3_raw ? 1 : 0 ) + ( rec?$ja3s_raw ? 1 : 0 ) + ( rec?$ja4_raw ? 1 : 0 );
	fingerprints += ( rec?$ja3 ? 1 : 0 ) + ( rec?$ja3s ? 1 : 0 ) + ( rec?$ja4 ? 1 : 0 );
	}

event zeek_done()
	{
	print raw == 0, fingerprints > 0;
	}
