# @TEST-DOC: A notice of the enricher is a notice of Zeek; policy scripts see what it is about.
#
# @TEST-EXEC: zeek $PACKAGE %INPUT > output
# @TEST-EXEC: btest-diff output

module AN1496;

function tell(host: string, process: string, summary: string, evidence: string)
	{
	event AN1496::correlated_process_v1("AN1496-1", 1, "high", -7, double_to_time(
	    1650000000.25), 3, "CAbc", 10.0.0.1, 50000/tcp, 203.0.113.1,
	    443/tcp, host, process, summary, evidence);
	}

event zeek_init()
	{
	tell("ws-1", "C:\\a.exe", "a.exe did it", "unsigned (+15)");
	}

hook Notice::policy(n: Notice::Info)
	{
	if ( n?$correlation && n$correlation$severity == "high" )
		add n$actions[Notice::ACTION_ALARM];
	}

hook Notice::notice(n: Notice::Info)
	{
	print n$note, n$uid, n$id$orig_h, n$id$orig_p, n$id$resp_h, n$id$resp_p, n$src,
	    n$dst, n$n;
	print n$msg;
	print n$sub;
	print Notice::ACTION_ALARM in n$actions, Notice::ACTION_LOG in n$actions;
	print n$correlation;
	print n$ts > double_to_time(1700000000.0);
	}
