##! What is odd about the handshake itself: `no_sni`, `legacy_version`, `version_fallback`, `weak_cipher`,
##! `handshake_failed`, `unusual_port`, `malformed_handshake`.

@load ./main

module AN1496;

export {
	## Whether a cipher suite has no encryption or no authentication, or a broken part.
	global is_weak_cipher: function(cipher: string): bool;
}

# TLS 1.3 without encryption (RFC 9150); their names do not say NULL.
const integrity_only: set[string] = {
	"TLS_SHA256_SHA256",
	"TLS_SHA384_SHA384"
};

function is_weak_cipher(cipher: string): bool
	{
	if ( cipher in integrity_only )
		return T;

	for ( _, word in split_string(to_upper(cipher), /_/) )
		if ( word in weak_cipher_words )
			return T;

	return F;
	}

# DTLS, which media and games speak without server names and on any port. Before the server answers, the client's
# fingerprint says it.
function is_datagram(i: Info): bool
	{
	return ( i?$version && starts_with(i$version, "DTLS") )
	    || ( i?$ja4 && i$ja4[0] == "d" );
	}

# Behind a proxy the port that counts is the one that the client asked it for.
function proxied_port(i: Info): count
	{
	local asked = find_last(i$proxy_target, /:[0-9]{1,5}$/);
	return asked == "" ? port_to_count(i$id$resp_p) : to_count(asked[1:]);
	}

function judge_downgrade(s: Session)
	{
	local i = s$info;
	local got = i?$version ? i$version : "no answer";
	if ( i$downgrade == "scsv" )
		abnormal(s, "version_fallback", fmt(
		    "client retries with a lower version (RFC 7507), got %s",
		    got));
	else
		abnormal(s, "version_fallback", fmt(
		    "server marks a forced downgrade (RFC 8446 4.1.3), got %s",
		    got));
	}

# A TLS server answered, or somebody sent an alert, and the handshake is known to have failed. A port where nothing
# answers, or nothing that speaks TLS, is no failed handshake.
function judge_failure(s: Session)
	{
	local i = s$info;
	if ( i?$last_alert )
		abnormal(s, "handshake_failed", fmt("alert %s", i$last_alert));
	else if ( i?$version
	    || i?$cipher
	    || ( i?$ssl_history && /[a-z]/ in i$ssl_history ) )
		abnormal(s, "handshake_failed", "server answered, handshake not completed");
	}

# There are few ciphers, and all sessions have one.
global weak_ciphers: table[string] of bool = table()
    &default_insert=is_weak_cipher;
global weak_by_rules = 0;
const max_ciphers = 1000;

function judge_cipher(s: Session, cipher: string)
	{
	if ( weak_by_rules != rules || |weak_ciphers| > max_ciphers )
		{
		clear_table(weak_ciphers);
		weak_by_rules = rules;
		}
	if ( weak_ciphers[cipher] )
		abnormal(s, "weak_cipher", cipher);
	}

hook AN1496::judge(c: connection, s: Session)
	{
	local i = s$info;
	if ( i?$version && i$version in legacy_versions )
		abnormal(s, "legacy_version", i$version);
	if ( i?$downgrade )
		judge_downgrade(s);
	if ( i?$cipher )
		judge_cipher(s, i$cipher);
	if ( i?$established && ! i$established )
		judge_failure(s);
	if ( i?$handshake_error )
		abnormal(s, "malformed_handshake", i$handshake_error);

	# Without the ClientHello nobody knows who the server is.
	if ( ! i$client_hello_seen )
		return;

	if ( ! i?$server_name && ! is_datagram(i) )
		abnormal(s, "no_sni", fmt("no server name for %s", i$id$resp_h));
	local server = i?$proxy_target ? proxied_port(i) : port_to_count(i$id$resp_p);
	if ( server !in usual_ports && ! is_datagram(i) )
		abnormal(s, "unusual_port", fmt("port %d/%s", server, i$proto));
	}
