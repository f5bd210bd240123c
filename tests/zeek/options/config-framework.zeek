# @TEST-DOC: Options change at run time through the configuration framework, also those that name files. What was remembered of
# a chain does not outlive the roots by which it was judged.
#
# @TEST-EXEC: zeek -C -r $TRACES/benign/capture.pcap $PACKAGE %INPUT > output
# @TEST-EXEC: btest-diff output

global changed = F;

event AN1496::session_observed(rec: AN1496::Info)
	{
	if ( ! rec?$validation_code )
		return;

	print changed, rec$server_name, rec$validation_code, AN1496::has_anomaly(rec,
	    "weak_key");
	if ( changed )
		return;

	changed = T;
	Config::set_value("AN1496::ca_bundle", getenv("TRACES") + "/ca.pem");
	Config::set_value("AN1496::weak_rsa_bits", 5000);
	Config::set_value("AN1496::weak_ec_bits", 5000);
	}
