##! Publishes every session's final record, for an enricher that listens over Zeek's WebSocket API (`feedback_port`). Who
##! does not listen at that moment misses it; the log has it as well.

@load base/frameworks/cluster
@load ./main

module AN1496;

export {
	## Publish what is logged, too.
	const publish_sessions = F &redef;

	## A session's final record, version 1. Others are published under other names.
	##
	## record_json: the record as `to_json` writes it.
	global session_published_v1: event(record_json: string);
}

# Both ends know it.
const sessions_topic = "/an1496/sessions";

event AN1496::session_observed(rec: Info) &group="an1496-publish"
	{
	Cluster::publish(sessions_topic, session_published_v1, to_json(rec, T));
	}

event zeek_init()
	{
	if ( ! publish_sessions )
		disable_event_group("an1496-publish");
	}
