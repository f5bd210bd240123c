##! A TLS session while it is observed: the record that will be logged, and what is needed to make it.

@load base/protocols/conn/removal-hooks
@load base/protocols/ssl
@load ./certificate
@load ./fingerprint
@load ./words

module AN1496;

export {
	## Facts of one TLS session, and what is abnormal about them. Absent fields were not seen.
	type Info: record {
		## First packet of the TLS handshake that was seen; of a ClientHello in several segments of TCP the last, as in
		## ssl.log.
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
		## What the ClientHello tells of the client.
		hello: ClientFingerprints &optional;
		## The ServerHello was seen.
		server_hello_seen: bool &default=F;
		## A HelloRetryRequest was seen.
		retry_seen: bool &default=F;
		## Both sides encrypt.
		established: bool &default=F;
		## A fatal alert was seen.
		fatal: bool &default=F;
		## The server's chain, its own or inherited.
		chain: Chain &optional;
		## What was found abnormal, with the facts.
		found: table[string] of string &default=table();
	};

	## Record that something is abnormal.
	##
	## s: the session.
	##
	## id: the anomaly's id, as the enricher knows it.
	##
	## fact: what triggered it; text of strangers is made harmless.
	global abnormal: function(s: Session, id: string, fact: string);

	## The same of a chain.
	global abnormal_chain: function(chain: Chain, id: string, fact: string);

	## Whether a record has an anomaly.
	global has_anomaly: function(rec: Info, id: string): bool;

	## The session of a connection, made where there is none yet.
	global observe: function(c: connection): Session;
}

redef record connection += {
	## The TLS session that is being observed.
	an1496: Session &optional;
	## It was logged.
	an1496_done: bool &optional;
};

function observe(c: connection): Session
	{
	if ( ! c?$an1496 )
		{
		c$an1496 = Session($info=Info($ts=network_time(), $uid=c$uid, $id=c$id,
		    $proto=get_port_transport_proto(c$id$resp_p)));
		}

	return c$an1496;
	}

function abnormal(s: Session, id: string, fact: string)
	{
	s$found[id] = clean(fact);
	}

function abnormal_chain(chain: Chain, id: string, fact: string)
	{
	chain$found[id] = clean(fact);
	}

function has_anomaly(rec: Info, id: string): bool
	{
	for ( _, found in rec$anomalies )
		if ( found == id )
			return T;

	return F;
	}
