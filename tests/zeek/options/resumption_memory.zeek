# @TEST-DOC: A full handshake that is forgotten gives its certificate to nobody.
#
# @TEST-EXEC: zeek -C -r $TRACES/handshakes/capture.pcapng $PACKAGE %INPUT > output
# @TEST-EXEC: zeek -C -r $TRACES/handshakes/capture.pcapng $PACKAGE %INPUT AN1496::resumption_memory=1msec >> output
# @TEST-EXEC: btest-diff output

redef table_expire_interval = 10msec;
global heirs = 0;

event AN1496::session_observed(rec: AN1496::Info)
	{
	heirs += rec?$cert_inherited_from ? 1 : 0;
	}

event zeek_done()
	{
	print "some inherit", heirs > 0;
	}
