##! JA3, JA3S and JA4 (client), each with the string that it hashes. Pure functions.
##!
##! Sources: salesforce/ja3 (README), FoxIO-LLC/ja4 (technical_details/JA4.md). Only the parts under BSD licences.

@load base/protocols/ssl

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

	## What a ClientHello tells of the program that sent it.
	type ClientFingerprints: record {
		## JA3.
		ja3: Fingerprint;
		## JA4.
		ja4: Fingerprint;
		## The highest version offered.
		best_version: count;
		## It says that it retries with a lower version (RFC 7507).
		retries_lower: bool;
	};

	## All of these at once; those of hellos that were seen lately are remembered.
	##
	## lists: the bytes of the extensions among `extensions` of which a fingerprint tells more than that they are there,
	## in their order.
	global client_fingerprints: function(transport: string, version: count,
	    ciphers: index_vec, extensions: index_vec, lists: string_vec)
	    : ClientFingerprints;

	## JA3S of a ServerHello; those seen lately are remembered.
	global server_fingerprint: function(version: count, cipher: count,
	    extensions: index_vec): Fingerprint;

	## What the bytes of those extensions say, and the rest, as lists of numbers.
	global read_hello: function(transport: string, version: count,
	    ciphers: index_vec, extensions: index_vec, lists: string_vec)
	    : ClientHello;

	## RFC 8701's sixteen values that mean nothing: 0x0A0A, 0x1A1A … 0xFAFA.
	global is_grease: function(code: count): bool;

	## The highest version that a ClientHello offers, as its number on the wire.
	global best_version: function(hello: ClientHello): count;

	## The TLS version that a DTLS version is made of, which can be compared; others stay as they are.
	global tls_version: function(version: count): count;
}

const supported_groups = 10;
const ec_point_formats = 11;
const signature_algorithms = 13;
const application_protocols = 16;
const supported_versions = 43;

# Of these a fingerprint tells more than that they are there.
const telling: set[count] = {
	supported_groups,
	ec_point_formats,
	signature_algorithms,
	application_protocols,
	supported_versions
};

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

# A list of a hello, in the words of the fingerprints, without GREASE.
type Words: record {
	codes: index_vec;
	decimal: string;
	# Sorted, in hexadecimal, once asked for; of extensions without the server name and ALPN, whose presence JA4 tells
	# elsewhere.
	sorted: string &optional;
};

# Programs repeat their hellos; browsers at least their lists, up to the value of GREASE and the order of extensions.
const max_hellos = 2000;
global client_memory: table[string] of ClientFingerprints = table();
global server_memory: table[string] of Fingerprint = table();
global list_memory: table[string] of Words = table();
global extension_memory: table[string] of Words = table();

function is_grease(code: count): bool
	{
	return ( code & 0x0f0f ) == 0x0a0a && code / 256 == code % 256;
	}

# There are few, and `fmt` costs more than looking up.
global hexadecimal: table[count] of string = table() &default_insert=function(
    code: count): string
	{
	return fmt("%04x", code);
	};

function join_hexadecimal(codes: index_vec): string
	{
	local parts: vector of string = vector();
	for ( _, code in codes )
		parts += hexadecimal[code];

	return join_string_vec(parts, ",");
	}

function read_list(codes: index_vec): Words
	{
	local decimal: vector of string = vector();
	local kept: index_vec = vector();
	for ( _, code in codes )
		if ( ! is_grease(code) )
			{
			decimal += cat(code);
			kept += code;
			}

	return Words($codes=kept, $decimal=join_string_vec(decimal, "-"));
	}

function words_of(codes: index_vec, memory: table[string] of Words): Words
	{
	local key = cat(codes);
	if ( key !in memory )
		memory[key] = read_list(codes);

	return memory[key];
	}

function list_words(codes: index_vec): Words
	{
	return words_of(codes, list_memory);
	}

function extension_words(codes: index_vec): Words
	{
	return words_of(codes, extension_memory);
	}

const nothing: set[count] = set();
const told_elsewhere: set[count] = {
	SSL::SSL_EXTENSION_SERVER_NAME,
	SSL::SSL_EXTENSION_APPLICATION_LAYER_PROTOCOL_NEGOTIATION,
};

function sorted_hexadecimal(words: Words, without: set[count]): string
	{
	if ( ! words?$sorted )
		{
		local to_sort: index_vec = vector();
		for ( _, code in words$codes )
			if ( code !in without )
				to_sort += code;
		sort(to_sort);
		words$sorted = join_hexadecimal(to_sort);
		}

	return words$sorted;
	}

function short_hash(text: string): string
	{
	return text == "" ? "000000000000" : sha256_hash(text)[0:12];
	}

function ja3(hello: ClientHello): Fingerprint
	{
	local raw = fmt("%d,%s,%s,%s,%s", hello$version, list_words(
	    hello$ciphers)$decimal, extension_words(hello$extensions)$decimal,
	    list_words(hello$groups)$decimal, list_words(
	    hello$point_formats)$decimal);
	return Fingerprint($value=md5_hash(raw), $raw=raw);
	}

function ja3s(version: count, cipher: count, extensions: index_vec): Fingerprint
	{
	local raw = fmt("%d,%d,%s", version, cipher, list_words(extensions)$decimal);
	return Fingerprint($value=md5_hash(raw), $raw=raw);
	}

function tls_version(version: count): count
	{
	return version in tls_of_dtls ? tls_of_dtls[version] : version;
	}

function best_version(hello: ClientHello): count
	{
	local best = hello$version;
	local highest = 0;
	for ( _, version in hello$versions )
		{
		local rank = tls_version(version);
		if ( rank > highest && ! is_grease(version) )
			{
			best = version;
			highest = rank;
			}
		}

	return best;
	}

# The highest number, which in DTLS is not the highest version; all who compute JA4 do so.
function ja4_version(hello: ClientHello): count
	{
	local highest = 0;
	for ( _, version in hello$versions )
		if ( version > highest && ! is_grease(version) )
			highest = version;

	return highest == 0 ? hello$version : highest;
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

function names_server(extensions: index_vec): bool
	{
	for ( _, code in extensions )
		if ( code == SSL::SSL_EXTENSION_SERVER_NAME )
			return T;

	return F;
	}

function ja4(hello: ClientHello): Fingerprint
	{
	local ciphers = list_words(hello$ciphers);
	local extensions = extension_words(hello$extensions);
	local algorithms = join_hexadecimal(list_words(
	    hello$signature_algorithms)$codes);
	local prefix = fmt("%s%s%s%02d%02d%s", hello$transport,
	    ja4_versions[ja4_version(hello)], names_server(hello$extensions) ? "d" :
	    "i", |ciphers$codes| < 99 ? |ciphers$codes| : 99, |extensions$codes| < 99 ?
	    |extensions$codes| : 99, alpn_ends(hello?$alpn ? hello$alpn : ""));
	local suites = sorted_hexadecimal(ciphers, nothing);
	local tail = sorted_hexadecimal(extensions, told_elsewhere);
	if ( algorithms != "" )
		tail += "_" + algorithms;
	return Fingerprint($value=fmt("%s_%s_%s", prefix, short_hash(suites),
	    short_hash(tail)), $raw=fmt("%s_%s_%s", prefix, suites, tail));
	}

# The numbers in an extension: their length in bytes, then they.
function numbers(code: count, raw: string): index_vec
	{
	local found: index_vec = vector();
	local head = code == supported_versions || code == ec_point_formats ? 1 : 2;
	local width = code == ec_point_formats ? 1 : 2;
	if ( |raw| < head )
		return found;

	local end = head + bytestring_to_count(raw[0:head]);
	local at = head;
	while ( at + width <= end )
		{
		found += bytestring_to_count(raw[at : at + width]);
		at += width;
		}

	return found;
	}

global number_memory: table[count, string] of index_vec = table()
    &default_insert=numbers;

function read_hello(transport: string, version: count, ciphers: index_vec,
    extensions: index_vec, lists: string_vec): ClientHello
	{
	local hello = ClientHello($transport=transport, $version=version,
	    $ciphers=ciphers, $extensions=extensions);
	local n = 0;
	for ( _, code in extensions )
		{
		if ( code !in telling )
			next;

		local raw = lists[n];
		++n;
		if ( code == supported_groups )
			hello$groups = number_memory[code, raw];
		else if ( code == ec_point_formats )
			hello$point_formats = number_memory[code, raw];
		else if ( code == signature_algorithms )
			hello$signature_algorithms = number_memory[code, raw];
		else if ( code == supported_versions )
			hello$versions = number_memory[code, raw];
		else if ( |raw| > 2 )
			hello$alpn = raw[3 : 3 + bytestring_to_count(raw[2])];
		}

	return hello;
	}

function forget_hellos()
	{
	clear_table(client_memory);
	clear_table(server_memory);
	clear_table(list_memory);
	clear_table(extension_memory);
	clear_table(number_memory);
	}

function client_fingerprints(transport: string, version: count,
    ciphers: index_vec, extensions: index_vec, lists: string_vec)
    : ClientFingerprints
	{
	# With the sizes, two hellos of one key are one.
	local sizes: index_vec = vector();
	for ( _, raw in lists )
		sizes += |raw|;

	local key = cat(transport, version, ciphers, extensions, sizes, lists);
	if ( key in client_memory )
		return client_memory[key];

	if ( |client_memory| >= max_hellos )
		forget_hellos();
	local hello = read_hello(transport, version, ciphers, extensions, lists);
	local prints = ClientFingerprints($ja3=ja3(hello), $ja4=ja4(hello),
	    $best_version=best_version(hello),
	    $retries_lower=/(^|-)22016(-|$)/ in list_words(ciphers)$decimal);
	client_memory[key] = prints;
	return prints;
	}

function server_fingerprint(version: count, cipher: count,
    extensions: index_vec): Fingerprint
	{
	# The list stands between the numbers, so two hellos of one key are one.
	local key = cat(version, extensions, cipher);
	if ( key in server_memory )
		return server_memory[key];

	if ( |server_memory| >= max_hellos )
		forget_hellos();
	local fingerprint = ja3s(version, cipher, extensions);
	server_memory[key] = fingerprint;
	return fingerprint;
	}
