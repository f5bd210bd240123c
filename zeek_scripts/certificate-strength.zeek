##! How strong the leaf certificate's key and signature are, and whether it is whole: `weak_key`, `weak_signature`,
##! `leaf_is_ca`, `malformed_certificate`.

@load ./main

module AN1496;

# Fewer bits than this are weak; 0: nothing is known of this kind of key.
function least_bits(key_type: string): count
	{
	switch ( key_type )
		{
		case "rsa", "RSA-PSS", "dsa":
			return weak_rsa_bits;
		case "ecdsa":
			return weak_ec_bits;
		default:
			return 0;
		}
	}

hook AN1496::judge_chain(chain: Chain)
	{
	if ( chain?$error )
		abnormal_chain(chain, "malformed_certificate", chain$error);
	if ( ! chain?$leaf )
		return;

	local leaf = chain$leaf;
	if ( leaf?$key_type
	    && leaf?$key_length
	    && leaf$key_length < least_bits(leaf$key_type) )
		abnormal_chain(chain, "weak_key", fmt("%s key of %d bits", leaf$key_type,
		    leaf$key_length));
	# That counts for a self-signed leaf too: nobody but the signer chose it.
	if ( leaf?$sig_alg && leaf$sig_alg in weak_signature_algorithms )
		abnormal_chain(chain, "weak_signature", leaf$sig_alg);
	if ( chain?$basic_constraints && chain$basic_constraints$ca )
		abnormal_chain(chain, "leaf_is_ca", fmt("basic constraints say CA: %s",
		    leaf$subject));
	# A validity that ends before it begins has no length, and is neither short nor long.
	if ( ! chain?$error
	    && leaf?$not_valid_before
	    && leaf?$not_valid_after
	    && leaf$not_valid_after < leaf$not_valid_before )
		abnormal_chain(chain, "malformed_certificate", fmt(
		    "valid until %s, before it is valid from %s", utc_date(
		    leaf$not_valid_after), utc_date(leaf$not_valid_before)));
	}
