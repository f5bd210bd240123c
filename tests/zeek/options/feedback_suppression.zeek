# @TEST-DOC: The same revision of a notice is raised once within this time, a new revision at once.
#
# @TEST-EXEC: zeek $PACKAGE %INPUT > output
# @TEST-EXEC: zeek $PACKAGE %INPUT AN1496::feedback_suppression=0sec >> output
# @TEST-EXEC: btest-diff output

module AN1496;

function tell(id: string, revision: count)
	{
	event AN1496::correlated_process_v1(id, revision, "high", 60, network_time(), 1,
	    "C1", 10.0.0.1, 50000/tcp, 203.0.113.1, 443/tcp, "ws-1", "a.exe",
	    "summary", "evidence");
	}

event zeek_init()
	{
	tell("one", 1);
	tell("one", 1);
	tell("one", 2);
	tell("two", 1);
	tell("one", 2);
	}

hook Notice::notice(n: Notice::Info)
	{
	print n$correlation$id, n$correlation$revision;
	}
