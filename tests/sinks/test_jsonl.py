import json

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from enricher.sinks import jsonl


class Text(msgspec.Struct):
    text: str


@given(st.text())
def test_any_text_comes_back_as_it_was(text: str) -> None:
    assert json.loads(jsonl.line(Text(text)))["text"] == text


@given(st.text())
def test_a_line_has_no_character_that_a_terminal_obeys(text: str) -> None:
    line = jsonl.line(Text(text)).decode()
    assert line.endswith("\n")
    body = line[:-1]
    assert not any(
        ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 or c in "\u061c\u200e\u200f\u202a\u202e\u2066\u2069" for c in body
    )
