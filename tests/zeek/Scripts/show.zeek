##! Prints each session in a few words, sorted, for tests. Addresses and ports of clients change with the captures, and
##! connections that are open at the end come in any order; names stay.

module AN1496;

export {
	## Which facts are printed; the anomalies always are.
	global tell: function(rec: AN1496::Info): string = function(rec: AN1496::Info)
	    : string
		{
		return "";
		} &redef;

	## Print only these anomalies and their facts.
	const only: pattern = /.*/ &redef;
}

global told: vector of string = vector();

event AN1496::session_observed(rec: AN1496::Info)
	{
	local found: vector of string = vector();
	for ( n, id in rec$anomalies )
		if ( id == only )
			found += fmt("%s (%s)", id, rec$anomaly_facts[n]);

	local who = rec?$server_name ? rec$server_name : fmt("%s:%s", rec$id$resp_h,
	    rec$id$resp_p);
	told += fmt("%s %s%s", who, tell(rec), join_string_vec(found, "; "));
	}

event zeek_done() &priority=-5
	{
	sort(told, strcmp);
	for ( _, line in told )
		print line;
	}
