##! The same cluster for ZeroMQ, where only who writes the logs needs a port; the ports of Broker still say who there is.

redef Cluster::manager_is_logger = getenv("BROKER_LOGGER1_PORT") == "";

redef Cluster::nodes = {
	["manager"] = [$node_type=Cluster::MANAGER, $ip=127.0.0.1, $p=to_port(getenv(
	    "LOG_PULL_PORT"))],
	["worker-1"] = [$node_type=Cluster::WORKER, $ip=127.0.0.1],
};

@if ( getenv("BROKER_WORKER2_PORT") != "" )
redef Cluster::nodes += {
	["worker-2"] = [$node_type=Cluster::WORKER, $ip=127.0.0.1],
};
@endif

@if ( getenv("BROKER_PROXY1_PORT") != "" )
redef Cluster::nodes += {
	["proxy-1"] = [$node_type=Cluster::PROXY, $ip=127.0.0.1],
	["proxy-2"] = [$node_type=Cluster::PROXY, $ip=127.0.0.1],
};
@endif

@if ( ! Cluster::manager_is_logger )
redef Cluster::nodes += {
	["logger"] = [$node_type=Cluster::LOGGER, $ip=127.0.0.1, $p=to_port(getenv(
	    "LOG_PULL_PORT"))],
};
@endif
