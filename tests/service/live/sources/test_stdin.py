"""A pipe is read as it is filled, and its end is known."""

import os

from enricher.service.live.sources.stdin import Stdin

ROW = b'{"_path":"ssl","ts":%d,"uid":"C%d","id.orig_h":"1.1.1.1","id.orig_p":1,"id.resp_h":"2.2.2.2","id.resp_p":443}\n'


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
