# @TEST-DOC: Sessions are published where the site wants it, each once, and not otherwise.
#
# @TEST-REQUIRES: python3 -c "import enricher.service.live.sources.zeek"
#
# @TEST-PORT: FEEDBACK_PORT
#
# @TEST-EXEC: btest-bg-run off "zeek -C -r $TRACES/demo/capture.pcap $PACKAGE %INPUT > out"
# @TEST-EXEC: btest-bg-wait 60
# @TEST-EXEC: btest-bg-run on "zeek -C -r $TRACES/demo/capture.pcap $PACKAGE %INPUT AN1496::publish_sessions=T > out"
# @TEST-EXEC: btest-bg-wait 60
# @TEST-EXEC: sed 's/^/off: /' off/out > output
# @TEST-EXEC: sed 's/^C[^ ]* [^ ]*/on: session/; s/^[0-9]/on: &/' on/out | sort >> output
# @TEST-EXEC: btest-diff output

redef exit_only_after_terminate = T;
redef AN1496::feedback_port = to_port(getenv("FEEDBACK_PORT"));
redef Site::local_nets += {10.0.0.0/8};
redef Site::private_address_space_is_local = F;

# The capture waits until somebody listens.
event zeek_init()
	{
	suspend_processing();
	local wanted = AN1496::publish_sessions ? "15 20" : "1 3";
	system(fmt("python3 $SCRIPTS/listen.py $FEEDBACK_PORT %s >>out 2>&1; kill %d",
	    wanted, getpid()));
	}

event Cluster::websocket_client_added(endpoint: Cluster::EndpointInfo,
    subscriptions: string_vec)
	{
	continue_processing();
	}
