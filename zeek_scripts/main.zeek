##! Observes TLS sessions and writes one record of each to an1496.log: facts under the names of ssl.log and x509.log, and
##! what is abnormal about them.
##!
##! A session is finished where ssl.log's is: when it is established, else when its connection ends.

@load base/frameworks/logging
@load base/protocols/conn/removal-hooks
@load base/protocols/ssl
@load ./certificate
@load ./fingerprint
@load ./options
@load ./trust
@load ./words

module AN1496;

export {
	redef enum Log::ID += { LOG };

	## Decides per record and filter what is logged.
	global log_policy: Log::PolicyHook;

	## Log the strings behind the fingerprints too (`ja3_raw`, `ja3s_raw`, `ja4_raw`). They are longer than all the rest
	## of the record, and a tenth of the package's cost; the fingerprints are there without them.
	option log_raw_fingerprints: bool = F;

	## Facts of one TLS session, and what is abnormal about them. Absent fields were not seen.
	type Info: record {
		## First packet of the TLS handshake that was seen.
		ts: time &log;
		## Unique id of the connection.
		uid: string &log;
		## Addresses and ports of the connection.
		id: conn_id &log;
		## Transport protocol.
		proto: transport_proto &log;
		## Community ID v1, seed 0.
		community_id: string &log &optional;
		## Version that the server chose.
		version: string &log &optional;
		## Cipher suite that the server chose.
		cipher: string &log &optional;
		## Group of the key exchange.
		curve: string &log &optional;
		## Name of the server that the client asked for, bytes that do not print as `\xNN`.
		server_name: string &log &optional;
		## Protocol that the server chose by ALPN.
		next_protocol: string &log &optional;
		## Keys of an earlier session are used.
		resumed: bool &log &optional;
		## T: both sides finished. F: it is known to have failed. Absent: half the conversation was not seen.
		established: bool &log &optional;
		## The last alert.
		last_alert: string &log &optional;
		## Letters as in ssl.log.
		ssl_history: string &log &optional;
		## Whether the ClientHello was seen.
		client_hello_seen: bool &log &default=F;
		## Sign of a forced lower version: `scsv` (RFC 7507 offered), `sentinel` (RFC 8446 4.1.3 in the server random).
		downgrade: string &log &optional;
		## `host:port` that the client asked a proxy for (HTTP CONNECT, SOCKS), if the handshake went through one. The
		## responder is the proxy.
		proxy_target: string &log &optional;
		## HPKE KDF of an encrypted ClientHello (RFC 9849) or its imitation: `server_name` is the outer one's.
		ech_kdf_id: count &log &optional;
		## HPKE AEAD of an encrypted ClientHello or its imitation.
		ech_aead_id: count &log &optional;
		## What in the handshake did not parse.
		handshake_error: string &log &optional;
		## JA3 of the first ClientHello.
		ja3: string &log &optional;
		## What it is the hash of.
		ja3_raw: string &log &optional;
		## JA3S of the ServerHello.
		ja3s: string &log &optional;
		## What it is the hash of.
		ja3s_raw: string &log &optional;
		## JA4 of the first ClientHello.
		ja4: string &log &optional;
		## What it is the hash of.
		ja4_raw: string &log &optional;
		## F: encrypted (TLS 1.3) or not sent (resumption). Absent: the server's flight was not seen.
		cert_visible: bool &log &optional;
		## SHA-256 of each certificate of the server, leaf first.
		cert_chain_fps: vector of string &log &optional;
		## SHA-1 of each certificate of the server.
		cert_chain_sha1s: vector of string &log &optional;
		## SHA-256 of each certificate of the client.
		client_cert_chain_fps: vector of string &log &optional;
		## uid of the full handshake whose certificate this resumed session uses.
		cert_inherited_from: string &log &optional;
		## Which certificate breaks X.509, and how.
		certificate_error: string &log &optional;
		## The server's certificate.
		certificate: Certificate &log &optional;
		## The names in the server's certificate.
		san: AlternativeNames &log &optional;
		## The basic constraints of the server's certificate.
		basic_constraints: X509::BasicConstraints &log &optional;
		## X509_V_ERR_* of OpenSSL's chain building, dates left out.
		validation_code: int &log &optional;
		## The code's meaning, with the dates judged at the time of the session.
		validation_status: string &log &optional;
		## Whether the certificate is for the server name.
		sni_matches_cert: bool &log &optional;
		## What is abnormal, sorted. These are the ids that the enricher knows.
		anomalies: vector of string &log &default=vector();
		## For each anomaly, the fact that triggered it.
		anomaly_facts: vector of string &log &default=vector();
	};

	## A session that is still observed.
	type Session: record {
		## What will be logged.
		info: Info;
		## What was read so far of the first ClientHello; gone once the fingerprints are computed.
		hello: ClientHello &optional;
		## The version that the client would like best.
		best_version: count &default=0;
		## The client says that it retries with a lower version.
		retries_lower: bool &default=F;
		## Extension types of the ServerHello, until its fingerprint is computed.
		server_extensions: index_vec &default=vector();
		## The ServerHello was seen.
		server_hello_seen: bool &default=F;
		## A HelloRetryRequest was seen.
		retry_seen: bool &default=F;
		## The server switched to encryption without the messages of a full handshake.
		abbreviated: bool &default=F;
		## Both sides encrypt.
		established: bool &default=F;
		## A fatal alert was seen.
		fatal: bool &default=F;
		## The server's chain, its own or inherited.
		chain: Chain &optional;
		## What was found abnormal, with the facts.
		found: table[string] of string &optional;
	};

	## Completes a session's facts by those of other sessions, before it is judged.
	global complete: hook(c: connection, s: Session);

	## Judges a session whose facts are complete; handlers call `abnormal`. This is where further anomalies, of this
	## package or another, are added.
	global judge: hook(c: connection, s: Session);

	## Runs for every session with its final record, right before that is logged.
	global finishing: hook(c: connection, rec: Info);

	## Raised for every session that is logged, with its final record. For scripts that build on it.
	global session_observed: event(rec: Info);

	## Record that something is abnormal.
	##
	## s: the session.
	##
	## id: the anomaly's id, as the enricher knows it.
	##
	## fact: what triggered it; text of strangers is made harmless.
	global abnormal: function(s: Session, id: string, fact: string);

	## Whether a record has an anomaly.
	global has_anomaly: function(rec: Info, id: string): bool;

	## The session of a connection, made where there is none yet.
	global observe: function(c: connection): Session;

	## Finishes what was never established.
	global finalize: Conn::RemovalHook;
}

redef record connection += {
	## The TLS session that is being observed.
	an1496: Session &optional;
	## It was logged.
	an1496_done: bool &optional;
};

const retry_random = "\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91\xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c";
const sentinel_12 = "DOWNGRD\x01";
const sentinel_11 = "DOWNGRD\x00";
const encrypted_client_hello = 0xfe0d;
const fatal_alert = 2;

event zeek_init() &priority=5
	{
	Log::create_stream(LOG, Log::Stream($columns=Info, $ev=session_observed,
	    $path="an1496", $policy=log_policy));
	}

function observe(c: connection): Session
	{
	if ( ! c?$an1496 )
		{
		c$an1496 = Session($info=Info($ts=network_time(), $uid=c$uid, $id=c$id,
		    $proto=get_port_transport_proto(c$id$resp_p)));
		Conn::register_removal_hook(c, finalize);
		}

	return c$an1496;
	}

function abnormal(s: Session, id: string, fact: string)
	{
	if ( ! s?$found )
		s$found = table();
	s$found[id] = clean(fact);
	}

function has_anomaly(rec: Info, id: string): bool
	{
	for ( _, found in rec$anomalies )
		if ( found == id )
			return T;

	return F;
	}

# The scratch of the first ClientHello; absent once that is complete.
function hello_of(c: connection): ClientHello
	{
	if ( c?$an1496 && c$an1496?$hello )
		return c$an1496$hello;

	local s = observe(c);
	s$hello = ClientHello();
	return s$hello;
	}

# Whether an extension belongs to the first ClientHello: a second one answers a HelloRetryRequest or renegotiates.
function first_hello(c: connection, is_client: bool): bool
	{
	return is_client
	    && ! c?$an1496_done
	    && ! ( c?$an1496 && c$an1496$info$client_hello_seen );
	}

# Type (0 for the outer hello), KDF and AEAD stand at its front.
function take_encrypted_hello(i: Info, val: string)
	{
	if ( |val| < 5 || bytestring_to_count(val[0]) != 0 )
		return;

	i$ech_kdf_id = bytestring_to_count(val[1:3]);
	i$ech_aead_id = bytestring_to_count(val[3:5]);
	}

# The most frequent event of all: what it usually meets comes first, without a call.
event ssl_extension(c: connection, is_client: bool, code: count, val: string)
	{
	if ( is_client
	    && c?$an1496
	    && c$an1496?$hello
	    && code != encrypted_client_hello )
		{
		c$an1496$hello$extensions += code;
		return;
		}

	if ( first_hello(c, is_client) )
		{
		hello_of(c)$extensions += code;
		if ( code == encrypted_client_hello )
			take_encrypted_hello(c$an1496$info, val);
		}
	else if ( ! is_client && ! c?$an1496_done )
		{
		local s = observe(c);
		if ( ! s$server_hello_seen )
			s$server_extensions += code;
		}
	}

event ssl_extension_elliptic_curves(c: connection, is_client: bool,
    curves: index_vec)
	{
	if ( first_hello(c, is_client) )
		hello_of(c)$groups = curves;
	}

event ssl_extension_ec_point_formats(c: connection, is_client: bool,
    point_formats: index_vec)
	{
	if ( first_hello(c, is_client) )
		hello_of(c)$point_formats = point_formats;
	}

event ssl_extension_signature_algorithm(c: connection, is_client: bool,
    signature_algorithms: signature_and_hashalgorithm_vec)
	{
	if ( ! first_hello(c, is_client) )
		return;

	local hello = hello_of(c);
	for ( _, algorithm in signature_algorithms )
		hello$signature_algorithms += algorithm$HashAlgorithm * 256 +
		    algorithm$SignatureAlgorithm;
	}

event ssl_extension_supported_versions(c: connection, is_client: bool,
    versions: index_vec)
	{
	if ( first_hello(c, is_client) )
		hello_of(c)$versions = versions;
	}

event ssl_extension_application_layer_protocol_negotiation(c: connection,
    is_client: bool, protocols: string_vec)
	{
	if ( |protocols| > 0 && first_hello(c, is_client) )
		hello_of(c)$alpn = protocols[0];
	}

function carrier(c: connection): string
	{
@ifdef ( Analyzer::ANALYZER_QUIC )
	if ( c?$quic )
		return "q";
@endif

	return get_port_transport_proto(c$id$resp_p) == udp ? "d" : "t";
	}

event ssl_client_hello(c: connection, version: count, record_version: count,
    possible_ts: time, client_random: string, session_id: string,
    ciphers: index_vec, comp_methods: index_vec)
	{
	if ( ! first_hello(c, T) )
		return;

	local hello = hello_of(c);
	local s = c$an1496;
	s$info$ts = network_time();
	s$info$client_hello_seen = T;
	hello$version = version;
	hello$ciphers = ciphers;
	hello$transport = carrier(c);
	local prints = client_fingerprints(hello);
	s$best_version = prints$best_version;
	s$retries_lower = prints$retries_lower;

	# SSLv2's hello has ciphers of 24 bits and no extensions: no fingerprint is defined for it.
	if ( record_version != 0 || s$info$proto == udp )
		{
		s$info$ja3 = prints$ja3$value;
		s$info$ja4 = prints$ja4$value;
		if ( log_raw_fingerprints )
			{
			s$info$ja3_raw = prints$ja3$raw;
			s$info$ja4_raw = prints$ja4$raw;
			}
		}
	delete s$hello;
	}

event ssl_server_hello(c: connection, version: count, record_version: count,
    possible_ts: time, server_random: string, session_id: string, cipher: count,
    comp_method: count)
	{
	if ( c?$an1496_done )
		return;

	local s = observe(c);
	if ( server_random == retry_random )
		{
		s$retry_seen = T;
		s$server_extensions = vector();
		}
	if ( s$server_hello_seen || server_random == retry_random )
		return;

	s$server_hello_seen = T;
	if ( version != SSL::SSLv2 )
		{
		local fingerprint = ja3s(version, cipher, s$server_extensions);
		s$info$ja3s = fingerprint$value;
		if ( log_raw_fingerprints )
			s$info$ja3s_raw = fingerprint$raw;
		}
	s$server_extensions = vector();

	# A server that could do better says so in its random; it means something if the client could, too.
	local got = tls_version(c$ssl$version_num);
	local best = tls_version(s$best_version);
	local mark = sub_bytes(server_random, 25, 8);
	if ( s$info$client_hello_seen && got < ( best < 0x0304 ? best : 0x0304 ) )
		if ( mark == sentinel_12 || ( mark == sentinel_11 && got < 0x0303 ) )
			s$info$downgrade = "sentinel";
	}

event ssl_change_cipher_spec(c: connection, is_client: bool)
	{
	# What a server may send in the clear when it resumes: HelloRequest, ServerHello, HelloVerifyRequest, ticket.
	if ( ! is_client && c?$an1496 && /[xknruafwyeopgzmc]/ !in c$ssl$ssl_history )
		c$an1496$abbreviated = T;
	}

event ssl_alert(c: connection, is_client: bool, level: count, desc: count)
	{
	if ( level == fatal_alert && c?$an1496 )
		c$an1496$fatal = T;
	}

event analyzer_violation_info(atype: AllAnalyzers::Tag,
    info: AnalyzerViolationInfo)
	{
	if ( ( atype == Analyzer::ANALYZER_SSL || atype == Analyzer::ANALYZER_DTLS )
	    && info?$c
	    && info$c?$an1496
	    && ! info$c$an1496$info?$handshake_error )
		info$c$an1496$info$handshake_error = clean(printable(info$reason));
	}

# Both directions were seen whole, and the connection is known to have ended; otherwise only our sight of it did.
function seen_to_its_end(c: connection): bool
	{
	if ( c$orig$num_pkts == 0 || c$resp$num_pkts == 0 || /[gG]/ in c$history )
		return F;

	if ( get_port_transport_proto(c$id$resp_p) == udp )
		return network_time() - ( c$start_time + c$duration ) >=
		    udp_inactivity_timeout;

	return c$orig$state == TCP_RESET
	    || c$resp$state == TCP_RESET
	    || ( c$orig$state == TCP_CLOSED && c$resp$state == TCP_CLOSED )
	    || network_time() - ( c$start_time + c$duration ) >= tcp_inactivity_timeout;
	}

function is_tls13(version: count): bool
	{
	return tls_version(version) == 0x0304 || version / 0xff == 0x7f;
	}

# What ssl.log knows as well.
function take_handshake(c: connection, s: Session)
	{
	local i = s$info;
	local ssl = c$ssl;
	i$community_id = community_id_v1(c$id);
	if ( ssl?$version )
		i$version = ssl$version;
	if ( ssl?$cipher )
		i$cipher = ssl$cipher;
	if ( ssl?$curve )
		i$curve = ssl$curve;
	if ( ssl?$server_name && ssl$server_name != "" )
		i$server_name = printable(ssl$server_name);
	if ( ssl?$next_protocol && ssl$next_protocol != "" )
		i$next_protocol = printable(ssl$next_protocol);
	if ( ssl?$last_alert )
		i$last_alert = ssl$last_alert;
	if ( ssl$ssl_history != "" )
		i$ssl_history = ssl$ssl_history;
	if ( s$server_hello_seen )
		i$resumed = ssl$resumed || ( s$abbreviated && ! is_tls13(ssl$version_num) );
	if ( s$retries_lower && ! i?$downgrade )
		i$downgrade = "scsv";
	if ( s$established )
		i$established = T;
	else if ( s$fatal || seen_to_its_end(c) )
		i$established = F;
	}

# Whether the server's certificate could be seen; absent as long as its flight was not seen to the end.
function take_visibility(c: connection, s: Session)
	{
	local i = s$info;
	if ( s?$chain || i?$certificate_error )
		i$cert_visible = T;
	else if ( s$server_hello_seen
	    && ( is_tls13(c$ssl$version_num) || i$resumed || /i/ in c$ssl$ssl_history ) )
		i$cert_visible = F;
	}

function take_chain(s: Session, at: time)
	{
	local i = s$info;
	local chain = s$chain;
	i$cert_chain_fps = chain$fps;
	i$cert_chain_sha1s = chain$sha1s;
	if ( chain?$error )
		i$certificate_error = chain$error;
	if ( chain?$leaf )
		i$certificate = chain$leaf;
	if ( chain?$san )
		i$san = chain$san;
	if ( chain?$basic_constraints )
		i$basic_constraints = chain$basic_constraints;
	if ( chain?$verdict )
		{
		i$validation_code = chain$verdict$code;
		i$validation_status = verdict_status(chain$verdict, at);
		}
	if ( i?$server_name
	    && ( covers(chain, i$server_name) || chain$names_complete ) )
		i$sni_matches_cert = covers(chain, i$server_name);
	}

function take_client_chain(c: connection, s: Session)
	{
	if ( ! c$ssl?$client_cert_chain || |c$ssl$client_cert_chain| == 0 )
		return;

	s$info$client_cert_chain_fps = vector();
	for ( _, one in c$ssl$client_cert_chain )
		if ( one?$sha256 )
			s$info$client_cert_chain_fps += one$sha256;
	}

function take_anomalies(s: Session)
	{
	if ( ! s?$found )
		return;

	local ids: vector of string = vector();
	for ( id in s$found )
		ids += id;
	sort(ids, strcmp);
	s$info$anomalies = ids;
	for ( _, id in s$info$anomalies )
		s$info$anomaly_facts += s$found[id];
	}

function finish(c: connection)
	{
	local s = c$an1496;
	if ( c?$ssl
	    && ( s$info$client_hello_seen || s$server_hello_seen || s$retry_seen ) )
		{
		take_handshake(c, s);
		if ( c$ssl?$cert_chain && |c$ssl$cert_chain| > 0 )
			s$chain = chain_facts(c$ssl$cert_chain);
		take_visibility(c, s);
		hook complete(c, s);
		if ( s?$chain )
			take_chain(s, s$info$ts);
		take_client_chain(c, s);
		hook judge(c, s);
		take_anomalies(s);
		hook finishing(c, s$info);
		Log::write(LOG, s$info);
		}

	delete c$an1496;
	c$an1496_done = T;
	}

# SSL::ssl_finishing runs in this event at priority 20, before SSL::Info tells that the session is established.
event ssl_established(c: connection) &priority=21
	{
	if ( ! c?$an1496_done )
		observe(c)$established = T;
	}

# Below the priority at which the chain is filled. It also runs at every protocol violation and at the connection's end;
# the session of a violation may still go on.
hook SSL::ssl_finishing(c: connection) &priority=-5
	{
	if ( c?$an1496 && c$an1496$established )
		finish(c);
	}

hook AN1496::finalize(c: connection)
	{
	if ( c?$an1496 )
		finish(c);
	}
