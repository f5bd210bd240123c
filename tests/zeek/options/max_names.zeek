# @TEST-DOC: No more names are kept than the site wants, and where names are left out nobody can say that none fits.
#
# @TEST-EXEC: zeek -C -r $TRACES/certificates/capture.pcap $PACKAGE show %INPUT > before
# @TEST-EXEC: zeek -C -r $TRACES/certificates/capture.pcap $PACKAGE show %INPUT AN1496::max_names=0 > after
# @TEST-EXEC: diff before after > output || true
# @TEST-EXEC: btest-diff output

redef AN1496::only = /sni_mismatch/;
redef AN1496::tell = function(rec: AN1496::Info): string
	{
	return fmt("%d names ", rec?$san && rec$san?$dns ? |rec$san$dns| : 0);
	};
