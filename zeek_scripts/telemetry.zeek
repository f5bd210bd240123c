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
global counters: table[string] of Telemetry::Counter = table();

function increase(family: Telemetry::CounterFamily, label: string)
	{
	if ( label !in counters )
		counters[label] = Telemetry::counter_with(family, vector(label));
	Telemetry::counter_inc(counters[label]);
	}

hook AN1496::finishing(c: connection, rec: Info)
	{
	increase(sessions_counter, rec?$established ? ( rec$established ? "yes" : "no" ) :
	    "unknown");
	for ( _, id in rec$anomalies )
		increase(anomalies_counter, id);
	}
