# @TEST-DOC: Sites that want the fingerprints in ssl.log get them there.
#
# @TEST-EXEC: zeek -C -r $TRACES/certificates/capture.pcap $PACKAGE $PACKAGE/ssl-log.zeek %INPUT
# @TEST-EXEC: grep '^#fields' ssl.log | tr '\t' '\n' | grep '^ja' > fields
# @TEST-EXEC: btest-diff fields

event SSL::log_ssl(rec: SSL::Info)
	{
	if ( ! rec?$ja3 || ! rec?$ja3s || ! rec?$ja4 )
		print "incomplete", rec$uid;
	}
