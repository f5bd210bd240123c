# @TEST-DOC: A worker of a cluster without proxies counts and judges by itself.
#
# @TEST-PORT: BROKER_MANAGER_PORT
# @TEST-PORT: BROKER_WORKER1_PORT
# @TEST-PORT: LOG_PULL_PORT
# @TEST-PORT: XPUB_PORT
# @TEST-PORT: XSUB_PORT
#
# @TEST-EXEC: NODES="manager worker-1" cluster-run %INPUT
# @TEST-EXEC: btest-diff output

module AN1496;

@if ( Cluster::local_node_type() == Cluster::WORKER )
event AN1496::go(step: count)
	{
	if ( step != 1 )
		return;

	local n = 0;
	while ( n < 19 )
		see("everybodys", to_addr(fmt("10.0.0.%d", ++n)));
	print "19 hosts", see("strangers", 10.0.0.1);
	print "20 hosts", see("everybodys", 10.0.0.20), see("strangers", 10.0.0.1);
	}
@endif
