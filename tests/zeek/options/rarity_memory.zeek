# @TEST-DOC: What nobody shows any more is forgotten, and new when it comes back.
#
# @TEST-EXEC: zeek -C -r $TRACES/rarity/capture.pcap $PACKAGE %INPUT > output
# @TEST-EXEC: btest-diff output

module AN1496;

redef rarity_memory = 1sec;
redef rarity_min_hosts = 1;
redef table_expire_interval = 0.2sec;

# The capture lasts two seconds.
event zeek_init() &priority=-10
	{
	take_shown("old", set(10.0.0.1, 10.0.0.2), F);
	}

event zeek_done()
	{
	print "still known", "old" in fingerprint_hosts, |fingerprint_hosts| > 0;
	}
