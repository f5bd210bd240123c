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

# Looking a counter up by its labels costs more than counting.
global by_outcome: table[string] of Telemetry::Counter = table()
    &default_insert=function(outcome: string): Telemetry::Counter
	{
	return Telemetry::counter_with(sessions_counter, vector(outcome));
	};

global by_anomaly: table[string] of Telemetry::Counter = table()
    &default_insert=function(id: string): Telemetry::Counter
	{
	return Telemetry::counter_with(anomalies_counter, vector(id));
	};

hook AN1496::finishing(c: connection, rec: Info)
	{
	Telemetry::counter_inc(by_outcome[rec?$established ? ( rec$established ? "yes" :
	    "no" ) : "unknown"]);
	for ( _, id in rec$anomalies )
		Telemetry::counter_inc(by_anomaly[id]);
	}
