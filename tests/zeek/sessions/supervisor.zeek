# @TEST-DOC: Under the supervisor, a cluster writes the records that Zeek writes alone, with either backend.
#
# @TEST-PORT: BROKER_MANAGER_PORT
# @TEST-PORT: BROKER_PROXY1_PORT
# @TEST-PORT: BROKER_WORKER1_PORT
# @TEST-PORT: XPUB_PORT
# @TEST-PORT: XSUB_PORT
#
# @TEST-EXEC: zeek -C -r $TRACES/demo/capture.pcap $PACKAGE %INPUT
# @TEST-EXEC: BACKEND=broker supervised %INPUT
# @TEST-EXEC: BACKEND=zeromq supervised %INPUT
# @TEST-EXEC: test "$(for log in an1496.log broker/manager/an1496.log zeromq/manager/an1496.log; do sed -E 's/"(uid|cert_inherited_from)":"[^"]*"/"\1":""/g' $log | sort | sha256sum; done | uniq | wc -l)" = 1

@load policy/frameworks/cluster/experimental

redef LogAscii::use_json = T;
redef Log::default_rotation_interval = 0sec;
redef Broker::disable_ssl = T;
redef Broker::log_batch_size = 1;
redef Log::write_buffer_size = 1;
redef exit_only_after_terminate = Supervisor::is_supervised();

event zeek_init()
	{
	if ( ! Supervisor::is_supervisor() )
		return;

	local cluster: table[string] of Supervisor::ClusterEndpoint = {
		["manager"] = [$role=Supervisor::MANAGER, $host=127.0.0.1, $p=to_port(getenv(
		    "BROKER_MANAGER_PORT"))],
		["proxy-1"] = [$role=Supervisor::PROXY, $host=127.0.0.1, $p=to_port(getenv(
		    "BROKER_PROXY1_PORT"))],
		["worker-1"] = [$role=Supervisor::WORKER, $host=127.0.0.1, $p=to_port(getenv(
		    "BROKER_WORKER1_PORT"))],
	};
	for ( name, _ in cluster )
		{
		mkdir(name);
		local node = Supervisor::NodeConfig($name=name, $directory=name,
		    $cluster=cluster, $stdout_file="out", $stderr_file="errors",
		    $addl_user_scripts=vector(getenv("BACKEND_SCRIPT")));
		if ( name == "worker-1" )
			node$pcap_file = getenv("TRACES") + "/demo/capture.pcap";
		local trouble = Supervisor::create(node);
		if ( trouble != "" )
			print trouble;
		}
	}

@if ( Cluster::local_node_type() == Cluster::WORKER )
event zeek_init()
	{
	suspend_processing();
	}

event Cluster::Experimental::cluster_started()
	{
	continue_processing();
	}
@endif
