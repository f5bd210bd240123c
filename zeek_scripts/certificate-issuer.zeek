##! Who vouches for the leaf certificate: `self_signed`, `self_issued`, `untrusted_issuer`.

@load ./main

module AN1496;

hook AN1496::judge(c: connection, s: Session)
	{
	local i = s$info;
	if ( ! i?$certificate )
		return;

	if ( ! i?$validation_code )
		{
		# Nobody could check the signature.
		if ( i$certificate$subject == i$certificate$issuer )
			abnormal(s, "self_issued", fmt("subject is issuer: %s",
			    i$certificate$subject));
		}
	else if ( i$validation_code == x509_self_signed )
		abnormal(s, "self_signed", fmt("signed by its own key: %s",
		    i$certificate$subject));
	else if ( chain_failed(i$validation_code) )
		abnormal(s, "untrusted_issuer", fmt("%s: %s", verdict_meaning(
		    i$validation_code), i$certificate$issuer));
	}
