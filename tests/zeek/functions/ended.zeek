# @TEST-DOC: A handshake has failed for certain only where both directions were seen whole, and their end.
#
# @TEST-EXEC: zeek -C -r $TRACES/certificates/capture.pcap $PACKAGE %INPUT > output
# @TEST-EXEC: btest-diff output

module AN1496;

global done = F;

event connection_state_remove(c: connection)
	{
	if ( done || c$orig$state != TCP_CLOSED || c$resp$state != TCP_CLOSED )
		return;

	done = T;
	print "closed by both", seen_to_its_end(c);

	local x = copy(c);
	x$resp$num_pkts = 0;
	print "one direction", seen_to_its_end(x);

	x = copy(c);
	x$orig$num_pkts = 0;
	print "the other direction", seen_to_its_end(x);

	x = copy(c);
	x$history = "ShADgaFf";
	print "a gap", seen_to_its_end(x);

	x = copy(c);
	x$history = "ShADGaFf";
	print "a gap on the other side", seen_to_its_end(x);

	x = copy(c);
	x$resp$state = TCP_ESTABLISHED;
	print "closed by one", seen_to_its_end(x);
	x$orig$state = TCP_RESET;
	print "reset", seen_to_its_end(x);
	x$orig$state = TCP_ESTABLISHED;
	print "open", seen_to_its_end(x);
	x$start_time = network_time() - 1hr;
	print "silent for long", seen_to_its_end(x);
	}
