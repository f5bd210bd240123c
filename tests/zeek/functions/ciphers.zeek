# @TEST-DOC: Weak parts of a cipher suite's name are whole words.
#
# @TEST-EXEC: zeek $PACKAGE %INPUT > output
# @TEST-EXEC: btest-diff output

event zeek_init()
	{
	for ( _, cipher in vector("TLS_RSA_WITH_NULL_SHA",
	    "TLS_RSA_EXPORT_WITH_RC4_40_MD5",
	    "TLS_DH_ANON_WITH_AES_128_CBC_SHA", "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
	    "TLS_SHA256_SHA256", "TLS_AES_128_GCM_SHA256",
	    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
	    "TLS_DHE_DSS_WITH_AES_256_CBC_SHA",
	    "TLS_EMPTY_RENEGOTIATION_INFO_SCSV", "unknown-4660") )
		print cipher, AN1496::is_weak_cipher(cipher);
	}
