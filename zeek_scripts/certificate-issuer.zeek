##! Who vouches for the leaf certificate: `self_signed`, `self_issued`, `untrusted_issuer`.

@load ./main

module AN1496;

hook AN1496::judge_chain(chain: Chain)
	{
	if ( ! chain?$leaf )
		return;

	local leaf = chain$leaf;
	if ( ! chain?$verdict )
		{
		# Nobody could check the signature.
		if ( leaf$subject == leaf$issuer )
			abnormal_chain(chain, "self_issued", fmt("subject is issuer: %s",
			    leaf$subject));
		}
	else if ( chain$verdict$code == x509_self_signed )
		abnormal_chain(chain, "self_signed", fmt("signed by its own key: %s",
		    leaf$subject));
	else if ( chain_failed(chain$verdict$code) )
		abnormal_chain(chain, "untrusted_issuer", fmt("%s: %s", verdict_meaning(
		    chain$verdict$code), leaf$issuer));
	}
