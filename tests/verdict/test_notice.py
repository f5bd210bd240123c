import random
import unicodedata

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from enricher import verdict
from enricher.model.session import Candidate, Parent


def told(sessions, settings):
    return verdict.notices([(session, verdict.judge(session, settings)) for session in sessions], settings)


def series(make, count=4, **changes):
    return [
        make.session(make.payload(), make.c2(uid=f"C{n}", ts=make.t0 + 60.0 * n, orig_p=50000 + n, **changes))
        for n in range(count)
    ]


def test_sessions_of_one_process_to_one_server_are_one_notice(make, settings):
    (notice,) = told(series(make), settings)
    assert (notice.count, notice.first, notice.last) == (4, make.t0, make.t0 + 180.0)
    assert [session.uid for session in notice.sessions] == ["C0", "C1", "C2", "C3"]
    assert (notice.revision, notice.severity, notice.client) == (1, "high", ("10.0.0.5",))


@pytest.mark.parametrize(
    "other",
    [{"resp_p": 6667}, {"resp_h": "203.0.113.8"}, {"server_name": "c2.example"}],
    ids=["port", "address", "name"],
)
def test_another_server_is_another_notice(other, make, settings):
    sessions = [*series(make, 1), make.session(make.payload(), make.c2(uid="D", **other))]
    assert len(told(sessions, settings)) == 2


def test_another_process_is_another_notice(make, settings):
    sessions = [*series(make, 1), make.session(make.payload(guid="other"), make.c2(uid="D"))]
    assert len(told(sessions, settings)) == 2


def test_without_a_guid_pid_and_start_tell_processes_apart(make):
    first, same, reused = (
        make.session(make.payload(guid=None, start=start), make.c2(uid=uid))
        for start, uid in ((1.0, "A"), (1.0, "B"), (2.0, "C"))
    )
    assert verdict.notice_id(first) == verdict.notice_id(same) != verdict.notice_id(reused)


def test_the_id_comes_from_what_is_told_and_not_when(make):
    first, later = make.session(make.payload(), make.c2()), make.session(make.payload(), make.c2(uid="Z", ts=9.0))
    assert verdict.notice_id(first) == verdict.notice_id(later)
    assert verdict.notice_id(first).startswith("AN1496-")
    assert len(verdict.notice_id(first)) == len("AN1496-") + 16


def test_a_session_that_the_sensor_saw_the_wrong_way_round_has_the_same_id(make):
    right = make.session(make.payload(), make.c2())
    turned = make.c2(orig_h="203.0.113.7", orig_p=6666, resp_h="10.0.0.5", resp_p=50000)
    assert verdict.notice_id(make.session(make.payload(), turned, flipped=True)) == verdict.notice_id(right)


def test_the_worst_session_speaks_for_all_and_a_hidden_certificate_does_not_contradict_it(make, settings):
    hidden = make.session(
        make.payload(),
        make.c2(uid="R", ts=make.t0 + 5, anomalies=("unusual_port",), cert_visible=False, resumed=True),
    )
    (notice,) = told([hidden, *series(make, 1)], settings)
    assert (notice.severity, notice.count, notice.legs.session) == ("high", 2, "present")
    assert not any("severity at most" in gap or "resumed" in gap for gap in notice.unseen)


def test_the_certificate_is_told_even_when_the_worst_session_hid_it(make, settings):
    seen = make.session(make.payload(), make.c2(cert_subject="CN=a", cert_chain_fps=("ff",)))
    worse = make.session(make.payload(), make.c2(uid="W", anomalies=("known_bad_fingerprint", "self_signed")))
    (notice,) = told([worse, seen], settings)
    assert (notice.server.subject, notice.server.cert_sha256) == ("CN=a", "ff")


def test_evidence_is_merged_by_id_with_its_earliest_source(make, settings):
    sessions = series(make, 3)
    (notice,) = told(reversed(sessions), settings)
    ids = [evidence.id for evidence in notice.evidence]
    assert len(ids) == len(set(ids))
    (issued,) = [evidence for evidence in notice.evidence if evidence.id == "self_issued"]
    assert issued.ts == make.t0


def test_only_so_many_sessions_are_listed_but_all_are_counted(make, with_options):
    (notice,) = told(series(make, 5), with_options(max_sessions=2))
    assert (notice.count, [session.uid for session in notice.sessions]) == (5, ["C0", "C1"])
    assert notice.last == make.t0 + 240.0


def test_nothing_below_the_least_severity_is_told(make, with_options):
    mild = make.session(make.process(), make.observation(anomalies=("self_signed",)))
    assert told([mild], with_options()) == []
    assert len(told([mild], with_options(min_severity="informational"))) == 1
    assert told([make.session(make.payload(libraries=()), make.c2())], with_options(min_severity="high")) == []


def test_ambiguous_sessions_name_their_candidates(make, with_options):
    pair = tuple(
        Candidate(host="ws1", guid=g, pid=1, image=rf"C:\{g}.exe", method="tuple", delta=None) for g in ("a", "b")
    )
    session = make.session(None, make.c2(), disposition="ambiguous", candidates=pair)
    (notice,) = told([session], with_options(min_severity="informational"))
    assert notice.candidates == (r"C:\a.exe", r"C:\b.exe")
    assert notice.summary.startswith("One of a.exe and b.exe on ws1.corp.example opened a TLS session")


def test_the_one_process_that_opened_a_session_is_no_candidate(make, settings):
    payload = make.payload()
    alone = (Candidate(host="ws1", guid=payload.guid, pid=1, image=payload.image, method="tuple", delta=0.0),)
    assert told([make.session(payload, make.c2(), candidates=alone)], settings)[0].candidates == ()


def test_the_summary_says_who_did_what_where_and_why(make, settings):
    (notice,) = told(series(make, 2), settings)
    assert notice.summary == (
        "update7.exe (pid 4242, bob) on ws1.corp.example opened 2 TLS sessions to 203.0.113.7:6666 with a self-issued "
        "certificate and an unusual port, within 0.1 s of loading schannel.dll and ncryptsslp.dll"
    )


def test_the_summary_says_that_a_stack_came_late_and_after_tampering(make, settings):
    process = make.svchost(
        start=make.t0 - 90_000,
        libraries=(make.library("schannel.dll"), make.library("ncryptsslp.dll")),
        tampers=(make.tamper(),),
    )
    (notice,) = told([make.session(process, make.c2())], settings)
    assert notice.summary.endswith(", long after its start, after another process had tampered with it")


def test_command_lines_lose_their_secrets_unless_the_user_wants_them(make, with_options):
    parent = Parent(image=r"C:\a.exe", command_line="a --token abc")
    session = make.session(make.payload(command_line="x --password hunter2 -v", parent=parent), make.c2())
    (redacted,), (whole,) = told([session], with_options()), told([session], with_options(redact_command_line=False))
    assert redacted.process.command_line == "x --password [redacted] -v"
    assert redacted.process.parent.command_line == "a --token [redacted]"
    assert whole.process.command_line == "x --password hunter2 -v"


def test_a_ledger_row_carries_the_verdict_and_the_notice(make, settings):
    session = make.session(make.payload(), make.c2())
    judged = verdict.judge(session, settings)
    row = verdict.ledger_row(session, judged, "AN1496-x")
    assert (row.severity, row.score, row.legs, row.notice_id) == ("high", judged.score, judged.legs, "AN1496-x")
    assert (row.host, row.pid, row.clock_offset, row.reports_network) == ("ws1.corp.example", 4242, 0.0, True)
    empty = verdict.ledger_row(make.session(None, host=None, clock=None, disposition="host_unseen"), judged, None)
    assert (empty.process_guid, empty.pid, empty.clock_offset, empty.notice_id) == (None, None, None, None)


def test_a_notice_survives_json(make, settings):
    notices = told(series(make), settings)
    assert msgspec.json.decode(msgspec.json.encode(notices), type=list[type(notices[0])]) == notices


@hypothesis_settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_order_of_sessions_gives_the_same_bytes(data, make, settings):
    anomalies = st.sampled_from([("self_issued",), ("no_sni", "self_signed"), ("unusual_port",), ()])
    sessions = [
        make.session(
            data.draw(st.sampled_from([None, make.payload(), make.payload(guid="b"), make.chrome()])),
            make.c2(
                uid=data.draw(st.sampled_from("ABC")),
                ts=make.t0 + data.draw(st.integers(0, 2)),
                anomalies=data.draw(anomalies),
                source=data.draw(st.sampled_from(["x:1", "y:2"])),
            ),
        )
        for _ in range(data.draw(st.integers(1, 8)))
    ]
    shuffled = sessions.copy()
    random.Random(data.draw(st.integers())).shuffle(shuffled)
    lowered = msgspec.structs.replace(settings, options=verdict.VerdictOptions(min_severity="informational"))
    assert msgspec.json.encode(told(sessions, lowered)) == msgspec.json.encode(told(shuffled, lowered))


hostile = st.text(st.one_of(st.characters(), st.sampled_from("\x00\x1b\x7f\x9b\u202e\u2028\ud800{}")), max_size=30)


@hypothesis_settings(max_examples=60, deadline=None)
@given(first=hostile, second=hostile, third=hostile)
def test_no_hostile_text_reaches_a_notice_or_a_ledger_row_as_control(first, second, third, make, with_options):
    settings = with_options(min_severity="informational")
    process = make.process(
        rf"C:\Temp\{first}\{second}",
        user=first,
        command_line=third,
        signer=second,
        signature_status=third,
        original_file_name=first,
        hashes={first: second},
        parent=Parent(image=rf"C:\{third}\winword.exe", command_line=first),
        libraries=(make.library(rf"C:\{second}\libssl{third}.dll", tier="foreign", source=first),),
        tampers=(make.tamper(actor_image=first, detail=second, source=third),),
    )
    seen = make.observation(
        server_name=first,
        uid=second,
        source=third,
        anomalies=("self_signed", second),
        anomaly_facts=(first, third),
        cert_subject=second,
        cert_issuer=third,
    )
    session = make.session(process, seen, host=third, note=first)
    judged = verdict.judge(session, settings)
    (notice,) = verdict.notices([(session, judged)], settings)
    for record in (judged, notice, verdict.ledger_row(session, judged, None)):
        assert not [text for text in texts(record) if any(unicodedata.category(c) in HIDDEN for c in text)]


HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def texts(record):
    """Every text at any depth."""
    waiting, found = [msgspec.to_builtins(record)], []
    while waiting:
        match waiting.pop():
            case str() as text:
                found.append(text)
            case dict() as table:
                waiting += [*table.keys(), *table.values()]
            case list() | tuple() as items:
                waiting += items
    return found
