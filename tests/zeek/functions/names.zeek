# @TEST-DOC: Distinguished names are split at the separators that are not escaped; the names that tools fill in are known.
#
# @TEST-EXEC: zeek $PACKAGE %INPUT > output
# @TEST-EXEC: btest-diff output

event zeek_init()
	{
	print AN1496::attributes("CN=a\\,b,OU=c+O=d\\+e,C=\\\\");
	print AN1496::attributes("");
	print "all attributes, other order", AN1496::holds(
	    "C=US,O=cobaltstrike,CN=Major Cobalt Strike,OU=AdvancedPenTesting",
	    "CN=Major Cobalt Strike,OU=AdvancedPenTesting,O=cobaltstrike");
	print "one is missing", AN1496::holds(
	    "CN=Major Cobalt Strike,OU=AdvancedPenTesting",
	    "CN=Major Cobalt Strike,OU=AdvancedPenTesting,O=cobaltstrike");
	print "part of a longer one", AN1496::holds("CN=multiplayer.example",
	    "CN=multiplayer");
	print "Metasploit", AN1496::is_metasploit("emailAddress=sales@corp.smith.jones.com,CN=corp.smith.jones.com,OU=sales,O=Corp\\, Smith and Jones,ST=TX,C=US");
	print "Metasploit", AN1496::is_metasploit("emailAddress=sales@smith.jones.com,CN=smith.jones.com,OU=sales,O=Smith Jones,ST=TX,C=US");
	print "another mail", AN1496::is_metasploit("emailAddress=info@smith.jones.com,CN=smith.jones.com,OU=sales,O=Smith Jones,ST=TX,C=US");
	print "another country", AN1496::is_metasploit("emailAddress=sales@smith.jones.com,CN=smith.jones.com,OU=sales,O=Smith Jones,ST=TX,C=DE");
	print "no attributes", AN1496::is_metasploit("CN=smith.jones.com");
	}
