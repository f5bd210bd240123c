# @TEST-DOC: Real browsers and runtimes among good sites: nothing abnormal, also where TLS 1.3 hides the certificate.
#
# @TEST-EXEC: zeek -C -r $TRACES/benign/capture.pcap $PACKAGE show %INPUT AN1496::ca_bundle=$TRACES/ca.pem > output
# @TEST-EXEC: btest-diff output
# @TEST-EXEC: test ! -e notice.log

redef AN1496::tell = function(rec: AN1496::Info): string
	{
	return rec$version + " ";
	};
