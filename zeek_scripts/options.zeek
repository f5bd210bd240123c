##! Every number and word behind the anomalies. All can be changed at run time through the configuration framework.
##! Names, defaults and meanings are those of the enricher, so that both judge alike. Days are 86400 seconds.

module AN1496;

export {
	## Rises whenever an option, a list or the trusted roots change: what was judged before is judged again.
	global rules: count = 1;

	## Which certificates the limits of the CA/Browser Forum bind.
	type PublicLimits: enum {
		## Those trusted by Zeek's own roots; not those trusted by `ca_bundle`, whose private authorities the limits
		## do not bind.
		PUBLIC_ROOTS,
		## All trusted ones.
		ALWAYS,
		## None.
		NEVER
	};

	## `short_validity`: an untrusted certificate that lives less. Public authorities issue for 6 days and more, so
	## trusted ones are never judged; appliances and private authorities issue for a year or more.
	option short_validity_days: count = 30;

	## `long_validity` of certificates that are not publicly trusted: more than ten years and their leap days, the
	## longest that tools and appliances make by habit.
	option long_validity_days: count = 3660;

	## `long_validity` of trusted certificates by the limits of the CA/Browser Forum at their issue.
	option public_validity_limits: PublicLimits = PUBLIC_ROOTS;

	## `weak_key`: RSA, RSA-PSS and DSA keys of fewer bits (NIST SP 800-57 part 1: 112 bits of strength).
	option weak_rsa_bits: count = 2048;

	## `weak_key`: elliptic curve keys of fewer bits (the same strength).
	option weak_ec_bits: count = 224;

	## `weak_signature`: hashes with practical collisions, under OpenSSL's names.
	option weak_signature_algorithms: set[string] = {
		"md2WithRSAEncryption",
		"md4WithRSAEncryption",
		"md5WithRSAEncryption",
		"md5WithRSA",
		"shaWithRSAEncryption",
		"sha1WithRSAEncryption",
		"sha1WithRSA",
		"dsaWithSHA",
		"dsaWithSHA1",
		"dsaWithSHA1-old",
		"ecdsa-with-SHA1",
	};

	## `default_subject`: attributes (RFC 2253, escaped) that a subject or issuer must all have, in any order. These
	## are what known tools write unless told otherwise; a certificate of Metasploit is known by its form besides.
	option default_subjects: set[string] = {
	# What `openssl req` and its distributors' configurations fill in.
		"O=Internet Widgits Pty Ltd",
		"O=Default Company Ltd",
		# Cobalt Strike's team server keystore.
		"CN=Major Cobalt Strike,OU=AdvancedPenTesting,O=cobaltstrike",
		# PoshC2's server configuration.
		"CN=P18055077,OU=Jethpro,O=Pajfds",
		# Remote access tools of the Quasar family, and Orcus.
		"CN=Quasar Server CA",
		"CN=AsyncRAT Server",
		"CN=DcRat Server",
		"CN=Orcus Server",
		# Metasploit Pro's own authority.
		"CN=MetasploitSelfSignedCA",
		# Sliver's listener for its operators.
		"CN=multiplayer",
		# Covenant's listener.
		"CN=Covenant",
	};

	## `legacy_version`: deprecated by RFC 6176, RFC 7568 and RFC 8996.
	option legacy_versions: set[string] = {
		"SSLv2",
		"SSLv3",
		"TLSv10",
		"TLSv11",
		"DTLSv10",
	};

	## `weak_cipher`: parts of IANA's cipher suite names, upper case, between underscores.
	option weak_cipher_words: set[string] = {
		"NULL",
		"EXPORT",
		"EXPORT40",
		"EXPORT1024",
		"ANON",
		"RC4",
		"RC2",
		"DES",
		"DES40",
		"3DES",
		"MD5",
	};

	## `unusual_port`: server ports where TLS is at home; any other is abnormal. Datagram TLS of media has no home.
	option usual_ports: set[count] = {
	# Web and proxies.
		443,
		8443,
		# Mail, directly or by STARTTLS.
		25,
		110,
		143,
		465,
		587,
		993,
		995,
		4190,
		# Directories, remote desktop, management, updates and databases of Windows networks.
		389,
		636,
		3268,
		3269,
		3389,
		5986,
		8531,
		1433,
		# DNS, files, news, terminals.
		853,
		21,
		989,
		990,
		563,
		992,
		# Chat, push, telephony, messaging.
		5061,
		5222,
		5223,
		5228,
		5269,
		6697,
		5349,
		8883,
		5671,
		# Databases and clusters.
		3306,
		5432,
		2376,
		6443,
		27017,
	};
}

event zeek_init()
	{
	for ( name in global_options() )
		if ( starts_with(name, "AN1496::") )
			Option::set_change_handler(name, function(id: string, value: any): any
				{
				++rules;
				return value;
				});
	}
