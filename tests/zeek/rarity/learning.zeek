# @TEST-DOC: However many clients there are at once, nothing is rare until the cluster has counted for a while.
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

redef steps = 4;
redef pause = 2sec;
redef rarity_learning = 5sec;

@if ( Cluster::local_node_type() == Cluster::WORKER )
event AN1496::go(step: count)
	{
	local n = 0;
	switch ( step )
		{
		case 1:
			while ( n < 20 )
				see("everybodys", to_addr(fmt("10.0.0.%d", ++n)));
			print "20 hosts at once", see("first", 10.0.0.1);
			break;
		case 2:
			print "a moment later", see("first", 10.0.0.1);
			break;
		case 4:
			print "when that is over", see("first", 10.0.0.1), see("second", 10.0.0.2);
			break;
		}
	}
@endif
