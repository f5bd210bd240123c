"""Values as Windows writes them, to values as the model has them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.formats._values import Values, boolean, image, number, pid, port, text


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("0:0:0:0:0:0:0:1", "::1"),
        ("fe80:0:0:0:1527:12fb:f098:f42d", "fe80::1527:12fb:f098:f42d"),
        ("fe80::1%12", "fe80::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("192.0.2.1", "192.0.2.1"),
        ("0.0.0.0", None),
        ("::", None),
        ("-", None),
        ("host", None),
        (None, None),
        (3, None),
    ],
)
def test_an_address_becomes_canonical(written, meant):
    assert Values().address(written) == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1970-01-01 00:00:01.500", 1.5),
        ("2026-03-01 10:00:00.250", 1772359200.25),
        ("2026-03-01T10:00:00.2500000Z", 1772359200.25),
        ("2026-03-01T12:00:00+02:00", 1772359200.0),
        ("2026-03-01T05:30:00.000-0430", 1772359200.0),
        (1772359200, 1772359200.0),
        (1772359200250, 1772359200.25),
        ("2026-13-01 10:00:00", None),
        ("yesterday", None),
        ("", None),
        (True, None),
        (None, None),
    ],
)
def test_a_time_becomes_seconds_since_1970(written, meant):
    assert Values().time(written) == meant


@given(st.floats(0, 4e9).map(lambda t: round(t, 3)))
def test_a_time_is_the_same_whether_its_minute_was_met_before_or_not(seconds):
    values = Values()
    written = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    assert values.time(written) == values.time(written) == pytest.approx(seconds, abs=0.0015)


def test_a_guid_loses_braces_and_case_and_zero_is_none():
    values = Values()
    assert values.guid("{EC2B781C-0568-64F8-9606-000000000500}") == "ec2b781c-0568-64f8-9606-000000000500"
    assert values.guid("{00000000-0000-0000-0000-000000000000}") is None
    assert values.guid("not a guid") is None


def test_numbers_are_read_from_text_and_hexadecimal_and_bounded():
    assert (pid("0x1b24"), pid("6948"), pid(6948), pid("-1"), pid("x"), pid(True), pid(1 << 40)) == (
        (6948,) * 3 + (None,) * 4
    )
    assert (port("65535"), port(65536), port("9" * 5000), number(1.5, 9)) == (65535, None, None, None)
    assert (pid("0X1B24"), pid("0"), pid(0), pid("6948".zfill(24)), pid("6948".zfill(25))) == (6948, 0, 0, 6948, None)


def test_placeholders_are_nothing():
    assert [text(v) for v in ("-", "", "?", None, {}, [], True)] == [None] * 7
    assert [image(v) for v in ("<unknown process>", "&lt;unknown process&gt;")] == [None, None]
    assert image(r"\Device\HarddiskVolume2\a.exe") == r"\Device\HarddiskVolume2\a.exe"
    assert [boolean(v) for v in ("true", "False", True, "-", None, 1)] == [True, False, True, None, None, None]


def test_a_lone_surrogate_becomes_a_replacement():
    assert text("a\ud800b") == "a?b"


def test_hashes_are_lower_case_and_an_all_zero_digest_is_left_out():
    found = Values().hashes("SHA1=FA9E8B7FB10473A01B8925C4C5B0888924A1147C,IMPHASH=00000000000000000000000000000000")
    assert found == {"sha1": "fa9e8b7fb10473a01b8925c4c5b0888924a1147c"}
    assert Values().hashes("-") is None
