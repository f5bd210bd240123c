##! The way back: the enricher joins sessions with what endpoints report, and publishes its notices over Zeek's WebSocket
##! API; here they become notices of Zeek, so that its policy (mail, suppression, programs) applies to them.
##!
##! The manager listens, or Zeek where it is alone, and only if it is given a port. Who can reach the socket can publish any
##! event to the cluster: leave it on the loopback interface, or give it certificates.

@load base/frameworks/cluster
@load base/frameworks/notice
@load ./words

module AN1496;

export {
	redef enum Notice::Type += {
		## The enricher found the process behind abnormal sessions.
		Correlated_Process,
	};

	## Where to listen. The default listens nowhere; a socket that the site opens by itself serves as well.
	const feedback_port: port = 0/unknown &redef;

	## The address to listen on.
	const feedback_address: addr = 127.0.0.1 &redef;

	## The socket's certificate (PEM file), for TLS.
	const feedback_certificate: string = "" &redef;

	## Its key (PEM file).
	const feedback_key: string = "" &redef;

	## Certificates (PEM file) that vouch for the enricher's own; empty: it needs none.
	const feedback_ca: string = "" &redef;

	## For how long the same revision of the same notice is not raised again.
	option feedback_suppression: interval = 7day;

	## What the enricher concluded.
	type Correlation: record {
		## Stable id of its notice.
		id: string;
		## Rises when late evidence changes the conclusion.
		revision: count;
		## `informational`, `low`, `medium`, or `high`.
		severity: string;
		## The sum of the weights behind that.
		score: int;
		## The first session.
		ts: time;
		## Number of sessions.
		sessions: count;
		## Name of the client's host; empty: not known.
		host: string;
		## Image of the process; empty: not known; several, if any of them can have been it.
		process: string;
		## Reasons and their weights.
		evidence: string;
	};

	redef record Notice::Info += {
		## What a `Correlated_Process` is about, for Zeek's notice policy.
		correlation: Correlation &optional;
	};

	## A notice of the enricher, version 1. Others are published under other names.
	##
	## id: as in `Correlation`, like the others of the same name.
	##
	## uid: the first session, like the addresses and ports.
	##
	## summary: one sentence that says it all.
	global correlated_process_v1: event(id: string, revision: count,
	    severity: string, score: int, ts: time, sessions: count,
	    uid: string, orig_h: addr, orig_p: port, resp_h: addr, resp_p: port,
	    host: string, process: string, summary: string, evidence: string);

	## Tells the enricher that a notice arrived, so that it need not be sent again.
	global correlation_received: event(id: string, revision: count);
}

# Both ends know these.
const feedback_topic = "/an1496/notices";
const receipts_topic = "/an1496/receipts";

const longest_name = 300;
const longest_text = 1000;

# Controls, also those of C1 and the bidirectional ones, and what is no character at all.
const acting = /[\x00-\x1f\x7f]|\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]|\xef\xbb\xbf/;

function harmless(text: string, longest: count): string
	{
	local safe = gsub(text, acting, "\xef\xbf\xbd");
	if ( |safe| <= longest )
		return safe;

	# A character is cut off whole.
	return sub(sub_bytes(safe, 1, longest - 3),
	    /([\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2})$/, "") +
	    "\xe2\x80\xa6";
	}

function hosts_feedback(): bool
	{
	return ! Cluster::is_enabled()
	    || Cluster::local_node_type() == Cluster::MANAGER;
	}

event zeek_init()
	{
	if ( ! hosts_feedback() )
		return;

	Cluster::subscribe(feedback_topic);
	# zeekctl sets this where it only looks at the scripts, or at a trace, while the nodes run that listen.
	if ( feedback_port == 0/unknown || getenv("ZEEKCTL_DISABLE_LISTEN") != "" )
		return;

	local tls = Cluster::WebSocketTLSOptions();
	if ( feedback_certificate != "" )
		tls$cert_file = feedback_certificate;
	if ( feedback_key != "" )
		tls$key_file = feedback_key;
	if ( feedback_ca != "" )
		{
		tls$ca_file = feedback_ca;
		tls$enable_peer_verification = T;
		}
	if ( ! Cluster::listen_websocket(Cluster::WebSocketServerOptions(
	    $listen_addr=feedback_address, $listen_port=feedback_port,
	    $tls_options=tls)) )
		Reporter::error(fmt(
		    "AN1496: cannot listen on %s:%s for the enricher's notices",
		    feedback_address, feedback_port));
	}

event AN1496::correlated_process_v1(id: string, revision: count,
    severity: string, score: int, ts: time, sessions: count, uid: string,
    orig_h: addr, orig_p: port, resp_h: addr, resp_p: port, host: string,
    process: string, summary: string, evidence: string)
	{
	local found = Correlation($id=harmless(id, longest_name), $revision=revision,
	    $severity=harmless(severity, longest_name), $score=score, $ts=ts,
	    $sessions=sessions, $host=harmless(host, longest_name),
	    $process=harmless(process, longest_name), $evidence=harmless(
	    evidence, longest_text));
	local where = found$host == "" ? "unknown host" : found$host;
	local who = found$process == "" ? "unknown process" : found$process;
	NOTICE(Notice::Info($note=Correlated_Process, $ts=current_time(),
	    $uid=harmless(uid, longest_name), $id=conn_id($orig_h=orig_h,
	    $orig_p=orig_p, $resp_h=resp_h, $resp_p=resp_p), $n=sessions,
	    $msg=harmless(summary, longest_text), $sub=fmt("%s, %s on %s: %s",
	    found$severity, who, where, found$evidence), $correlation=found,
	    $identifier=fmt("%s %d", found$id, revision),
	    $suppress_for=feedback_suppression));
	Cluster::publish(receipts_topic, correlation_received, id, revision);
	}
