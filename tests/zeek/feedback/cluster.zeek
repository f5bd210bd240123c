# @TEST-DOC: On a cluster the manager listens, and raises the notices that the enricher publishes.
#
# @TEST-REQUIRES: python3 -c "import enricher.service.delivery.zeek"
#
# @TEST-PORT: BROKER_MANAGER_PORT
# @TEST-PORT: BROKER_PROXY1_PORT
# @TEST-PORT: BROKER_PROXY2_PORT
# @TEST-PORT: BROKER_WORKER1_PORT
# @TEST-PORT: BROKER_LOGGER1_PORT
# @TEST-PORT: LOG_PULL_PORT
# @TEST-PORT: XPUB_PORT
# @TEST-PORT: XSUB_PORT
# @TEST-PORT: FEEDBACK_PORT
#
# @TEST-EXEC: NODES="manager logger proxy-1 proxy-2 worker-1" cluster-run %INPUT
# @TEST-EXEC: btest-diff output

module AN1496;

redef steps = 4;
redef feedback_port = to_port(getenv("FEEDBACK_PORT"));

@if ( Cluster::local_node_type() == Cluster::MANAGER )
event AN1496::go(step: count)
	{
	# The second time nobody may notice anything.
	if ( step == 1 || step == 3 )
		system("python3 $SCRIPTS/publish.py $FEEDBACK_PORT >>out 2>&1");
	}
@endif
