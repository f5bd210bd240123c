"""A pipe is read as it is filled, and its end is known."""

import os

from enricher.service.live.sources.payloads import Payloads
from enricher.service.live.sources.stdin import Stdin

ROW = b'{"_path":"ssl","ts":%d,"uid":"C%d","id.orig_h":"1.1.1.1","id.orig_p":1,"id.resp_h":"2.2.2.2","id.resp_p":443}\n'

EVENT = (
    b"<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
    b"<Provider Name='Microsoft-Windows-Sysmon'/><EventID>3</EventID>"
    b"<TimeCreated SystemTime='2024-05-01T10:00:00.0000000Z'/><Channel>Microsoft-Windows-Sysmon/Operational</Channel>"
    b"<Computer>WS1</Computer></System><EventData><Data Name='UtcTime'>2024-05-01 10:00:00.000</Data>"
    b"<Data Name='ProcessGuid'>{11111111-1111-1111-1111-111111111111}</Data><Data Name='ProcessId'>77</Data>"
    b"<Data Name='Image'>C:\\x.exe</Data><Data Name='Protocol'>tcp</Data><Data Name='Initiated'>true</Data>"
    b"<Data Name='SourceIp'>10.0.0.1</Data><Data Name='SourcePort'>50000</Data>"
    b"<Data Name='DestinationIp'>1.2.3.4</Data><Data Name='DestinationPort'>443</Data></EventData></Event>"
)


def test_a_payload_may_be_an_event_in_xml() -> None:
    payloads = Payloads("topic")
    first, second = payloads.read([("0-1", EVENT), ("0-2", EVENT[:-9]), ("0-3", EVENT)])
    assert (first.source, second.source) == ("topic:0-1", "topic:0-3")
    (problem,) = payloads.problems()
    assert "ends within an event" in problem.what
    payloads.read([(str(at), EVENT[:-9]) for at in range(100)])
    assert len(payloads.problems()) == 20


def test_a_pipe_is_read_without_waiting_and_ends() -> None:
    reading, writing = os.pipe()
    source = Stdin("stdin", descriptor=reading)
    assert source.read() == ()
    os.write(writing, (ROW % (1, 1))[:9])
    assert source.read() == ()
    os.write(writing, (ROW % (1, 1))[9:] + (ROW % (2, 2)).rstrip())
    assert [r.uid for r in source.read()] == ["C1"]
    assert not source.ended
    os.close(writing)
    assert [r.uid for r in source.read()] == ["C2"]
    assert source.ended
    assert source.read() == ()
    os.close(reading)


def test_a_log_that_does_not_come_line_by_line_is_read_too() -> None:
    reading, writing = os.pipe()
    source = Stdin("stdin", descriptor=reading)
    os.write(writing, EVENT[:300] + EVENT[300:].replace(b"><", b">\n<"))
    assert [type(record).__name__ for record in source.read()] == ["NetworkConnect"]
    os.write(writing, b"<Event><System>")
    os.close(writing)
    assert [*source.read(), *source.read()] == []
    assert ["the input ends within an event" in problem.what for problem in source.problems()] == [True]
    os.close(reading)


def test_what_is_no_log_ends_the_source_with_a_reason() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"hello\n" * 3)
    source = Stdin("stdin", descriptor=reading)
    assert list(source.read()) == []
    assert source.ended
    (problem,) = source.problems()
    assert "neither" in problem.what
    os.close(reading)
    os.close(writing)
