# @TEST-DOC: A policy hook decides what is logged.
#
# @TEST-EXEC: zeek -C -r $TRACES/certificates/capture.pcap $PACKAGE %INPUT AN1496::ca_bundle=$TRACES/ca.pem
# @TEST-EXEC: grep -v '^#' an1496.log | grep -vc expired > output || true
# @TEST-EXEC: btest-diff output

hook AN1496::log_policy(rec: AN1496::Info, id: Log::ID, filter: Log::Filter)
	{
	if ( ! AN1496::has_anomaly(rec, "expired") )
		break;
	}
