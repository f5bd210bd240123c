# @TEST-DOC: What nobody shows any more is forgotten, and what the proxies may forget soon is not relied on.
#
# @TEST-EXEC: zeek -C -r $TRACES/rarity/capture.pcap $PACKAGE %INPUT > output
# @TEST-EXEC: btest-diff output

module AN1496;

redef rarity_memory = 1sec;
redef table_expire_interval = 0.2sec;

# The capture lasts two seconds.
event zeek_init()
	{
	take_shown("old", set(10.0.0.1, 10.0.0.2), F);
	}

event zeek_done()
	{
	print "still there", "old" in fingerprint_hosts, |fingerprint_hosts| > 0;
	local now = network_time();
	fingerprint_hosts["fresh"] = Shown($common=T, $heard=now - 0.4sec);
	fingerprint_hosts["stale"] = Shown($common=T, $heard=now - 0.6sec);
	fingerprint_hosts["rare"] = Shown($by=set(10.0.0.1), $heard=now);
	fingerprint_hosts["own"] = Shown($by=set(10.0.0.1));
	print "fresh", knows("fresh", 10.0.0.1), "stale", knows("stale", 10.0.0.1);
	print "its host", knows("rare", 10.0.0.1), "another", knows("rare", 10.0.0.2);
	print "not from a proxy", knows("own", 10.0.0.1), "never", knows("never",
	    10.0.0.1);
	}
