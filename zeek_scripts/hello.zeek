##! What the ClientHello and the ServerHello say: fingerprints, versions, signs of a downgrade.

@load base/protocols/quic
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

# What was read so far of a hello. The events of one hello follow one another, with none of another connection between
# them, so there is but one.
global read_of = "";
global read_extensions: index_vec;
global read_lists: string_vec;
global read_ech: string;

function begin(c: connection)
	{
	read_of = c$uid;
	read_extensions = vector();
	read_lists = vector();
	read_ech = "";
	}

# The most frequent event of all; it takes what those of the single extensions would tell as well.
event ssl_extension(c: connection, is_client: bool, code: count, val: string)
	{
	if ( c$uid != read_of )
		begin(c);

	read_extensions += code;
	if ( code in telling )
		read_lists += val;
	else if ( code == encrypted_client_hello )
		read_ech = val;
	}

# Type (0 for the outer hello), KDF and AEAD stand at its front.
function take_encrypted_hello(i: Info, val: string)
	{
	if ( |val| < 5 || bytestring_to_count(val[0]) != 0 )
		return;

	i$ech_kdf_id = bytestring_to_count(val[1:3]);
	i$ech_aead_id = bytestring_to_count(val[3:5]);
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
	if ( c$uid != read_of )
		begin(c);
	read_of = "";

	# A second one answers a HelloRetryRequest or renegotiates.
	if ( c?$an1496_done || ( c?$an1496 && c$an1496$info$client_hello_seen ) )
		return;

	local s = observe(c);
	local i = s$info;
	i$ts = beginning(c);
	i$client_hello_seen = T;
	if ( read_ech != "" )
		take_encrypted_hello(i, read_ech);
	local prints = client_fingerprints(carrier(c), version, ciphers,
	    read_extensions, read_lists);
	s$hello = prints;

	# SSLv2's hello has ciphers of 24 bits and no extensions: no fingerprint is defined for it.
	if ( record_version == 0 && i$proto != udp )
		return;

	i$ja3 = prints$ja3$value;
	i$ja4 = prints$ja4$value;
	if ( log_raw_fingerprints )
		{
		i$ja3_raw = prints$ja3$raw;
		i$ja4_raw = prints$ja4$raw;
		}
	}

event ssl_server_hello(c: connection, version: count, record_version: count,
    possible_ts: time, server_random: string, session_id: string, cipher: count,
    comp_method: count)
	{
	if ( c$uid != read_of )
		begin(c);
	read_of = "";
	if ( c?$an1496_done )
		return;

	local s = observe(c);
	if ( server_random == retry_random )
		s$retry_seen = T;
	if ( s$server_hello_seen || server_random == retry_random )
		return;

	s$server_hello_seen = T;
	if ( version != SSL::SSLv2 )
		{
		local fingerprint = server_fingerprint(version, cipher, read_extensions);
		s$info$ja3s = fingerprint$value;
		if ( log_raw_fingerprints )
			s$info$ja3s_raw = fingerprint$raw;
		}

	# A server that could do better says so in its random; it means something if the client could, too.
	local got = tls_version(c$ssl$version_num);
	if ( got >= 0x0304 || ! s?$hello )
		return;

	local mark = sub_bytes(server_random, 25, 8);
	if ( got < tls_version(s$hello$best_version) )
		if ( mark == sentinel_12 || ( mark == sentinel_11 && got < 0x0303 ) )
			s$info$downgrade = "sentinel";
	}
