##! JA3, JA3S and JA4 (client), each with the string that it hashes. Pure functions.
##!
##! Sources: salesforce/ja3 (README), FoxIO-LLC/ja4 (technical_details/JA4.md). Only the parts under BSD licences.

module AN1496;

export {
	## What the fingerprints need of a ClientHello (RFC 8446 section 4.1.2). Lists are as sent, GREASE included.
	type ClientHello: record {
		## What carries it: `t` TCP, `d` DTLS, `q` QUIC.
		transport: string &default="t";
		## legacy_version.
		version: count &default=0;
		## Cipher suites.
		ciphers: index_vec &default=vector();
		## Extension types in the order sent.
		extensions: index_vec &default=vector();
		## Named groups.
		groups: index_vec &default=vector();
		## Point formats.
		point_formats: index_vec &default=vector();
		## Signature algorithms.
		signature_algorithms: index_vec &default=vector();
		## supported_versions.
		versions: index_vec &default=vector();
		## The first protocol of ALPN.
		alpn: string &optional;
	};

	## A fingerprint.
	type Fingerprint: record {
		## What is compared.
		value: string;
		## What it is the hash of.
		raw: string;
	};

	## JA3: version, ciphers, extensions, groups, point formats, in decimal, without GREASE.
	global ja3: function(hello: ClientHello): Fingerprint;

	## JA3S: legacy version, cipher, extensions, in decimal.
	global ja3s: function(version: count, cipher: count, extensions: index_vec)
	    : Fingerprint;

	## JA4 with JA4_r, its sorted string.
	global ja4: function(hello: ClientHello): Fingerprint;

	## RFC 8701's sixteen values that mean nothing: 0x0A0A, 0x1A1A … 0xFAFA.
	global is_grease: function(code: count): bool;

	## The highest version that a ClientHello offers, as its number on the wire.
	global best_version: function(hello: ClientHello): count;

	## The TLS version that a DTLS version is made of, which can be compared; others stay as they are.
	global tls_version: function(version: count): count;
}

const ja4_versions: table[count] of string = {
	[0x0304] = "13",
	[0x0303] = "12",
	[0x0302] = "11",
	[0x0301] = "10",
	[0x0300] = "s3",
	[0x0002] = "s2",
	[0xfeff] = "d1",
	[0xfefd] = "d2",
	[0xfefc] = "d3",
} &default="00";

# DTLS counts downwards; 0x0100 is OpenSSL's version before the standard.
const tls_of_dtls: table[count] of count = {
	[0xfefc] = 0x0304,
	[0xfefd] = 0x0303,
	[0xfeff] = 0x0302,
	[0x0100] = 0x0302,
};

function is_grease(code: count): bool
	{
	return ( code & 0x0f0f ) == 0x0a0a && code / 256 == code % 256;
	}

function without_grease(codes: index_vec): index_vec
	{
	local kept: index_vec = vector();
	for ( _, code in codes )
		if ( ! is_grease(code) )
			kept += code;

	return kept;
	}

function decimal(codes: index_vec): string
	{
	local words: vector of string = vector();
	for ( _, code in codes )
		if ( ! is_grease(code) )
			words += cat(code);

	return join_string_vec(words, "-");
	}

function hexadecimal(codes: index_vec): string
	{
	local words: vector of string = vector();
	for ( _, code in codes )
		words += fmt("%04x", code);

	return join_string_vec(words, ",");
	}

function short_hash(text: string): string
	{
	return text == "" ? "000000000000" : sha256_hash(text)[0:12];
	}

function ja3(hello: ClientHello): Fingerprint
	{
	local raw = fmt("%d,%s,%s,%s,%s", hello$version, decimal(hello$ciphers),
	    decimal(hello$extensions), decimal(hello$groups), decimal(
	    hello$point_formats));
	return Fingerprint($value=md5_hash(raw), $raw=raw);
	}

function ja3s(version: count, cipher: count, extensions: index_vec): Fingerprint
	{
	local raw = fmt("%d,%d,%s", version, cipher, decimal(extensions));
	return Fingerprint($value=md5_hash(raw), $raw=raw);
	}

function tls_version(version: count): count
	{
	return version in tls_of_dtls ? tls_of_dtls[version] : version;
	}

function best_version(hello: ClientHello): count
	{
	local best = hello$version;
	local found = F;
	for ( _, version in hello$versions )
		if ( ! is_grease(version)
		    && ( ! found || tls_version(version) > tls_version(best) ) )
			{
			best = version;
			found = T;
			}

	return best;
	}

# First and last character of the protocol, of its hexadecimal form where either is not alphanumeric.
function alpn_ends(protocol: string): string
	{
	if ( protocol == "" )
		return "00";

	local ends = protocol[0] + protocol[-1];
	if ( ends == /[0-9A-Za-z]{2}/ )
		return ends;

	local digits = bytestring_to_hexstr(protocol);
	return digits[0] + digits[-1];
	}

function ja4(hello: ClientHello): Fingerprint
	{
	local ciphers = without_grease(hello$ciphers);
	sort(ciphers);
	local extensions: index_vec = vector();
	local count_of_extensions = 0;
	local destination = "i";
	for ( _, code in hello$extensions )
		{
		if ( is_grease(code) )
			next;

		++count_of_extensions;
		if ( code == SSL::SSL_EXTENSION_SERVER_NAME )
			destination = "d";
		else if ( code != SSL::SSL_EXTENSION_APPLICATION_LAYER_PROTOCOL_NEGOTIATION )
			extensions += code;
		}

	local prefix = fmt("%s%s%s%02d%02d%s", hello$transport,
	    ja4_versions[best_version(hello)], destination, |ciphers| < 99 ?
	    |ciphers| : 99, count_of_extensions < 99 ? count_of_extensions : 99,
	    alpn_ends(hello?$alpn ? hello$alpn : ""));
	local cipher_list = hexadecimal(ciphers);
	sort(extensions);
	local tail = hexadecimal(extensions);
	local algorithms = hexadecimal(without_grease(hello$signature_algorithms));
	if ( algorithms != "" )
		tail = tail + "_" + algorithms;

	return Fingerprint($value=fmt("%s_%s_%s", prefix, short_hash(cipher_list),
	    short_hash(tail)), $raw=fmt("%s_%s_%s", prefix, cipher_list, tail));
	}
