# @TEST-DOC: What workers see comes to who listens at the manager, once.
#
# @TEST-REQUIRES: python3 -c "import enricher.service.live.sources.zeek"
#
# @TEST-PORT: BROKER_MANAGER_PORT
# @TEST-PORT: BROKER_PROXY1_PORT
# @TEST-PORT: BROKER_PROXY2_PORT
# @TEST-PORT: BROKER_WORKER1_PORT
# @TEST-PORT: BROKER_WORKER2_PORT
# @TEST-PORT: BROKER_LOGGER1_PORT
# @TEST-PORT: LOG_PULL_PORT
# @TEST-PORT: XPUB_PORT
# @TEST-PORT: XSUB_PORT
# @TEST-PORT: FEEDBACK_PORT
#
# @TEST-EXEC: NODES="manager logger proxy-1 proxy-2 worker-1 worker-2" cluster-run %INPUT
# @TEST-EXEC: btest-diff output

module AN1496;

redef steps = 5;
redef feedback_port = to_port(getenv("FEEDBACK_PORT"));
redef publish_sessions = T;

@if ( Cluster::local_node_type() == Cluster::MANAGER )
event AN1496::go(step: count)
	{
	if ( step == 1 )
		system("python3 $SCRIPTS/listen.py $FEEDBACK_PORT 2 4 >>out 2>&1");
	}
@endif

@if ( Cluster::local_node_type() == Cluster::WORKER )
event AN1496::go(step: count)
	{
	if ( step != 3 )
		return;

	local id = conn_id($orig_h=10.0.0.1, $orig_p=50000/tcp, $resp_h=203.0.113.1,
	    $resp_p=443/tcp);
	event AN1496::session_observed(Info($ts=network_time(), $uid=fmt("C-%s",
	    Cluster::node), $id=id, $proto=tcp, $server_name="a.example"));
	}
@endif
