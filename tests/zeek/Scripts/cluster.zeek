##! What cluster tests have in common: steps that begin once all nodes are there, an end for all, sessions without packets,
##! and every notice on the standard output of the node that raises it.

@load policy/frameworks/cluster/experimental

redef exit_only_after_terminate = T;
redef Log::default_rotation_interval = 0sec;
redef Site::local_nets += {10.0.0.0/8};
redef Site::private_address_space_is_local = F;

module AN1496;

redef rarity_learning = 0sec;

export {
	## Every node does what it has to do in this step. After the last one all nodes end.
	global go: event(step: count);

	## How many steps the test has.
	const steps = 1 &redef;

	## The time that a step may take.
	const pause = 1sec &redef;

	## What a session of a client with a fingerprint is known to be: `T` rare, `F` common, `-` unavailable.
	global see: function(fingerprint: string, client: addr): string;
}

global seen_by_test = 0;

function see(fingerprint: string, client: addr): string
	{
	local id = conn_id($orig_h=client, $orig_p=50000/tcp, $resp_h=203.0.113.1,
	    $resp_p=443/tcp);
	local side = endpoint($size=0, $state=0, $flow_label=0);
	local c = connection($id=id, $orig=side, $resp=side,
	    $start_time=network_time(), $duration=0sec, $service=set(),
	    $history="", $uid=fmt("C%d", ++seen_by_test));
	local s = Session($info=Info($ts=network_time(), $uid=c$uid, $id=id,
	    $proto=tcp, $ja4=fingerprint));
	hook AN1496::judge(c, s);
	return s$info?$ja4_rare ? cat(s$info$ja4_rare) : "-";
	}

hook Notice::notice(n: Notice::Info)
	{
	print fmt("%s %s %s", n$note, n$src, n$msg);
	}

event AN1496::go(step: count) &priority=-10
	{
	if ( step > steps )
		terminate();
	}

@if ( Cluster::local_node_type() == Cluster::MANAGER )
event AN1496::next_step(step: count)
	{
	event AN1496::go(step);
	Cluster::publish(Cluster::worker_topic, go, step);
	Cluster::publish(Cluster::proxy_topic, go, step);
	Cluster::publish(Cluster::logger_topic, go, step);
	if ( step <= steps )
		schedule pause { AN1496::next_step(step + 1) };
	}

event Cluster::Experimental::cluster_started()
	{
	schedule 0.5sec { AN1496::next_step(1) };
	}
@endif
