import unicodedata

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from enricher.model.session import Parent
from enricher.report import story
from enricher.report.words import WIDTH, moment, place

REASONS = {"unsigned": "Vendors sign."}
HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def lines(notice):
    return story(notice, REASONS).splitlines()


def after(found, start):
    """The lines of the section whose title begins so."""
    body = found[next(n for n, line in enumerate(found) if line.startswith(start)) + 1 :]
    return body[: body.index("")] if "" in body else body


def test_a_story_begins_with_id_severity_and_summary(make):
    assert lines(make.notice())[:4] == [
        "AN1496-0123456789abcdef  revision 1",
        "Severity high, score 88",
        "",
        "a.exe opened a TLS session.",
    ]


@pytest.mark.parametrize(
    "fact",
    [
        "  host          ws1",
        "  user          CORP\\bob",
        "  command line  a.exe -x",
        "  signer        not seen",
        "  server        203.0.113.7:443  example.org",
        "  clock         network events -3.250 s, confidence high, 9 matches",
    ],
)
def test_a_story_tells_who_and_where(fact, make):
    assert fact in lines(make.notice())


def test_every_evidence_has_its_weight_reason_and_record(make):
    assert after(lines(make.notice()), "Evidence") == [
        "   +15  process  unsigned: a.exe is not signed.",
        "                 why this weight: Vendors sign.",
        "                 [e.json:1]",
    ]


def test_an_evidence_whose_reason_is_not_known_is_told_without(make):
    notice = make.notice(evidence=(make.evidence(id="of_a_later_version", weight=0),))
    assert "why" not in story(notice, REASONS)
    assert "     0  process  of_a_later_version" in story(notice, REASONS)


def test_all_legs_are_told_with_their_state(make):
    states = [line.split()[:2] for line in after(lines(make.notice()), "Legs")]
    assert states == [["process", "present"], ["library", "absent"], ["session", "unavailable"]]


def test_the_time_line_is_in_network_time_and_marks_what_is_not(make):
    evidence = (
        make.evidence(id="a", ts=make.t0 + 7200 - 5, offset=-7200.0, text="Early.", source="e:1"),
        make.evidence(id="b", ts=make.t0 + 3, offset=None, text="Not sure.", source="e:2"),
        make.evidence(id="c", ts=None, text="No time.", source="e:3"),
    )
    told = after(lines(make.notice(evidence=evidence)), "Time line")
    assert told[0] == "  2022-04-15 05:19:55.000 UTC  Early."
    assert told[1].strip() == "[e:1]"
    assert told[2].startswith("  2022-04-15 05:20:00.000 UTC  TLS session C1 10.0.0.5:50000 > 203.0.113.7:443")
    assert told[4] == "~ 2022-04-15 05:20:03.000 UTC  Not sure."
    assert not any("No time." in line for line in told)


def test_one_record_that_proves_several_things_is_one_event(make):
    same = {"ts": make.t0 - 9, "offset": 0.0, "source": "e:1"}
    evidence = (make.evidence(**same), make.evidence(id="process_started", weight=0, text="Created.", **same))
    told = after(lines(make.notice(evidence=evidence)), "Time line")
    assert [line for line in told if "05:19:51" in line] == ["  2022-04-15 05:19:51.000 UTC  Created."]


def test_the_evidence_of_a_listed_session_is_not_told_twice(make):
    about = make.evidence(id="self_signed", ts=make.t0, offset=0.0, text="Session odd.", source="a.pcap:7")
    assert not any("Session odd." in line for line in after(lines(make.notice(evidence=(about,))), "Time line"))


def test_events_of_one_moment_have_one_order(make):
    twins = (make.session(source=None), make.session(source="b:1"))
    assert story(make.notice(sessions=twins), {}) == story(make.notice(sessions=twins[::-1]), {})


def test_sessions_beyond_the_listed_are_counted(make):
    told = after(lines(make.notice(count=3, last=make.t0 + 60)), "Time line")
    assert told[-1] == "  and 2 more sessions until 2022-04-15 05:21:00.000 UTC"


def test_a_story_without_process_names_candidates_and_gaps(make):
    told = lines(make.notice(process=None, host=None, clock=None, candidates=(r"C:\a.exe", r"C:\b.exe")))
    assert after(told, "Candidates") == [r"  - C:\a.exe", r"  - C:\b.exe"]
    assert after(told, "Not seen") == ["  - The ClientHello was not seen."]
    assert not any(line.startswith("  process       ") for line in told)
    assert told[-1] == "  MITRE ATT&CK analytic AN1496, technique T1573.002, T1573"


hostile = st.text(st.one_of(st.characters(), st.sampled_from("\x00\x1b\n\r\t\x9b\u202e\u2028\ud800 {}%")), max_size=300)


@hypothesis_settings(max_examples=60, deadline=None)
@given(first=hostile, second=hostile, ts=st.floats(allow_nan=True))
def test_no_notice_makes_a_story_too_wide_or_with_controls(first, second, ts, make):
    notice = make.notice(
        id=first,
        summary=second,
        host=first,
        client=(first, second),
        first=ts,
        last=ts,
        count=9,
        process=make.process(
            image=first, user=second, command_line=first, parent=Parent(image=second), hashes={first: second}
        ),
        server=make.server(address=first, name=second, subject=first, issuer=second),
        sessions=(make.session(uid=first, ts=ts, anomalies=(second,), source=first),),
        evidence=(make.evidence(id=first, text=second, ts=ts, offset=ts, source=first),),
        unseen=(first,),
        candidates=(second,),
    )
    for line in story(notice, {first: second}).split("\n"):
        assert len(line) <= WIDTH
        assert not [c for c in line if unicodedata.category(c) in HIDDEN]


@pytest.mark.parametrize(
    ("ts", "text"),
    [(0.0, "1970-01-01 00:00:00.000 UTC"), (-1.0, "1969-12-31 23:59:59.000 UTC"), (1e300, "1e+300 s since 1970")],
)
def test_a_moment_is_told_in_utc_if_a_calendar_holds_it(ts, text):
    assert moment(ts) == text


def test_an_ipv6_address_stands_in_brackets():
    assert place("2001:db8::1", 443) == "[2001:db8::1]:443"
