##! When the leaf certificate is valid, and for how long: `expired`, `not_yet_valid`, `short_validity`, `long_validity`.

@load ./main

module AN1496;

type Limit: record {
	since: double;
	most: count;
	source: string;
};

# Longest validity of publicly trusted certificates by the CA/Browser Forum, latest first: issued from this moment on,
# seconds since 1970 UTC; days.
const limits: vector of Limit = {
	Limit($since=1868227200.0, $most=47, $source="SC-081v3 from 2029-03-15"),
	Limit($since=1805068800.0, $most=100, $source="SC-081v3 from 2027-03-15"),
	Limit($since=1773532800.0, $most=200, $source="SC-081v3 from 2026-03-15"),
	Limit($since=1598918400.0, $most=398, $source="SC31 from 2020-09-01"),
	Limit($since=1519862400.0, $most=825, $source="ballot 193 from 2018-03-01"),
	Limit($since=1427846400.0, $most=1188,
	    $source="Baseline Requirements, 39 months from 2015-04-01"),
	Limit($since=1341100800.0, $most=1827,
	    $source="Baseline Requirements, 60 months from 2012-07-01"),
};

function public_limits_apply(): bool
	{
	return public_validity_limits == ALWAYS
	    || ( public_validity_limits == PUBLIC_ROOTS && trusts_public_roots() );
	}

# Where the chain could not be checked, a self-issued certificate is certainly not public; any other may be.
function is_untrusted(chain: Chain): bool
	{
	return chain?$verdict ? chain$verdict$code != x509_ok : chain$leaf$subject ==
	    chain$leaf$issuer;
	}

hook AN1496::judge_chain(chain: Chain)
	{
	if ( ! chain?$leaf
	    || ! chain$leaf?$not_valid_before
	    || ! chain$leaf?$not_valid_after )
		return;

	local start = chain$leaf$not_valid_before;
	local life = chain$leaf$not_valid_after - start;
	if ( life >= 0sec
	    && life < short_validity_days * 1day
	    && is_untrusted(chain) )
		abnormal_chain(chain, "short_validity", fmt("valid %s, untrusted", in_days(
		    life)));

	if ( chain?$verdict
	    && chain$verdict$code == x509_ok
	    && public_limits_apply() )
		{
		for ( _, limit in limits )
			if ( time_to_double(start) >= limit$since )
				{
				# The last second counts as well (RFC 5280 4.1.2.5); it is forgiven.
				if ( life > limit$most * 1day )
					abnormal_chain(chain, "long_validity", fmt(
					    "valid %s, trusted, allowed %d (%s)",
					    in_days(life), limit$most,
					    limit$source));
				break;
				}
		}
	else if ( life > long_validity_days * 1day )
		abnormal_chain(chain, "long_validity", fmt("valid %s, more than %d", in_days(
		    life), long_validity_days));
	}

hook AN1496::judge(c: connection, s: Session)
	{
	if ( ! s$info?$certificate )
		return;

	local leaf = s$info$certificate;
	local now = s$info$ts;
	if ( leaf?$not_valid_after && now > leaf$not_valid_after )
		abnormal(s, "expired", fmt("expired %s, %s before", utc_date(
		    leaf$not_valid_after), in_days(now -
		    leaf$not_valid_after)));
	if ( leaf?$not_valid_before && now < leaf$not_valid_before )
		abnormal(s, "not_yet_valid", fmt("valid from %s, %s later", utc_date(
		    leaf$not_valid_before), in_days(leaf$not_valid_before -
		    now)));
	}
