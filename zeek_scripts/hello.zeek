##! What the ClientHello and the ServerHello say: fingerprints, versions, signs of a downgrade.

@load base/protocols/ssl
@load ./fingerprint
@load ./session

module AN1496;

export {
	## Log the strings behind the fingerprints too (`ja3_raw`, `ja3s_raw`, `ja4_raw`). They are longer than all the rest
	## of the record, and a tenth of the package's cost; the fingerprints are there without them.
	option log_raw_fingerprints: bool = F;
}

const retry_random = "\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91\xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c";
const sentinel_12 = "DOWNGRD\x01";
const sentinel_11 = "DOWNGRD\x00";
const encrypted_client_hello = 0xfe0d;

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

# When the ClientHello began: in QUIC it can have come in several packets.
function beginning(c: connection): time
	{
@ifdef ( Analyzer::ANALYZER_QUIC )
	if ( c?$quic )
		return c$quic$ts;
@endif

	return network_time();
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
	s$info$ts = beginning(c);
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
