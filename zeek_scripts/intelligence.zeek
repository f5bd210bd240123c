##! What others know: `known_bad_fingerprint`, `known_bad_certificate`, by the site's lists.
##!
##! Plain text (one entry a line, `#` comments, what follows the entry is the reason) and the CSV files of abuse.ch
##! (`Listingdate,SHA1,Listingreason`; `ja3_md5,Firstseen,Lastseen,Listingreason`) are read by the same rule: the first
##! field that looks like an entry is the entry, and the fields that are no dates are the reason.

@load ./main
@load ./text-files

module AN1496;

export {
	## Files with known-bad JA3 (MD5) and JA4 of clients, SHA-1 and SHA-256 of certificates. Where two give a reason
	## for one id, the first counts. Read again when this option or a file changes.
	option known_bad: vector of string = vector();

	## An entry of a list.
	type Listed: record {
		## The fingerprint or hash, lower case, without colons.
		id: string;
		## Why it is listed; empty where the list does not say.
		reason: string;
	};

	## Read one line of a list; the id is empty where it holds no entry.
	global parse_entry: function(line: string): Listed;
}

const longest_reason = 200;
const hashes = /[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}/;
const ja4s =
    /[qtd][0-9a-z]{2}[di][0-9]{4}[0-9a-z]{2}_[0-9a-f]{12}_[0-9a-f]{12}/;
const dates =
    /[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}(:[0-9]{2})?Z?)?/;

global lists: table[string] of table[string] of string = table();
global listed: table[string] of string = table();

function identity(word: string): string
	{
	local lower = to_lower(word);
	if ( lower == ja4s )
		return lower;

	local plain = gsub(lower, /:/, "");
	return plain == hashes ? plain : "";
	}

function reason_in(words: vector of string): string
	{
	local kept: vector of string = vector();
	for ( _, word in words )
		{
		local plain = strip(lstrip(strip(word), "#"));
		if ( plain != "" && plain != dates )
			kept += plain;
		}

	return strip(sub_bytes(gsub(join_string_vec(kept, ", "), /[^\x20-\x7e]+/, " "), 1,
	    longest_reason));
	}

function parse_entry(line: string): Listed
	{
	local fields = split_string(gsub(line, /\"/, ""), /,/);
	for ( position, field in fields )
		{
		if ( position > 1 )
			break;

		local head = split_string1(strip(field), /[ \t]+/);
		local id = identity(head[0]);
		if ( id == "" )
			next;

		local words: vector of string = vector();
		if ( |head| > 1 )
			words += head[1];
		for ( other, text in fields )
			if ( other != position )
				words += text;

		return Listed($id=id, $reason=reason_in(words));
		}

	return Listed($id="", $reason="");
	}

function join_lists()
	{
	local joined: table[string] of string = table();
	for ( _, path in known_bad )
		if ( path in lists )
			for ( id, reason in lists[path] )
				if ( id !in joined )
					joined[id] = reason;
	listed = joined;
	++rules;
	}

function take_list(path: string, lines: vector of string)
	{
	local found: table[string] of string = table();
	local unread = 0;
	for ( _, line in lines )
		{
		local plain = strip(line);
		if ( plain == "" || plain[0] == "#" )
			next;

		local entry = parse_entry(plain);
		if ( entry$id == "" )
			++unread;
		else if ( entry$id !in found )
			found[entry$id] = entry$reason == "" ? fmt("listed in %s", path) :
			    entry$reason;
		}

	if ( unread > 0 )
		Reporter::warning(fmt("AN1496: %s: %d lines hold no JA3, JA4, SHA-1 or SHA-256, give one per line",
		    path, unread));
	lists[path] = found;
	join_lists();
	}

function use_lists(paths: vector of string)
	{
	for ( _, path in paths )
		watch_file(path, take_list);
	}

event zeek_init()
	{
	use_lists(known_bad);
	Option::set_change_handler("AN1496::known_bad", function(id: string,
	    paths: vector of string): vector of string
		{
		for ( _, path in known_bad )
			unwatch_file(path);
		use_lists(paths);
		return paths;
		});
	}

function listed_certificate(hashes_of: vector of string): string
	{
	for ( _, value in hashes_of )
		if ( value in listed )
			return fmt("certificate %s: %s", value, listed[value]);

	return "";
	}

hook AN1496::judge_chain(chain: Chain)
	{
	if ( |listed| == 0 )
		return;

	local fact = listed_certificate(chain$fps);
	if ( fact == "" )
		fact = listed_certificate(chain$sha1s);
	if ( fact != "" )
		abnormal_chain(chain, "known_bad_certificate", fact);
	}

hook AN1496::judge(c: connection, s: Session)
	{
	if ( |listed| == 0 )
		return;

	local i = s$info;
	if ( i?$ja3 && i$ja3 in listed )
		abnormal(s, "known_bad_fingerprint", fmt("ja3 %s: %s", i$ja3, listed[i$ja3]));
	else if ( i?$ja4 && i$ja4 in listed )
		abnormal(s, "known_bad_fingerprint", fmt("ja4 %s: %s", i$ja4, listed[i$ja4]));

	if ( ! i?$client_cert_chain_fps || "known_bad_certificate" in s$found )
		return;

	local fact = listed_certificate(i$client_cert_chain_fps);
	if ( fact != "" )
		abnormal(s, "known_bad_certificate", fact);
	}
