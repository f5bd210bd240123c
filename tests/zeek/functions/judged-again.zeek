# @TEST-DOC: What was found in a chain counts until an option changes, and no longer.
#
# @TEST-EXEC: zeek -C -r $TRACES/certificates/capture.pcap $PACKAGE %INPUT > output
# @TEST-EXEC: btest-diff output

module AN1496;

global asked = 0;
global done = F;

hook AN1496::judge_chain(chain: Chain)
	{
	++asked;
	}

hook AN1496::finishing(c: connection, rec: Info)
	{
	if ( done || ! rec?$certificate || rec$certificate$key_length != 2048 )
		return;

	done = T;
	local chain = c$an1496$chain;
	local before = asked;
	judge_again(chain);
	print "same rules", asked - before, "weak_key" in chain$found;
	Option::set("AN1496::weak_rsa_bits", 4096);
	judge_again(chain);
	print "more bits wanted", asked - before, "weak_key" in chain$found;
	Option::set("AN1496::weak_rsa_bits", 2048);
	judge_again(chain);
	print "fewer again", asked - before, "weak_key" in chain$found;
	}
