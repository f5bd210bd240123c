# @TEST-DOC: Options change at run time through the configuration framework, also those that name files.
#
# @TEST-EXEC: zeek -C -r $TRACES/certificates/capture.pcap $PACKAGE %INPUT > output
# @TEST-EXEC: btest-diff output

# The lab's root arrives with the first session that its absence made abnormal, and a threshold with it.
global changed = F;

event AN1496::session_observed(rec: AN1496::Info)
	{
	if ( rec?$server_name && /good|incomplete|weak-key/ in rec$server_name )
		print changed, rec$server_name, rec$validation_code, AN1496::has_anomaly(rec,
		    "weak_key");
	if ( changed )
		return;

	changed = T;
	Config::set_value("AN1496::ca_bundle", getenv("TRACES") + "/ca.pem");
	Config::set_value("AN1496::weak_rsa_bits", 512);
	}
