# @TEST-DOC: Counters by outcome and by anomaly.
#
# @TEST-EXEC: zeek -C -r $TRACES/handshakes/capture.pcapng $PACKAGE %INPUT AN1496::ca_bundle=$TRACES/ca.pem | sort > output
# @TEST-EXEC: btest-diff output

event zeek_done() &priority=-10
	{
	for ( _, metric in Telemetry::collect_metrics("zeek", "an1496_*") )
		print metric$opts$name, metric$label_values, metric$value;
	}
