# @TEST-DOC: A list that was gone for a while is read again.
#
# @TEST-EXEC: echo 51c64c77e60f3980eea90869b68c58a8 stale > list.txt
# @TEST-EXEC: btest-bg-run zeek zeek $PACKAGE %INPUT
# @TEST-EXEC: btest-bg-wait 30
# @TEST-EXEC: btest-diff zeek/.stdout

module AN1496;

redef exit_only_after_terminate = T;
redef known_bad = vector("../list.txt");

global reads = 0;

event check()
	{
	if ( "e7d705a3286e19ea42f587b344ee6865" in listed )
		{
		print "new entry", listed["e7d705a3286e19ea42f587b344ee6865"],
		    "old entry gone", "51c64c77e60f3980eea90869b68c58a8" !in
		    listed;
		terminate();
		return;
		}

	if ( reads == 0 && "51c64c77e60f3980eea90869b68c58a8" in listed )
		{
		print "old entry", listed["51c64c77e60f3980eea90869b68c58a8"];
		system("rm ../list.txt; sleep 4; echo e7d705a3286e19ea42f587b344ee6865 fresh > ../list.txt");
		++reads;
		}

	schedule 100msec { check() };
	}

event zeek_init()
	{
	schedule 100msec { check() };
	}
