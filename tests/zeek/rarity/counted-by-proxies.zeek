# @TEST-DOC: Two workers see sessions of one fingerprint; the proxies count its hosts together and raise the notice.
#
# @TEST-PORT: BROKER_MANAGER_PORT
# @TEST-PORT: BROKER_PROXY1_PORT
# @TEST-PORT: BROKER_PROXY2_PORT
# @TEST-PORT: BROKER_WORKER1_PORT
# @TEST-PORT: BROKER_WORKER2_PORT
# @TEST-PORT: LOG_PULL_PORT
# @TEST-PORT: XPUB_PORT
# @TEST-PORT: XSUB_PORT
#
# @TEST-EXEC: cluster-run %INPUT
# @TEST-EXEC: btest-diff output

module AN1496;

redef steps = 6;

@if ( Cluster::node == "worker-1" )
event AN1496::go(step: count)
	{
	local n = 0;
	switch ( step )
		{
		case 1:
			while ( ++n < 20 )
				see("everybodys", to_addr(fmt("10.0.0.%d", n)));
			print "19 hosts, nothing is rare yet", see("first", 10.0.0.1);
			break;
		case 4:
			print "20 hosts, the one from before", see("first", 10.0.0.1);
			break;
		case 5:
			print "another host with what was rare", see("strangers", 10.0.0.2);
			break;
		case 6:
			print "what two hosts show", see("strangers", 10.0.0.2);
			break;
		}
	}
@endif

@if ( Cluster::node == "worker-2" )
event AN1496::go(step: count)
	{
	switch ( step )
		{
		case 2:
			print "new here, not at the other worker", see("everybodys", 10.0.0.20);
			break;
		case 3:
			print "new everywhere", see("strangers", 10.0.0.20);
			break;
		case 4:
			print "what the proxy found to be rare", see("strangers", 10.0.0.20);
			break;
		case 6:
			print "what was rare until another host", see("strangers", 10.0.0.20);
			break;
		}
	}
@endif
