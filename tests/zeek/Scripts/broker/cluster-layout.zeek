##! A cluster on loopback: a manager, which writes the logs if there is no logger, and each node for which a test has a port.

redef Cluster::manager_is_logger = getenv("BROKER_LOGGER1_PORT") == "";

redef Cluster::nodes = {
	["manager"] = [$node_type=Cluster::MANAGER, $ip=127.0.0.1, $p=to_port(getenv(
	    "BROKER_MANAGER_PORT"))],
	["worker-1"] = [$node_type=Cluster::WORKER, $ip=127.0.0.1, $p=to_port(getenv(
	    "BROKER_WORKER1_PORT")), $manager="manager"],
};

@if ( getenv("BROKER_WORKER2_PORT") != "" )
redef Cluster::nodes += {
	["worker-2"] = [$node_type=Cluster::WORKER, $ip=127.0.0.1, $p=to_port(getenv(
	    "BROKER_WORKER2_PORT")), $manager="manager"],
};
@endif

@if ( getenv("BROKER_PROXY1_PORT") != "" )
redef Cluster::nodes += {
	["proxy-1"] = [$node_type=Cluster::PROXY, $ip=127.0.0.1, $p=to_port(getenv(
	    "BROKER_PROXY1_PORT")), $manager="manager"],
	["proxy-2"] = [$node_type=Cluster::PROXY, $ip=127.0.0.1, $p=to_port(getenv(
	    "BROKER_PROXY2_PORT")), $manager="manager"],
};
@endif

@if ( ! Cluster::manager_is_logger )
redef Cluster::nodes += {
	["logger"] = [$node_type=Cluster::LOGGER, $ip=127.0.0.1, $p=to_port(getenv(
	    "BROKER_LOGGER1_PORT")), $manager="manager"],
};
@endif
