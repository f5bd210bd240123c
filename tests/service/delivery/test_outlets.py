"""From the configuration to sinks, before any work and after a replay."""

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from enricher.config import Config
from enricher.errors import ConfigError
from enricher.service.delivery import Outlets
from enricher.service.delivery.once import deliver
from enricher.sinks.encoding import ENCODINGS
from enricher.sinks.settings import Format, Sink

EVERY = b"""
[[sinks]]
type = "elastic"
url = "https://127.0.0.1:9200"
[[sinks]]
type = "splunk"
url = "https://127.0.0.1:8088"
token = { env = "AN1496_TEST_SECRET" }
[[sinks]]
type = "webhook"
url = "https://127.0.0.1/hook"
[[sinks]]
type = "syslog"
host = "127.0.0.1"
[[sinks]]
type = "kafka"
brokers = "127.0.0.1:9092"
[[sinks]]
type = "redis"
url = "redis://127.0.0.1"
[[sinks]]
type = "zeek"
url = "wss://127.0.0.1:27780"
[[sinks]]
type = "file"
path = "notices.log"
"""


def test_every_type_of_sink_can_be_made_without_talking_to_anybody(monkeypatch: Any) -> None:
    monkeypatch.setenv("AN1496_TEST_SECRET", "x")
    config = Config.parse(EVERY, "c")
    assert {type(sink) for sink in config.sinks} == set(get_args(Sink))
    assert Outlets(config)


def test_a_zeek_of_the_command_line_is_told_beside_the_sinks_of_the_file() -> None:
    config = Config.parse(b'[[sinks]]\ntype = "zeek"\nurl = "wss://z:1"\n', "c")
    both = config.with_options(ca_bundle=None, redis_url=None, zeek_url="ws://y:2").sinks
    assert both[:1] == config.sinks
    assert [getattr(sink, "url", None) for sink in both] == ["wss://z:1", "ws://y:2"]


def test_the_formats_that_can_be_configured_are_those_there_are() -> None:
    assert set(get_args(Format)) == set(ENCODINGS)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('type = "elastic"\nurl = "https://h"\napi_key = "literal"', "Expected `object | null`, got `str`"),
        ('type = "elastic"\nurl = "https://h"\napi_key = {}', "has not one place"),
        ('type = "elastic"\nurl = "https://h"\napi_key = { env = "A", file = "b" }', "has not one place"),
        ('type = "elastic"\nurl = "https://h"\nusername = "u"', "username has no password"),
        ('type = "kafka"\nbrokers = "h"\npassword = { env = "A" }', "password has no username"),
        ('type = "odd"', "odd"),
        ('type = "file"\npath = "x"\nformat = "odd"', "odd"),
        ('type = "file"\npath = "x"\nname = "a"\n[[sinks]]\ntype = "file"\npath = "y"\nname = "a"', "stands twice"),
    ],
)
def test_a_sink_that_cannot_be_meant_is_refused(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Config.parse(f"[[sinks]]\n{text}\n".encode(), "c")
    assert words in str(caught.value) and "literal" not in str(caught.value)


def test_a_sink_that_can_never_work_is_named() -> None:
    config = Config.parse(b'[[sinks]]\ntype = "elastic"\nurl = "ftp://h"\n', "c")
    with pytest.raises(ConfigError, match=r"elastic \(sink 1\): the address of a sink cannot be used"):
        Outlets(config)


def test_a_replay_tells_every_sink_and_one_line_for_each_that_did_not_take_all(
    make: Any, tmp_path: Path, closed_port: int
) -> None:
    file = f'[[sinks]]\ntype = "file"\npath = "{tmp_path}/n.log"\nformat = "zeek_tsv"\n'
    siem = f'[[sinks]]\ntype = "elastic"\nname = "siem"\nurl = "http://127.0.0.1:{closed_port}"\nretry_seconds = 0\n'
    config = Config.parse((file + siem).encode(), "c")
    (problem,) = deliver(make.notices(3), Outlets(config), tmp_path)
    assert str(problem) == (
        f"siem: 3 of 3 notices were not delivered: http://127.0.0.1:{closed_port}: it does not take connections; "
        f"check that it runs, and the address; they are in {tmp_path}/dead-letters.jsonl"
    )
    lines = (tmp_path / "n.log").read_bytes().splitlines()
    assert lines[0].startswith(b"#separator") and len([line for line in lines if line[:1] != b"#"]) == 3
    kept = [json.loads(line) for line in (tmp_path / "dead-letters.jsonl").read_bytes().splitlines()]
    assert [letter["notice"]["id"] for letter in kept] == [notice.id for notice in make.notices(3)]


def test_without_sinks_nothing_is_made(make: Any, tmp_path: Path) -> None:
    assert deliver(make.notices(1), Outlets(Config()), tmp_path) == []
    assert list(tmp_path.iterdir()) == []
