##! The lab's site: clients are local, servers are not, also those with documentation addresses. Prints the notices, sorted.

redef Site::local_nets += {10.0.0.0/8};
redef Site::private_address_space_is_local = F;

global told: vector of string = vector();

hook Notice::notice(n: Notice::Info) &priority=-10
	{
	local kind = cat(n$note);
	if ( Notice::ACTION_LOG in n$actions && /AN1496|SSL/ in kind )
		told += fmt("%s %s: %s", kind, n?$sub ? n$sub : "", n$msg);
	}

event zeek_done() &priority=-5
	{
	sort(told, strcmp);
	for ( _, line in told )
		print line;
	}
