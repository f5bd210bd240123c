##! Whom the leaf certificate names: `sni_mismatch`, `default_subject`.

@load ./main

module AN1496;

export {
	## Split a distinguished name (RFC 2253) into its attributes, `TYPE=value`, in the order written; values stay
	## escaped.
	global attributes: function(name: string): vector of string;

	## Whether a name has all attributes of a default.
	global holds: function(name: string, wanted: string): bool;

	## Whether a subject has the form that Metasploit gives its random names: it makes up a company, derives the host
	## name from it, and the mail address from unit and host. (lib/msf/core/cert_provider.rb: C, ST, O, OU, CN,
	## emailAddress in this order.)
	global is_metasploit: function(subject: string): bool;
}

function attributes(name: string): vector of string
	{
	return find_all_ordered(name, /(\\.|[^,+\\])+/);
	}

function holds(name: string, wanted: string): bool
	{
	local have: set[string] = set();
	for ( _, attribute in attributes(name) )
		add have[attribute];
	for ( _, part in split_string(wanted, /,/) )
		if ( part !in have )
			return F;

	return T;
	}

function is_metasploit(subject: string): bool
	{
	if ( ! starts_with(subject, "emailAddress=") )
		return F;

	local found = attributes(subject);
	local kinds = vector("emailAddress", "CN", "OU", "O", "ST", "C");
	if ( |found| != |kinds| )
		return F;

	local values: vector of string = vector();
	for ( n, attribute in found )
		{
		local pair = split_string1(attribute, /=/);
		if ( |pair| != 2 || pair[0] != kinds[n] )
			return F;

		values += pair[1];
		}

	local host = values[1];
	local company = gsub(to_lower(gsub(values[3], /\\/, "")), /and/, "");
	local label = gsub(company, /[^0-9a-zA-Z_]+/, ".");
	return values[5] == "US"
	    && values[0] == values[2] + "@" + host
	    && gsub(host, /\.[^.]*$/, "") == label;
	}

function names_in(i: Info): string
	{
	local names: vector of string = vector();
	if ( i?$san && i$san?$dns )
		for ( _, name in i$san$dns )
			names += name;
	if ( i?$san && i$san?$ip )
		for ( _, address in i$san$ip )
			names += cat(address);

	return |names| == 0 ? i$certificate$subject : join_string_vec(names[0:3],
	    ", ");
	}

# Most names have not even the letters of a default's first attribute, which is cheap to see.
global first_attributes: table[string] of string;
global first_by_rules = 0;

function default_letters(): table[string] of string
	{
	if ( first_by_rules != rules )
		{
		first_attributes = table();
		for ( name in default_subjects )
			first_attributes[name] = split_string1(name, /,/)[0];
		first_by_rules = rules;
		}

	return first_attributes;
	}

function default_in(chain: Chain): string
	{
	local leaf = chain$leaf;
	local names = leaf$subject + "," + leaf$issuer;
	local wanted: vector of string = vector();
	for ( name, letters in default_letters() )
		if ( letters in names
		    && ( holds(leaf$subject, name) || holds(leaf$issuer, name) ) )
			wanted += name;
	if ( |wanted| > 0 )
		{
		sort(wanted, strcmp);
		return wanted[0];
		}

	if ( leaf$subject == leaf$issuer && is_metasploit(leaf$subject) )
		return fmt("form of Metasploit's random names: %s", leaf$subject);
	if ( ! chain?$san && /CN=localhost/ in leaf$subject )
		{
		local common: vector of string = vector();
		for ( _, attribute in attributes(leaf$subject) )
			if ( starts_with(attribute, "CN=") )
				common += attribute;
		if ( |common| == 1 && common[0] == "CN=localhost" )
			return "CN=localhost and no alternative name";
		}

	return "";
	}

hook AN1496::judge_chain(chain: Chain)
	{
	local default_name = chain?$leaf ? default_in(chain) : "";
	if ( default_name != "" )
		abnormal_chain(chain, "default_subject", default_name);
	}

hook AN1496::judge(c: connection, s: Session)
	{
	local i = s$info;
	if ( i?$certificate && i?$sni_matches_cert && ! i$sni_matches_cert )
		abnormal(s, "sni_mismatch", fmt("asked for %s, got %s", i$server_name,
		    names_in(i)));
	}
