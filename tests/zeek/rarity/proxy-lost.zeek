# @TEST-DOC: What a proxy has counted outlives it: the other proxy and the one that comes after it get it back.
#
# @TEST-PORT: BROKER_MANAGER_PORT
# @TEST-PORT: BROKER_PROXY1_PORT
# @TEST-PORT: BROKER_PROXY2_PORT
# @TEST-PORT: BROKER_WORKER1_PORT
# @TEST-PORT: LOG_PULL_PORT
# @TEST-PORT: XPUB_PORT
# @TEST-PORT: XSUB_PORT
#
# @TEST-EXEC: NODES="manager proxy-1 proxy-2 worker-1" cluster-run %INPUT
# @TEST-EXEC: btest-diff output

module AN1496;

redef steps = 5;
redef pause = 5sec;

# Enough for both proxies to have some.
const several = 8;

# Hosts are asked about as a worker would that has just begun.
function see_several(client: addr): string
	{
	clear_table(fingerprint_hosts);
	local answers = "";
	local n = 0;
	while ( n < several )
		answers += see(fmt("fingerprint-%d", ++n), client);
	return answers;
	}

@if ( Cluster::local_node_type() == Cluster::WORKER )
event AN1496::go(step: count)
	{
	local n = 0;
	switch ( step )
		{
		case 1:
			while ( n < 20 )
				see_several(to_addr(fmt("10.0.0.%d", ++n)));
			break;
		case 3:
			print Cluster::proxy_pool$alive_count, see_several(10.0.1.1);
			break;
		case 4:
			print Cluster::proxy_pool$alive_count, see_several(10.0.1.2);
			break;
		case 5:
			print "new everywhere", see("stranger", 10.0.0.1);
			break;
		}
	}
@endif

@if ( Cluster::node == "proxy-1" )
event AN1496::go(step: count)
	{
	if ( step == 2 )
		{
		print |fingerprint_hosts| > 0, |fingerprint_hosts| < several;
		system("touch again");
		terminate();
		}
	}
@endif
