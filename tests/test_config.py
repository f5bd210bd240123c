"""What is wrong with a configuration is told by file, line and key, with what was probably meant."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.config import Config
from enricher.errors import ConfigError

_SINK = '[[sinks]]\ntype = "elastic"\nurl = "https://h"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[live]\n# batchh\n\nbatchh = 3\n", "c.toml:4: live.batchh: there is no such key: did you mean batch?"),
        ('[stor]\nurl = "x"\n', "c.toml:1: stor: there is no such key: did you mean store?"),
        (_SINK + "urll = 3\n", "c.toml:4: sinks[0].urll: there is no such key: did you mean url?"),
        (
            _SINK + "zzz = 3\n",
            "c.toml:4: sinks[0].zzz: there is no such key: see docs/configuration.md for every key",
        ),
        ('[[sinks]]\ntype = "elastik"\n', "c.toml:2: sinks[0].type: Invalid value 'elastik': known are elastic, "),
        ('[verdict]\nmin_severity = "hi"\n', "c.toml:2: verdict.min_severity: Invalid enum value 'hi': known are high"),
        ("sinks = [\n{ type = 'file', path = '' },\n]\n", "c.toml:2: sinks[0].path: Expected `str` of length >= 1"),
        ('[[sinks]]\ntype = "elastic"\n', "c.toml:1: sinks[0]: Object missing required field `url`"),
        ("[live]\nbatch = 'x'\n", "c.toml:2: live.batch: Expected `int`, got `str`"),
        ("[sensor.thresholds]\nusual_ports = [\n1,\n'x']\n", "c.toml:2: sensor.thresholds.usual_ports[1]: Expected"),
        ("live.wait_seconds = 9e9\n", "c.toml:1: live.wait_seconds is longer than records are kept"),
        ("store.retention_days = 0.001\n", "c.toml: join."),
        (_SINK + 'username = "u"\n', "c.toml:4: sinks[0].username has no password: give password too"),
        ('sources = [{ type = "stdin" }, { type = "stdin" }]\n', "c.toml:1: sources[1].name: stdin stands twice"),
        ("[live\n", "c.toml: Expected ']' at the end of a table declaration (at line 1"),
        ('"a\\u001b[31m" = 1\n', "c.toml: a\\x1b[31m: there is no such key"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_was_meant(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        Config.parse(text.encode(), "c.toml")
    assert str(refused.value).startswith(message)


def test_bytes_that_are_no_text_are_told() -> None:
    with pytest.raises(ConfigError, match=r"c\.toml: no text in UTF-8 \(invalid start byte\)"):
        Config.parse(b"\xff", "c.toml")


def test_a_mark_at_the_start_as_editors_of_windows_write_it_is_no_mistake() -> None:
    assert Config.parse(b"\xef\xbb\xbflive.batch = 7\r\n", "c.toml").live.batch == 7


@pytest.mark.parametrize(
    "text",
    [
        "store.retention_days = inf",
        "store.timeout_seconds = inf",
        "live.stop_seconds = inf",
        "delivery.dead_letters_mib = inf",
        _SINK + "timeout_seconds = inf",
        _SINK + "batch_seconds = inf",
        "[[sources]]\ntype = 'redis_stream'\nurl = 'redis://h'\nkey = 'k'\nclaim_seconds = inf",
        "[ship]\nstate = 's'\nstop_seconds = inf\ntarget = { type = 'kafka', brokers = 'h' }",
    ],
)
def test_a_wait_without_end_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^c\.toml:\d+: "):
        Config.parse(text.encode(), "c.toml")


def test_a_sink_may_be_tried_again_for_ever() -> None:
    assert Config.parse(f"{_SINK}retry_seconds = inf".encode(), "c.toml").sinks[0].retry_seconds == float("inf")


_words = st.sampled_from(
    [
        "store",
        "url",
        "live",
        "sinks",
        "type",
        "elastic",
        "sources",
        "tail",
        "path",
        "password",
        "file",
        "weights",
        "x.y",
    ]
)
_values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(_words, st.integers(), st.booleans()),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_words, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(_words, _values, max_size=3))
def test_whatever_stands_there_is_taken_or_refused_in_words(document: dict[str, Any]) -> None:
    text = "".join(f"{_inline(key)} = {_inline(value)}\n" for key, value in document.items())
    assert tomllib.loads(text) == document
    try:
        Config.parse(text.encode(), "c.toml")
    except ConfigError as error:
        assert error.message.startswith("c.toml:")


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_inline(key)} = {_inline(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value).lower()
