"""What is away is told once, with its reason, and once that it is back."""

import time
from pathlib import Path

import msgspec

from enricher.service.live.service import Service
from service_fakes import Log, Turns


def to_a_file(folder: Path, more: str = "") -> str:
    """A configuration that tells everything to a file in a folder that is not there."""
    sink = f'type = "file"\npath = "{folder}/out/notices.jsonl"\n{more}'
    return f'[verdict]\nmin_severity = "informational"\n[[sinks]]\n{sink}\n'


def test_a_source_that_stays_away_is_told_once(site, tmp_path: Path) -> None:
    log = Log()

    def again() -> None:
        service._retry.clear()  # its time has come

    with Service(site('[[sources]]\ntype = "tail"\npath = "/"'), log, Turns(*[again] * 4)) as service:
        service.run()
        assert service.metrics.registry.get_sample_value("an1496_failures_total", {"what": "tail:/"}) > 2
        assert "is a directory" in service.health()["wrong"]
    assert len(log.said("source away")) == 1


def test_a_sink_that_is_away_is_told_once_with_what_it_did_not_get_and_when_it_is_back(
    site, make, tmp_path: Path
) -> None:
    engine = site(to_a_file(tmp_path, "retry_seconds = 0"))

    def another(n: int) -> None:
        service._last -= 1e6  # its next round is due
        with (tmp_path / "an1496.log").open("ab") as file:
            seen = make.observe(sensor="an1496.log", uid=f"C{n}", orig_p=50000 + n, resp_h=f"203.0.113.{n}")
            file.write(msgspec.json.encode(seen) + b"\n")

    log = Log()
    acts = [lambda: another(1), lambda: another(2), (tmp_path / "out").mkdir, lambda: another(3), lambda: None]
    with Service(engine, log, Turns(*acts)) as service:
        service._waits = lambda: None  # type: ignore[method-assign]  # what is told after the rounds
        service.run()
    name = "file (sink 1)"
    (waiting,) = log.said("waiting")
    assert waiting["what"] == f"sink {name}"
    assert "no such file or directory" in waiting["error"]
    dead = log.said("dead letters")
    assert [(more["sink"], more["notices"]) for more in dead] == [(name, 1)] * 3
    assert log.said("going on") == [{"what": f"sink {name}"}]
    assert (tmp_path / "out" / "notices.jsonl").read_bytes().count(b"\n") == 1


def test_a_sink_that_is_waited_for_is_told_meanwhile(site, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr("enricher.service.delivery.delivery._BEAT", 0.05)
    path = tmp_path / "out" / "notices.jsonl"
    log, until = Log(), time.monotonic() + 20

    def stopping(_seconds: float) -> bool:
        if "waiting" in log:
            path.parent.mkdir(exist_ok=True)
        if time.monotonic() > until:
            raise TimeoutError
        return path.exists()

    with Service(site(to_a_file(tmp_path)), log, stopping) as service:
        service.run()
    assert "dead letters" not in log
    assert path.read_bytes().count(b"\n") == 1


def test_dead_letters_are_sent_again_when_the_configuration_is_read_anew(site, tmp_path: Path) -> None:
    engine = site(to_a_file(tmp_path, "retry_seconds = 0"))
    log = Log()
    figures = []

    def mend() -> None:
        figures.append(service.metrics.registry.get_sample_value("an1496_sink_away", {"sink": "file (sink 1)"}))
        (tmp_path / "out").mkdir()
        service.reload(engine)

    with Service(engine, log, Turns(mend, *[lambda: None] * 2)) as service:
        service.run()
        figures.append(service.metrics.registry.get_sample_value("an1496_sink_away", {"sink": "file (sink 1)"}))
    assert (tmp_path / "out" / "notices.jsonl").read_bytes().count(b"\n") == 1
    assert "sending dead letters again" in log
    assert not list(tmp_path.glob("dead-letters*"))
    assert figures == [1, 0]


def test_while_a_sink_is_waited_for_the_metrics_show_it(site, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr("enricher.service.delivery.delivery._BEAT", 0.05)
    path = tmp_path / "out" / "notices.jsonl"
    sink = f'[verdict]\nmin_severity = "informational"\n[[sinks]]\ntype = "file"\npath = "{path}"\nname = "siem"\n'
    until = time.monotonic() + 20

    def stopping(_seconds: float) -> bool:
        value = service.metrics.registry.get_sample_value
        if value("an1496_sink_away", {"sink": "siem"}) == 1 and value("an1496_sink_retries", {"sink": "siem"}) > 0:
            path.parent.mkdir(exist_ok=True)
        if time.monotonic() > until:
            raise TimeoutError
        return path.exists()

    with Service(site(sink), Log(), stopping) as service:
        service.run()
