##! A fingerprint that hardly any local host shows: `rare_fingerprint`.
##!
##! On a cluster, hosts are counted per fingerprint on the proxy that `Cluster::publish_hrw` names, since several workers
##! see sessions of one fingerprint. A worker does not hold an1496.log back for the answer. It keeps what the proxies told;
##! by that it judges the sessions of fingerprints that are known to be common, and of hosts that are known to show a rare
##! one. Any other session is told to the proxy, which raises the notice where there is one to raise; its record says
##! nothing of rarity, as nobody knew, and who reads the log with all hosts in view (the enricher does) can still add it.
##!
##! The manager counts all hosts, and keeps a copy of what the proxies counted. A proxy that starts, or takes over from
##! one that is gone, gets the copy back, and judges nothing before it did.
##!
##! A node without a proxy counts and judges by itself: Zeek alone, or a worker while no proxy is there.

@load base/frameworks/cluster
@load base/frameworks/notice
@load base/utils/directions-and-hosts
@load ./main
@load ./notices

module AN1496;

export {
	redef enum Notice::Type += {
		## Hardly any local host shows this fingerprint.
		Rare_Fingerprint,
	};

	redef record Info += {
		## Whether the JA4 is rare. Absent: not known, or not yet. Not logged: `anomalies` says it.
		ja4_rare: bool &optional;
	};

	## `rare_fingerprint` is unavailable until this many distinct clients were seen.
	option rarity_min_hosts: count = 20;

	## `rare_fingerprint` is unavailable for so long after the first client was counted, lest on a large network all
	## that comes first is rare. In a trace it is available at once.
	option rarity_learning: interval = 1day;

	## `rare_fingerprint`: a JA4 that at most this many distinct clients have shown. What was found to be common before
	## this rises stays so until it is forgotten.
	option rarity_max_hosts: count = 1;

	## The clients that are counted.
	option rarity_clients: Host = LOCAL_HOSTS;

	## How long a fingerprint is remembered that no client shows any more.
	option rarity_memory: interval = 14day;

	## Fingerprints that are counted; the rarity of more is not known.
	option max_fingerprints: count = 50000;

	## Clients that are counted; it only matters whether there are enough.
	option max_clients: count = 10000;

	redef noticed_anomalies += {"rare_fingerprint"};

	## Which clients have shown a fingerprint.
	type Shown: record {
		## They, as long as they are few.
		by: set[addr] &default=set();
		## They are more than `rarity_max_hosts`.
		common: bool &default=F;
		## When this was last heard from a proxy.
		heard: time &optional;
	};

	## A worker tells a proxy that a client has shown a fingerprint.
	##
	## by: the client, and the others that the worker knows of.
	##
	## common: whether the worker knows that they are many.
	global fingerprint_shown: event(fingerprint: string, by: set[addr],
	    common: bool, uid: string, id: conn_id);

	## A proxy tells workers and manager what it has counted.
	global fingerprint_counted: event(fingerprint: string, by: set[addr],
	    common: bool);

	## What was counted goes to a node that has lost it.
	global fingerprints_handed_over: event(part: table[string] of Shown);

	## A worker tells the manager of clients.
	global clients_seen: event(clients: set[addr]);

	## The manager tells how many clients there are.
	global clients_counted: event(total: count);
}

global learning_over: event();

const handed_over_at_once = 1000;
const asks_proxies = Cluster::local_node_type() == Cluster::WORKER;

global fingerprint_hosts: table[string] of Shown = table()
    &read_expire=rarity_memory;

# These do not expire: what was learned stays so.
global known_clients: set[addr] = set();
global clients_elsewhere = 0;

# When this node has learned by itself.
global learned_at: time;

# The manager tells how many clients there are once it has learned.
function has_learned(): bool
	{
	return clients_elsewhere > 0
	    || reading_traces()
	    || ( |known_clients| > 0 && network_time() >= learned_at );
	}

function all_clients(): count
	{
	return |known_clients| > clients_elsewhere ? |known_clients| :
	    clients_elsewhere;
	}

function take_shown(fingerprint: string, by: set[addr], common: bool)
	{
	if ( fingerprint !in fingerprint_hosts )
		{
		if ( |fingerprint_hosts| >= max_fingerprints )
			return;

		fingerprint_hosts[fingerprint] = Shown();
		}

	local s = fingerprint_hosts[fingerprint];
	if ( s$common )
		return;

	for ( host in by )
		add s$by[host];
	if ( common || |s$by| > rarity_max_hosts )
		{
		s$common = T;
		s$by = set();
		}
	}

function is_common(fingerprint: string): bool
	{
	return fingerprint in fingerprint_hosts
	    && fingerprint_hosts[fingerprint]$common;
	}

function is_rare(fingerprint: string): bool
	{
	return fingerprint in fingerprint_hosts
	    && ! is_common(fingerprint)
	    && |fingerprint_hosts[fingerprint]$by| > 0
	    && all_clients() >= rarity_min_hosts
	    && has_learned();
	}

function rarity_fact(fingerprint: string): string
	{
	return fmt("ja4 %s on %d of %d hosts", fingerprint,
	    |fingerprint_hosts[fingerprint]$by|, all_clients());
	}

function tell_rare(fingerprint: string, uid: string, id: conn_id)
	{
	if ( "rare_fingerprint" in noticed_anomalies
	    && addr_matches_host(id$orig_h, notice_clients)
	    && addr_matches_host(id$resp_h, notice_servers) )
		NOTICE(Notice::Info($note=Rare_Fingerprint, $uid=uid, $id=id,
		    $msg=rarity_fact(fingerprint), $sub="rare_fingerprint",
		    $identifier=cat_sep(" ", "", fingerprint, id$orig_h),
		    $suppress_for=notice_suppression));
	}

function take_client(client: addr)
	{
	if ( |known_clients| >= max_clients )
		return;

	if ( |known_clients| == 0 )
		{
		learned_at = network_time() + rarity_learning;
		schedule rarity_learning { AN1496::learning_over() };
		}
	add known_clients[client];
	if ( asks_proxies )
		Cluster::publish(Cluster::manager_topic, clients_seen, set(client));
	}

# Workers ask again before the proxies forget.
function heard_lately(s: Shown): bool
	{
	return s?$heard && network_time() - s$heard < rarity_memory / 2;
	}

# Whether this worker can judge: it knows what the proxies know.
function knows(fingerprint: string, client: addr): bool
	{
	if ( fingerprint !in fingerprint_hosts )
		return F;

	local s = fingerprint_hosts[fingerprint];
	return ( s$common || client in s$by ) && heard_lately(s);
	}

function tell_proxy(fingerprint: string, client: addr, uid: string, id: conn_id)
    : bool
	{
	local by = set(client);
	if ( fingerprint in fingerprint_hosts )
		by = by | fingerprint_hosts[fingerprint]$by;

	return Cluster::publish_hrw(Cluster::proxy_pool, fingerprint,
	    fingerprint_shown, fingerprint, by, is_common(fingerprint), uid,
	    id);
	}

hook AN1496::judge(c: connection, s: Session)
	{
	if ( ! s$info?$ja4 || ! addr_matches_host(c$id$orig_h, rarity_clients) )
		return;

	local fingerprint = s$info$ja4;
	local client = c$id$orig_h;
	if ( client !in known_clients )
		take_client(client);

	local asked = asks_proxies
	    && ! knows(fingerprint, client)
	    && tell_proxy(fingerprint, client, c$uid, c$id);
	if ( ! asked )
		take_shown(fingerprint, set(client), F);

	if ( is_common(fingerprint) )
		s$info$ja4_rare = F;
	else if ( ! asked && is_rare(fingerprint) )
		{
		s$info$ja4_rare = T;
		abnormal(s, "rare_fingerprint", rarity_fact(fingerprint));
		tell_rare(fingerprint, c$uid, c$id);
		}
	}

event AN1496::fingerprint_shown(fingerprint: string, by: set[addr],
    common: bool, uid: string, id: conn_id)
	{
	take_shown(fingerprint, by, common);
	if ( fingerprint !in fingerprint_hosts )
		return;

	local s = fingerprint_hosts[fingerprint];
	Cluster::publish(Cluster::worker_topic, fingerprint_counted, fingerprint, s$by,
	    s$common);
	Cluster::publish(Cluster::manager_topic, fingerprint_counted, fingerprint,
	    s$by, s$common);
	if ( is_rare(fingerprint) )
		tell_rare(fingerprint, uid, id);
	}

event AN1496::fingerprint_counted(fingerprint: string, by: set[addr],
    common: bool)
	{
	take_shown(fingerprint, by, common);
	if ( fingerprint in fingerprint_hosts )
		fingerprint_hosts[fingerprint]$heard = network_time();
	}

event AN1496::fingerprints_handed_over(part: table[string] of Shown)
	{
	for ( fingerprint, s in part )
		take_shown(fingerprint, s$by, s$common);
	}

# Every client matters until there are enough; after that, how many there are roughly.
function tell_clients()
	{
	if ( ! has_learned()
	    || |known_clients| <= clients_elsewhere
	    || ( |known_clients| > rarity_min_hosts && |known_clients| * 10 < clients_elsewhere * 11 ) )
		return;

	clients_elsewhere = |known_clients|;
	Cluster::publish(Cluster::proxy_topic, clients_counted, |known_clients|);
	Cluster::publish(Cluster::worker_topic, clients_counted, |known_clients|);
	}

event AN1496::clients_seen(more: set[addr])
	{
	for ( client in more )
		take_client(client);
	tell_clients();
	}

event AN1496::learning_over()
	{
	if ( Cluster::local_node_type() == Cluster::MANAGER )
		tell_clients();
	}

event AN1496::clients_counted(total: count)
	{
	if ( total > clients_elsewhere )
		clients_elsewhere = total;
	}

function hand_over(topic: string)
	{
	local part: table[string] of Shown = table();
	for ( fingerprint, s in fingerprint_hosts )
		{
		part[fingerprint] = s;
		if ( |part| == handed_over_at_once )
			{
			Cluster::publish(topic, fingerprints_handed_over, part);
			part = table();
			}
		}

	if ( |part| > 0 )
		Cluster::publish(topic, fingerprints_handed_over, part);
	}

event Cluster::node_up(name: string, id: string)
	{
	local kind = Cluster::nodes[name]$node_type;
	local topic = Cluster::node_topic(name);
	switch ( Cluster::local_node_type() )
		{
		case Cluster::MANAGER:
			if ( kind == Cluster::PROXY )
				hand_over(topic);
			Cluster::publish(topic, clients_counted, clients_elsewhere);
			break;
		case Cluster::PROXY:
			if ( kind == Cluster::MANAGER )
				hand_over(topic);
			break;
		case Cluster::WORKER:
			if ( kind == Cluster::MANAGER )
				Cluster::publish(topic, clients_seen, known_clients);
			break;
		default:
			break;
		}
	}

# The other proxies count on.
event Cluster::node_down(name: string, id: string)
	{
	if ( Cluster::local_node_type() == Cluster::MANAGER
	    && Cluster::nodes[name]$node_type == Cluster::PROXY )
		hand_over(Cluster::proxy_topic);
	}
