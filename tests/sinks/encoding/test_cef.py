"""CEF read back by the rules of its own document."""

import re
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.model.text import clean
from enricher.sinks.encoding import ENCODINGS, Origin

ORIGIN = Origin("sensor-1", "1.2|3\\")


def parse(record: bytes) -> tuple[list[str], dict[str, str]]:
    """Header fields, and the extension by key; fails on anything that is not CEF."""
    text = record.decode()
    parts = _split(text)
    assert len(parts) == 8 and parts[0] == "CEF:0"
    keys = list(re.finditer(r"(?:(?<= )|^)([A-Za-z0-9]+)=", parts[7]))
    found = {}
    for at, key in enumerate(keys):
        end = keys[at + 1].start() - 1 if at + 1 < len(keys) else len(parts[7])
        assert key[1] not in found, "a key that stands twice was forged"
        found[key[1]] = _unescape(parts[7][key.end() : end], "\\=")
    return [_unescape(part, "\\|") for part in parts[:7]], found


def _split(text: str) -> list[str]:
    """At the first seven bars that no backslash escapes."""
    parts, now, at = [], "", 0
    while at < len(text):
        if len(parts) == 7:
            return [*parts, text[at:]]
        if text[at] == "\\":
            now, at = now + text[at : at + 2], at + 2
        elif text[at] == "|":
            parts, now, at = [*parts, now], "", at + 1
        else:
            now, at = now + text[at], at + 1
    return [*parts, now]


def _unescape(value: str, allowed: str) -> str:
    def one(match: re.Match[str]) -> str:
        assert match[1] in allowed, "an escape that CEF does not know"
        return match[1]

    return re.sub(r"\\(.)", one, value)


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_a_record_reads_back_as_the_notice(notices: Any, data: Any) -> None:
    notice = clean(data.draw(notices))
    header, found = parse(ENCODINGS["cef"].encode(notice, ORIGIN))
    assert header[1:5] == ["AN1496", "an1496", ORIGIN.version, "AN1496"]
    assert found["externalId"] == notice.id
    assert (found["cn1"], found["cn2"], found["cnt"]) == (str(notice.revision), str(notice.score), str(notice.count))
    process = notice.process
    texts = {
        "shost": notice.host, "dhost": notice.server.name, "msg": notice.summary, "cs5": " ".join(notice.unseen),
        "cs6": process and process.command_line, "filePath": process and process.image,
        "cs2": f"process:{notice.legs.process},library:{notice.legs.library},session:{notice.legs.session}",
        "flexString2": ",".join(session.uid for session in notice.sessions),
    }  # fmt: skip
    for key, value in texts.items():
        whole = found.get(key) == (value or None)
        shortened = bool(value) and len(value) > 1023 and found[key] == value[:1022] + "…"
        assert whole or shortened or "cut" in found, key


def test_severities_are_those_that_a_reader_of_cef_names_alike(whole: Any) -> None:
    def severity(ours: str) -> int:
        notice = msgspec.structs.replace(whole, severity=ours)
        return int(parse(ENCODINGS["cef"].encode(notice, ORIGIN))[0][6])

    assert severity("informational") <= severity("low") <= 3 < severity("medium") <= 6 < severity("high") <= 8


def test_ipv6_stands_in_the_fields_that_are_for_it(whole: Any, bare: Any) -> None:
    four, six = (parse(ENCODINGS["cef"].encode(notice, ORIGIN))[1] for notice in (whole, bare))
    assert (four["src"], four["dst"], four["spt"]) == ("10.0.0.5", "203.0.113.7", "50000")
    assert (six["c6a2"], six["c6a3"], "src" in six, "dst" in six) == ("2001:db8::5", "2001:db8::7", False, False)


def test_a_huge_command_line_is_cut_and_said_to_be(whole: Any) -> None:
    process = msgspec.structs.replace(whole.process, command_line="powershell -e " + "A" * 100_000)
    record = ENCODINGS["cef"].encode(msgspec.structs.replace(whole, process=process), ORIGIN)
    _, found = parse(record)
    assert len(record) <= 8000 and found["cs6"].endswith("A…") and "cs6" in found["cut"].split(",")
