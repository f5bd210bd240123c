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

# Most names have not even the letters of a default, which is cheap to see.
function holds(name: string, wanted: string): bool
	{
	local parts = split_string(wanted, /,/);
	for ( _, part in parts )
		if ( part !in name )
			return F;

	local have: set[string] = set();
	for ( _, attribute in attributes(name) )
		add have[attribute];
	for ( _, part in parts )
		if ( part !in have )
			return F;

	return T;
	}

function is_metasploit(subject: string): bool
	{
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

function default_in(i: Info): string
	{
	local leaf = i$certificate;
	local wanted: vector of string = vector();
	for ( name in default_subjects )
		if ( holds(leaf$subject, name) || holds(leaf$issuer, name) )
			wanted += name;
	if ( |wanted| > 0 )
		{
		sort(wanted, strcmp);
		return wanted[0];
		}

	if ( leaf$subject == leaf$issuer && is_metasploit(leaf$subject) )
		return fmt("form of Metasploit's random names: %s", leaf$subject);
	if ( ! i?$san && /CN=localhost/ in leaf$subject )
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

# What is found is kept with the chain, as long as the option stays as it is.
redef record Chain += {
	default_name: string &optional;
	default_generation: count &default=0;
};

global defaults_generation = 1;

event zeek_init()
	{
	Option::set_change_handler("AN1496::default_subjects", function(id: string,
	    names: set[string]): set[string]
		{
		++defaults_generation;
		return names;
		});
	}

hook AN1496::judge(c: connection, s: Session)
	{
	local i = s$info;
	if ( ! i?$certificate )
		return;

	if ( i?$sni_matches_cert && ! i$sni_matches_cert )
		abnormal(s, "sni_mismatch", fmt("asked for %s, got %s", i$server_name,
		    names_in(i)));

	local chain = s$chain;
	if ( chain$default_generation != defaults_generation )
		{
		chain$default_name = default_in(i);
		chain$default_generation = defaults_generation;
		}
	if ( chain$default_name != "" )
		abnormal(s, "default_subject", chain$default_name);
	}
