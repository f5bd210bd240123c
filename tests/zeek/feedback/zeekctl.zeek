# @TEST-DOC: Where zeekctl only looks at the scripts, beside the node that listens, nothing listens.
#
# @TEST-PORT: FEEDBACK_PORT
#
# @TEST-EXEC: ZEEKCTL_DISABLE_LISTEN=1 with-port-taken zeek $PACKAGE %INPUT > output
# @TEST-EXEC-FAIL: with-port-taken zeek $PACKAGE %INPUT
# @TEST-EXEC: btest-diff output

redef AN1496::feedback_port = to_port(getenv("FEEDBACK_PORT"));

event zeek_done()
	{
	print "looked at";
	}
