##! Counters for Zeek's Prometheus endpoint.

@load base/frameworks/telemetry
@load ./main

module AN1496;

global sessions_counter = Telemetry::register_counter_family([$prefix="zeek",
    $name="an1496_sessions", $unit="",
    $help_text="TLS sessions observed, by outcome of the handshake",
    $label_names=vector("established"), ]);

global anomalies_counter = Telemetry::register_counter_family([$prefix="zeek",
    $name="an1496_anomalies", $unit="",
    $help_text="Anomalies found in TLS sessions, by id", $label_names=vector(
    "anomaly"), ]);

hook AN1496::finishing(c: connection, rec: Info)
	{
	local outcome = rec?$established ? ( rec$established ? "yes" : "no" ) :
	    "unknown";
	Telemetry::counter_family_inc(sessions_counter, vector(outcome));
	for ( _, id in rec$anomalies )
		Telemetry::counter_family_inc(anomalies_counter, vector(id));
	}
