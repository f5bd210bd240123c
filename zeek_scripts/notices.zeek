##! Notices of abnormal sessions, one type per family of anomalies.

@load base/frameworks/notice
@load base/utils/directions-and-hosts
@load base/utils/site
@load ./main

module AN1496;

export {
	redef enum Notice::Type += {
		## A server's certificate is not valid at this time, or for an odd length of time.
		Certificate_Validity,
		## Nobody who is trusted vouches for a server's certificate.
		Certificate_Issuer,
		## A server's certificate is for another name, or has the name that a tool fills in.
		Certificate_Name,
		## A server's certificate has a weak key or signature, is a CA's, or breaks X.509.
		Certificate_Strength,
		## A handshake is odd.
		Abnormal_Handshake,
		## The client's fingerprint or a certificate is on a list of known-bad ones.
		Known_Bad,
	};

	## The clients whose sessions give notices.
	option notice_clients: Host = LOCAL_HOSTS;

	## The servers whose sessions give notices.
	option notice_servers: Host = REMOTE_HOSTS;

	## The anomalies that are worth a notice. The others (`no_sni`, `unusual_port`, `handshake_failed`) are common among
	## harmless sessions; they stand in the log.
	option noticed_anomalies: set[string] = {
		"self_signed",
		"self_issued",
		"untrusted_issuer",
		"expired",
		"not_yet_valid",
		"short_validity",
		"long_validity",
		"sni_mismatch",
		"weak_key",
		"weak_signature",
		"leaf_is_ca",
		"malformed_certificate",
		"default_subject",
		"known_bad_certificate",
		"legacy_version",
		"version_fallback",
		"weak_cipher",
		"known_bad_fingerprint",
		"malformed_handshake",
	};

	## For how long no further notice is raised for the same client, server and anomalies.
	option notice_suppression: interval = 1day;

	## The type of notice for each anomaly. Scripts that add anomalies add theirs.
	const notice_types: table[string] of Notice::Type = {
		["expired"] = Certificate_Validity,
		["not_yet_valid"] = Certificate_Validity,
		["short_validity"] = Certificate_Validity,
		["long_validity"] = Certificate_Validity,
		["self_signed"] = Certificate_Issuer,
		["self_issued"] = Certificate_Issuer,
		["untrusted_issuer"] = Certificate_Issuer,
		["sni_mismatch"] = Certificate_Name,
		["default_subject"] = Certificate_Name,
		["weak_key"] = Certificate_Strength,
		["weak_signature"] = Certificate_Strength,
		["leaf_is_ca"] = Certificate_Strength,
		["malformed_certificate"] = Certificate_Strength,
		["no_sni"] = Abnormal_Handshake,
		["legacy_version"] = Abnormal_Handshake,
		["version_fallback"] = Abnormal_Handshake,
		["weak_cipher"] = Abnormal_Handshake,
		["handshake_failed"] = Abnormal_Handshake,
		["unusual_port"] = Abnormal_Handshake,
		["malformed_handshake"] = Abnormal_Handshake,
		["known_bad_fingerprint"] = Known_Bad,
		["known_bad_certificate"] = Known_Bad,
	} &redef;
}

# Whether a policy script of Zeek is loaded and looks at this server. Asked by name and late, as it may be loaded after
# this one, and its options may change.
function watches(option_name: string, server: addr): bool
	{
	local hosts = lookup_ID(option_name);
	return hosts is Host && addr_matches_host(server, hosts as Host);
	}

# What validate-certs has found of a chain that was sent; it has a notice for all but ok, and where it is not loaded, it finds
# nothing else. Where it has yet to look, it will find what we found, or the dates.
function zeeks_code(rec: Info, ssl: SSL::Info): int
	{
	if ( ! rec?$validation_code || rec?$cert_inherited_from )
		return x509_ok;

@ifdef ( SSL::ssl_cache_intermediate_ca )
	if ( ssl?$validation_code )
		return ssl$validation_code;
@else
	# It is not loaded, or after this script. To find out costs more than all the rest of a notice.
	if ( type_name(lookup_ID("SSL::ssl_cache_intermediate_ca")) != "bool" )
		return x509_ok;

	local fields = record_fields(ssl);
	if ( "validation_code" in fields && fields["validation_code"]?$value )
		return fields["validation_code"]$value as int;
@endif

	return rec$validation_code == x509_ok ? x509_expired : rec$validation_code;
	}

function finished(rec: Info): bool
	{
	return rec?$established && rec$established && ! rec?$cert_inherited_from;
	}

# Whether Zeek's own policy scripts have a notice for the same thing: validate-certs, and for the servers that they are told
# to watch, weak-keys and expiring-certs, by their own options.
function zeek_tells(id: string, rec: Info, ssl: SSL::Info): bool
	{
	local server = rec$id$resp_h;
	switch ( id )
		{
		case "self_signed", "self_issued", "untrusted_issuer":
			return zeeks_code(rec, ssl) != x509_ok;
		case "expired", "not_yet_valid":
			return about_dates(zeeks_code(rec, ssl))
			    || ( finished(rec) && watches("SSL::notify_certs_expiration", server) );
		case "weak_key":
			return finished(rec)
			    && watches("SSL::notify_weak_keys", server)
			    && ( rec$certificate$key_type == "rsa" || rec$certificate$key_type == "dsa" )
			    && rec$certificate$key_length < ( lookup_ID("SSL::notify_minimal_key_length") as count );
		case "legacy_version":
			return watches("SSL::notify_weak_keys", server)
			    && ssl$version_num < ( lookup_ID("SSL::tls_minimum_version") as count );
		case "weak_cipher":
			return watches("SSL::notify_weak_keys", server)
			    && ( lookup_ID("SSL::unsafe_ciphers_regex") as pattern ) in rec$cipher;
		default:
			return F;
		}
	}

hook AN1496::finishing(c: connection, rec: Info) &priority=-5
	{
	if ( |rec$anomalies| == 0
	    || ! addr_matches_host(c$id$orig_h, notice_clients)
	    || ! addr_matches_host(c$id$resp_h, notice_servers) )
		return;

	local ids: table[Notice::Type] of vector of string = table();
	local facts: table[Notice::Type] of vector of string = table();
	for ( n, id in rec$anomalies )
		{
		if ( id !in noticed_anomalies
		    || id !in notice_types
		    || zeek_tells(id, rec, c$ssl) )
			next;

		local kind = notice_types[id];
		if ( kind !in ids )
			{
			ids[kind] = vector();
			facts[kind] = vector();
			}
		ids[kind] += id;
		facts[kind] += rec$anomaly_facts[n];
		}

	for ( note, found in ids )
		{
		local what = join_string_vec(found, ",");
		NOTICE(Notice::Info($note=note, $conn=c, $msg=join_string_vec(facts[note],
		    "; "), $sub=what, $identifier=cat_sep(" ", "", c$id$orig_h,
		    c$id$resp_h, c$id$resp_p, what),
		    $suppress_for=notice_suppression));
		}
	}
