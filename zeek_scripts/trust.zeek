##! Is there a way from a certificate to an issuer we trust? OpenSSL builds and checks the chain; the verdict on dates
##! is apart from it, and is about the time of the traffic, not of today.

@load base/protocols/ssl
@load ./options
@load ./text-files
@load ./words

module AN1496;

export {
	## A PEM file whose certificates are trusted instead of Zeek's own roots, which age with Zeek's release. Read again
	## when this option or the file changes.
	option ca_bundle: string = "";

	## The verdict on a chain, whatever the time.
	type Verdict: record {
		## X509_V_ERR_* of OpenSSL's chain building, dates left out.
		code: int;
		## Latest start in the chain that was built.
		starts: time &optional;
		## Earliest end in the chain that was built.
		ends: time &optional;
	};

	## Judge a chain.
	##
	## chain: the certificates as sent, leaf first.
	##
	## at: the time of the traffic.
	##
	## Returns: the verdict.
	global verify: function(chain: vector of opaque of x509, at: time): Verdict;

	## The verdict's meaning in fixed words, with the dates judged at a time. OpenSSL's own words change between
	## versions.
	global verdict_status: function(verdict: Verdict, at: time): string;

	## Our words for a code.
	global verdict_meaning: function(code: int): string;

	## Whether no way leads to a trusted issuer that vouches for the certificate.
	global chain_failed: function(code: int): bool;

	## Whether Zeek's own roots are in use.
	global trusts_public_roots: function(): bool;
}

const x509_ok = 0;
const x509_not_yet_valid = 9;
const x509_expired = 10;
const x509_self_signed = 18;

const meanings: table[int] of string = {
	[0] = "ok",
	[2] = "unable to get issuer certificate",
	[4] = "unable to decrypt certificate's signature",
	[6] = "unable to decode issuer public key",
	[7] = "certificate signature failure",
	[9] = "certificate is not yet valid",
	[10] = "certificate has expired",
	[13] = "format error in certificate's notBefore field",
	[14] = "format error in certificate's notAfter field",
	[18] = "self-signed certificate",
	[19] = "self-signed certificate in certificate chain",
	[20] = "unable to get local issuer certificate",
	[21] = "unable to verify the first certificate",
	[22] = "certificate chain too long",
	[23] = "certificate revoked",
	[24] = "issuer certificate doesn't have a public key",
	[25] = "path length constraint exceeded",
	[26] = "unsuitable certificate purpose",
	[27] = "certificate not trusted",
	[28] = "certificate rejected",
	[32] = "key usage does not include certificate signing",
	[34] = "unhandled critical extension",
	[37] = "invalid non-CA certificate",
	[40] = "proxy certificates not allowed",
	[41] = "invalid or inconsistent certificate extension",
	[47] = "permitted subtree violation",
	[48] = "excluded subtree violation",
	[51] = "unsupported name constraint type",
	[52] = "unsupported or invalid name constraint syntax",
	[53] = "unsupported or invalid name syntax",
	[76] = "unsupported signature algorithm",
	[77] = "subject signature algorithm and issuer public key algorithm mismatch",
	[78] = "certificate signature algorithm mismatch",
	[79] = "invalid CA certificate",
	[80] = "path length invalid for non-CA certificate",
};

# Trusted; self-signed, which is apart; dates; OpenSSL's own troubles (unspecified, memory, call, store).
const no_chain_failures: set[int] = {
	0,
	18,
	9,
	10,
	1,
	17,
	69,
	70
};

# Zeek keeps the store it made of a table under the table's address, so a table that was used must stay as it is, for
# as long as Zeek runs.
global trusted: table[string] of string = table();
global trusted_before: vector of table[string] of string = vector();

function trust(roots: table[string] of string)
	{
	trusted_before += trusted;
	trusted = roots;
	++rules;
	}

function trusts_public_roots(): bool
	{
	return ca_bundle == "";
	}

function verdict_meaning(code: int): string
	{
	return code in meanings ? meanings[code] : fmt(
	    "certificate verification error %d", code);
	}

function chain_failed(code: int): bool
	{
	return code !in no_chain_failures;
	}

function verdict_status(verdict: Verdict, at: time): string
	{
	if ( verdict$code == x509_ok && verdict?$ends && at > verdict$ends )
		return meanings[x509_expired];
	if ( verdict$code == x509_ok && verdict?$starts && at < verdict$starts )
		return meanings[x509_not_yet_valid];

	return verdict_meaning(verdict$code);
	}

function about_dates(code: int): bool
	{
	return code == x509_expired || code == x509_not_yet_valid;
	}

function window(built: vector of opaque of x509): Verdict
	{
	local verdict = Verdict($code=x509_ok);
	for ( _, handle in built )
		{
		local one = x509_parse(handle);
		if ( ! verdict?$starts || one$not_valid_before > verdict$starts )
			verdict$starts = one$not_valid_before;
		if ( ! verdict?$ends || one$not_valid_after < verdict$ends )
			verdict$ends = one$not_valid_after;
		}

	return verdict;
	}

# OpenSSL always looks at the dates. Where it blames one, it is asked again at times at which a certificate of the chain
# just begins or still is valid: if the chain ever held, it held at one of them.
function verify(chain: vector of opaque of x509, at: time): Verdict
	{
	local result = x509_verify(chain, trusted, at);
	for ( _, handle in chain )
		{
		if ( ! about_dates(result$result) )
			break;

		local one = x509_parse(handle);
		result = x509_verify(chain, trusted, one$not_valid_before);
		if ( about_dates(result$result) )
			result = x509_verify(chain, trusted, one$not_valid_after - 1sec);
		}

	if ( result$result == x509_ok && result?$chain_certs )
		return window(result$chain_certs);

	return Verdict($code=result$result);
	}

# PEM armour (RFC 7468): base64 between the lines that say so.
function take_bundle(path: string, lines: vector of string)
	{
	local found: table[string] of string = table();
	local body: vector of string = vector();
	for ( _, line in lines )
		if ( /^-----BEGIN / in line )
			body = vector();
		else if ( /^-----END ([A-Z0-9]+ )?CERTIFICATE-----/ in line )
			{
			local der = decode_base64(join_string_vec(body, ""));
			if ( der != "" )
				found[sha256_hash(der)] = der;
			}
		else
			body += strip(line);

	if ( |found| == 0 )
		Reporter::warning(fmt("AN1496: %s holds no certificate in PEM form, its predecessor stays in use",
		    path));
	else
		trust(found);
	}

function use_bundle(path: string)
	{
	if ( path == "" )
		trust(SSL::root_certs);
	else
		watch_file(path, take_bundle);
	}

event zeek_init()
	{
	trust(SSL::root_certs);
	use_bundle(ca_bundle);
	Option::set_change_handler("AN1496::ca_bundle", function(id: string,
	    path: string): string
		{
		unwatch_file(ca_bundle);
		use_bundle(path);
		return path;
		});
	}
