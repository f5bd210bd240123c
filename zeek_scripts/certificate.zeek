##! Facts of a certificate chain as a server sent it, in the words of x509.log. Servers repeat their chains, so the facts
##! of the last ones are kept.

@load base/files/hash
@load base/files/x509
@load base/protocols/ssl
@load ./trust
@load ./words

module AN1496;

export {
	## Certificates of a chain that are looked at; the longest real ones have six.
	option max_chain_length: count = 20;

	## Subject alternative names that are kept of a certificate.
	option max_names: count = 500;

	## Chains whose facts are remembered.
	option max_cached_chains: count = 4096;

	## How long the facts of a chain that is not seen again are remembered.
	option chain_memory: interval = 1hr;

	## Facts of a server's leaf certificate. Those that could not be read are absent.
	type Certificate: record {
		## Version.
		version: count &log &optional;
		## Serial number, upper-case hex.
		serial: string &log &optional;
		## Subject (RFC 2253).
		subject: string &log &optional;
		## Issuer (RFC 2253).
		issuer: string &log &optional;
		## First valid moment.
		not_valid_before: time &log &optional;
		## Last valid moment.
		not_valid_after: time &log &optional;
		## Key algorithm.
		key_alg: string &log &optional;
		## Signature algorithm.
		sig_alg: string &log &optional;
		## Key type.
		key_type: string &log &optional;
		## Key length in bits.
		key_length: count &log &optional;
		## RSA exponent.
		exponent: string &log &optional;
		## Curve of an EC key.
		curve: string &log &optional;
	};

	## Subject alternative names.
	type AlternativeNames: record {
		## DNS names, others than printable bytes as `\xNN`.
		dns: vector of string &log &optional;
		## Addresses.
		ip: vector of addr &log &optional;
	};

	## What is known of a chain, whoever sends it.
	type Chain: record {
		## SHA-256 of each certificate, leaf first.
		fps: vector of string &default=vector();
		## SHA-1 of each certificate.
		sha1s: vector of string &default=vector();
		## The leaf's facts.
		leaf: Certificate &optional;
		## The leaf's names.
		san: AlternativeNames &optional;
		## The leaf's basic constraints.
		basic_constraints: X509::BasicConstraints &optional;
		## What the leaf is good for: its DNS names, or its common name where it has no
		## alternative names; lower case, without the root's dot.
		names: vector of string &default=vector();
		## False: there may be more names than were read.
		names_complete: bool &default=F;
		## Which certificate breaks X.509, and how.
		error: string &optional;
		## The certificates that could be read.
		handles: vector of opaque of x509 &default=vector();
		## Who vouches for it.
		verdict: Verdict &optional;
		## What is abnormal about it, whoever sends it, and the facts.
		found: table[string] of string &optional;
		## The state of `rules` at which that was judged.
		rules: count &default=0;
	};

	## The facts of a chain.
	global chain_facts: function(sent: vector of Files::Info): Chain;

	## Whether a chain is for a server name (RFC 6125 6.4, RFC 9525 6).
	global covers: function(chain: Chain, server_name: string): bool;

	redef record Files::Info += {
		## What the parser of certificates complained about first.
		an1496_flaw: string &optional;
	};
}

const subject_alternative_name = "2.5.29.17";

const no_time: set[string] = {
	"x509_utc_length",
	"x509_utc_format",
	"x509_gen_time_length",
	"x509_invalid_time_type",
	"x509_time_add_char",
	"x509_time_offset_underflow",
	"x509_time_offset_type",
};

global chains: table[string] of Chain = table() &read_expire=chain_memory;

event file_weird(name: string, f: fa_file, addl: string, source: string)
	{
	if ( f?$info && ! f$info?$an1496_flaw && name == /x509_.*/ )
		f$info$an1496_flaw = addl == "" ? name : fmt("%s %s", name, addl);
	}

# What Zeek says of a signature algorithm that its OpenSSL does not know.
const no_algorithm: set[string] = {
	"",
	"undefined"
};

# What is wrong with one certificate, as far as Zeek can tell.
function flaw_of(one: Files::Info): string
	{
	if ( one?$an1496_flaw )
		return one$an1496_flaw;
	if ( ! one?$x509 )
		return "";

	local facts = one$x509$certificate;
	if ( facts$version < 1 || facts$version > 3 )
		return fmt("version: %d does not exist", facts$version);
	if ( starts_with(facts$serial, "-") )
		return "serial number: negative";
	if ( /\\00/ in facts$subject )
		return "subject: has a NUL";
	if ( /\\00/ in facts$issuer )
		return "issuer: has a NUL";
	if ( facts$sig_alg != facts$tbs_sig_alg && facts$sig_alg !in no_algorithm )
		return "the signed signature algorithm is another than the outer one";

	return "";
	}

# Zeek gives 1970 for a time that it cannot read, and complains.
function readable(t: time, flaw: string): bool
	{
	return time_to_double(t) != 0.0 || split_string1(flaw, / /)[0] !in no_time;
	}

function leaf_facts(x: X509::Info, flaw: string): Certificate
	{
	local c = x$certificate;
	local facts = Certificate($version=c$version, $serial=c$serial,
	    $subject=c$subject, $issuer=c$issuer, $key_alg=c$key_alg);
	if ( c$sig_alg != "" )
		facts$sig_alg = c$sig_alg;
	if ( readable(c$not_valid_before, flaw) )
		facts$not_valid_before = c$not_valid_before;
	if ( readable(c$not_valid_after, flaw) )
		facts$not_valid_after = c$not_valid_after;
	if ( c?$key_type )
		facts$key_type = c$key_type;
	if ( c?$key_length )
		facts$key_length = c$key_length;
	if ( c?$exponent )
		facts$exponent = c$exponent;
	if ( c?$curve )
		facts$curve = c$curve;

	return facts;
	}

function has_alternative_names(x: X509::Info): bool
	{
	for ( _, extension in x$extensions )
		if ( extension$oid == subject_alternative_name )
			return T;

	return x?$san;
	}

function alternative_names(x: X509::Info): AlternativeNames
	{
	local names = AlternativeNames();
	if ( x?$san && x$san?$dns )
		{
		names$dns = vector();
		for ( i, name in x$san$dns )
			if ( i < max_names )
				names$dns += printable(name);
		}
	if ( x?$san && x$san?$ip )
		{
		names$ip = vector();
		for ( i, address in x$san$ip )
			if ( i < max_names )
				names$ip += address;
		}

	return names;
	}

# Without case and the root's dot.
function comparable(name: string): string
	{
	return to_lower(ends_with(name, ".") ? name[0 : -1] : name);
	}

function take_names(chain: Chain, x: X509::Info)
	{
	if ( has_alternative_names(x) )
		{
		chain$names_complete = x?$san;
		local found = alternative_names(x);
		if ( found?$dns )
			for ( _, name in found$dns )
				chain$names += comparable(name);
		if ( found?$dns || found?$ip )
			chain$san = found;
		if ( x?$san && x$san?$dns && |x$san$dns| > max_names )
			chain$names_complete = F;
		}
	else
		{
		chain$names_complete = T;
		if ( x$certificate?$cn )
			chain$names += comparable(printable(x$certificate$cn));
		}
	}

function read_chain(sent: vector of Files::Info): Chain
	{
	local chain = Chain();
	for ( i, one in sent )
		{
		if ( i == max_chain_length )
			{
			if ( ! chain?$error )
				chain$error = fmt("chain: %d of %d certificates were read", i, |sent|);
			break;
			}

		if ( one?$sha256 )
			chain$fps += one$sha256;
		if ( one?$sha1 )
			chain$sha1s += one$sha1;
		if ( one?$x509 )
			chain$handles += one$x509$handle;
		local flaw = flaw_of(one);
		if ( flaw != "" && ! chain?$error )
			chain$error = fmt("certificate %d: %s", i, clean(flaw));
		}

	if ( sent[0]?$x509 )
		{
		chain$leaf = leaf_facts(sent[0]$x509, flaw_of(sent[0]));
		take_names(chain, sent[0]$x509);
		if ( sent[0]$x509?$basic_constraints )
			chain$basic_constraints = sent[0]$x509$basic_constraints;
		}

	return chain;
	}

function key_of(sent: vector of Files::Info): string
	{
	local parts: vector of string = vector();
	for ( _, one in sent )
		parts += one?$sha256 ? one$sha256 : one$fuid;

	return join_string_vec(parts, "");
	}

function chain_facts(sent: vector of Files::Info): Chain
	{
	local key = key_of(sent);
	if ( key !in chains )
		{
		if ( |chains| >= max_cached_chains )
			clear_table(chains);
		chains[key] = read_chain(sent);
		}

	return chains[key];
	}

function covers(chain: Chain, server_name: string): bool
	{
	local wanted = comparable(server_name);
	local address = starts_with(wanted, "[") ? gsub(wanted, /^\[|\]$/, "") :
	    wanted;
	local literal = is_valid_ip(address);
	if ( literal && chain?$san && chain$san?$ip )
		for ( _, ip in chain$san$ip )
			if ( ip == to_addr(address) )
				return T;

	for ( _, name in chain$names )
		if ( literal ? name == wanted : x509_check_hostname(wanted, name) )
			return T;

	return F;
	}
