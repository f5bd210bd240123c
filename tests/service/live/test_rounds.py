"""When a session is told, when it waits, and what happens to what was told when more comes."""

import msgspec
import pytest
import redis

from enricher.errors import ConfigError, DeliveryError
from enricher.join.settings import LiveSettings, StoreSettings, validate_live
from enricher.model.observation import CertificateRecord, ConnectionRecord
from enricher.service.delivery.courier import Statistics
from enricher.service.delivery.delivery import Report

CHAIN = {"cert_chain_fps": ("ab",), "cert_visible": True}
SELF_SIGNED = {**CHAIN, "cert_subject": "CN=a", "cert_issuer": "CN=a", "validation_code": 18, "established": True}


def dispositions(live) -> list[str]:
    return [row.disposition for row in live.rows().values()]


def test_a_session_whose_record_is_there_is_told_at_once(start, make) -> None:
    live = start()
    live.take(make.connect(), make.start(), make.load())
    live.take(make.observe())
    (row,) = live.rows().values()
    assert (row.disposition, row.image, row.revision) == ("matched", r"C:\Apps\app1.exe", 1)


def test_a_session_without_a_record_waits_for_it(start, make) -> None:
    live = start(wait_seconds=30.0)
    live.take(make.observe())
    assert live.rows() == {}
    live.now += 29
    live.take(make.connect())
    assert dispositions(live) == ["matched"]


def test_a_session_that_waited_long_enough_is_told_as_it_is_and_a_later_match_is_late(start, make) -> None:
    live = start(wait_seconds=30.0)
    live.take(make.observe())
    live.now += 30
    live.worker.round()
    assert dispositions(live) == ["host_unseen"]
    live.now += 3000
    live.take(make.connect())
    (row,) = live.rows().values()
    assert (row.disposition, row.revision) == ("late", 2)
    live.worker.round()
    live.worker.drain()
    assert dispositions(live) == ["late"]


def test_a_session_that_its_hosts_stream_has_passed_is_told_before_the_deadline(start, make) -> None:
    live = start(wait_seconds=1000.0, disorder_seconds=5.0)
    for n in range(3):
        live.take(make.observe(make.T + n, 50001 + n), make.connect(make.T + n + 3600, 50001 + n))
    live.take(make.observe(make.T + 5, 50010))
    live.take(make.connect(make.T + 3600 + 9, 50020))
    assert len(live.rows()) == 3
    live.take(make.connect(make.T + 3600 + 11, 50021))
    assert dispositions(live) == ["matched", "matched", "matched", "no_network_event"]


def test_a_host_that_two_sources_report_has_passed_when_the_slower_one_has(start, make) -> None:
    live = start(wait_seconds=1000.0, disorder_seconds=0.0)
    live.take(make.observe(make.T, 50001), make.connect(make.T, 50001), source="a")
    live.take(make.connect(make.T + 1, 50002), source="b")
    live.take(make.observe(make.T + 5, 50010))
    live.take(make.connect(make.T + 9, 50003), source="a")
    assert len(live.rows()) == 1
    live.take(make.connect(make.T + 9, 50004), source="b")
    assert dispositions(live) == ["matched", "no_network_event"]


def test_what_waits_survives_the_process(start, make) -> None:
    live = start(wait_seconds=30.0)
    live.take(make.observe())
    live.again()
    live.now += 31
    live.worker.round()
    assert dispositions(live) == ["host_unseen"]


def test_a_library_that_loads_later_raises_the_revision(start, make, telling_engine) -> None:
    live = start(telling_engine)
    live.take(make.observe(**SELF_SIGNED), make.connect(), make.start())
    (first,) = live.notices().values()
    assert first.legs.library != "present"
    live.now += 1000
    live.take(make.load(make.T + 0.1))
    (second,) = live.notices().values()
    assert second.legs.library == "present"
    assert second.revision == 2


def test_a_notice_that_only_gains_sessions_is_told_again_in_its_turn(start, make, telling_engine) -> None:
    live = start(telling_engine, repeat_seconds=100.0)
    live.take(make.start(), make.load())
    for n in range(10):
        live.now += 10
        live.take(make.connect(make.T + n, 50000 + n), make.observe(make.T + n, 50000 + n))
    assert [n.count for n in live.outlet.notices] == [1]
    live.now += 60
    live.worker.round()
    assert [n.count for n in live.outlet.notices] == [1, 10]
    live.now += 1000
    live.worker.round()
    assert len(live.outlet.notices) == 2


def test_a_notice_whose_session_turns_out_to_be_anothers_is_withdrawn(start, make, telling_engine) -> None:
    live = start(telling_engine, wait_seconds=10.0, repeat_seconds=0.0)
    live.take(make.observe())
    live.now += 11
    live.worker.round()
    (unknown,) = live.notices().values()
    live.take(make.connect())
    live.now += 1
    live.worker.round()
    told = live.notices()
    assert len(told) == 2
    withdrawn = told.pop(unknown.id)
    assert (withdrawn.count, withdrawn.severity, withdrawn.revision) == (0, "informational", 2)
    assert next(iter(told.values())).process is not None


def test_facts_from_other_logs_reach_sessions_that_were_told(start, make) -> None:
    live = start()
    live.take(make.connect(), make.observe(uid="C1", sensor="ssl.log", **CHAIN))
    assert [row.anomalies for row in live.rows().values()] == [()]
    past = {"cert_not_valid_before": make.T - 2e6, "cert_not_valid_after": make.T - 1e6}
    live.take(CertificateRecord(fingerprint="ab", cert_subject="CN=a", cert_issuer="CN=b", **past))
    assert ["expired" in row.anomalies for row in live.rows().values()] == [True]
    live.take(make.connect(port=50001), make.observe(port=50001, uid="C2", sensor="ssl.log"))
    live.take(ConnectionRecord(uid="C2", ts=make.T, proto="udp"))
    live.worker.drain()
    assert sorted(dispositions(live)) == ["matched", "no_network_event"]  # over UDP, it is not the TCP connection


def test_a_session_is_settled_by_what_was_learned_since(start, make) -> None:
    live = start(wait_seconds=10.0, settle_seconds=1000.0)
    live.take(make.observe())
    live.now += 11
    live.worker.round()
    live.take(make.connect(make.T + 10, 50099))  # the address has an owner after all
    assert dispositions(live) == ["host_unseen"]
    live.now += 1000
    live.worker.round()
    assert dispositions(live) == ["no_network_event"]
    live.worker.round()
    assert live.join.counts() == {"waiting": 0, "unsettled": 0, "untold": 0}


def test_two_views_of_one_connection_end_in_one_row(start, make) -> None:
    live = start()
    live.take(make.connect(), make.observe(uid="Cpoor"))
    live.take(make.observe(uid="Crich", sensor="an1496.log", source="an1496.log:1", version="TLSv12", cipher="x"))
    rows = {row.uid: row for row in live.rows().values()}
    assert (rows["Cpoor"].disposition, rows["Crich"].disposition) == ("duplicate", "matched")
    assert (rows["Cpoor"].revision, rows["Crich"].revision) == (2, 1)


def test_what_others_write_among_what_was_told_is_passed_over(start, make, server) -> None:
    live = start()
    live.take(make.connect(), make.observe())
    with redis.Redis(unix_socket_path=str(server.socket)) as admin:
        (key,) = admin.scan_iter(f"{live.namespace}:t:*")
        (told,) = admin.hvals(key)
        admin.hset(key, mapping={"rubbish": told, "C\0a\0b\0c\0d": told})
    live.take(make.load())
    assert dispositions(live) == ["matched"]


def test_a_round_whose_notices_are_lost_is_done_again(start, make, telling_engine) -> None:
    live = start(telling_engine)
    lost = iter([0, 1, 1, 1])
    live.outlet.report = live.outlet.flush = lambda **_: Report({"s": Statistics(lost=next(lost))})
    records = [("s", [make.observe(), make.connect()])]
    with pytest.raises(DeliveryError):
        live.worker.round(records, {"s": b"1"})
    assert live.join.positions() == {}
    live.worker.round(records, {"s": b"1"})
    assert live.join.positions() == {"s": b"1"}
    assert [n.revision for n in live.outlet.notices] == [1, 1]


@pytest.mark.parametrize(
    ("live", "what"),
    [
        ({"wait_seconds": 90000.0, "settle_seconds": 90000.0}, "longer than records are kept"),
        ({"wait_seconds": 86400.0, "settle_seconds": 86400.0}, "as long as records are kept"),
        ({"wait_seconds": 20.0, "settle_seconds": 10.0}, "longer than live.settle_seconds"),
        ({"repeat_seconds": -1.0}, "less than zero"),
    ],
)
def test_times_that_cannot_work_are_refused(live, what) -> None:
    with pytest.raises(ConfigError, match=what):
        validate_live(StoreSettings(retention_days=1.0), msgspec.structs.replace(LiveSettings(), **live))


def test_at_the_end_all_is_judged_by_all_that_was_learned(start, make, telling_engine, replay, equal) -> None:
    records = [r for n in range(8) for r in (make.observe(make.T + n, 50000 + n), make.connect(make.T + n, 50000 + n))]
    alias = [make.observe(make.T + 9, 50009), make.connect(make.T + 9, 50009, host="pc1")]
    live = start(telling_engine, refresh_seconds=1e5)
    live.take(*records)
    live.take(*alias)  # at the same moment: too early to read all names anew
    assert {row.host for row in live.rows().values()} == {"pc1.corp.example", "pc1"}
    live.worker.drain()
    equal(live, replay(telling_engine, records + alias))


def test_a_notice_that_is_due_anew_while_it_is_told_stays_due(start, make, telling_engine) -> None:
    live = start(telling_engine)
    changes = live.join.changes(5.0)
    live.join.notices.begin(["N"], 5.0)
    meanwhile = live.join.changes(6.0)
    meanwhile.due("N", 6.0)
    live.join.announce(meanwhile)
    changes.done("N")
    live.join.commit(changes)
    assert live.join.notices.due(10.0, 9) == ["N"]
    once_more = live.join.changes(7.0)
    live.join.notices.begin(["N"], 7.0)
    once_more.done("N")
    live.join.commit(once_more)
    assert live.join.notices.due(10.0, 9) == []


def test_a_notice_that_is_due_is_not_put_off(start) -> None:
    live = start()
    for at in (5.0, 300.0):
        changes = live.join.changes(5.0)
        changes.due("N", at)
        live.join.commit(changes)
    assert live.join.notices.due(5.0, 9) == ["N"]


def test_what_no_notice_is_called_does_not_stay_on_the_list(start) -> None:
    live = start()
    list(live.store.read([("ZADD", live.join._keys.untold, 1, b"\xff\x00", 2, "AN1496-1")]))
    assert live.join.notices.due(10.0, 9) == ["AN1496-1"]
    assert next(iter(live.store.read([("ZCARD", live.join._keys.untold)]))) == 1


def test_of_a_process_with_many_connections_the_earlier_ones_are_judged_later(start, make) -> None:
    live = start(repeat_seconds=300.0)
    for n in range(80):
        live.take(make.observe(make.T + n, 50000 + n), make.connect(make.T + n, 50000 + n, image=None))
        live.now += 0.001
    live.take(make.start())
    known = [row.image for row in live.rows().values()]
    revised = [row for row in live.rows().values() if row.revision == 2]
    assert len(known) == 80
    assert sorted(row.orig_p for row in revised) == list(range(50016, 50080))
    live.now += 300
    live.worker.round()
    assert all(row.revision == 2 for row in live.rows().values())
    live.now += 300
    live.worker.round()
    assert all(row.revision == 2 for row in live.rows().values())


def test_at_the_end_what_was_for_later_is_judged(start, make) -> None:
    live = start(repeat_seconds=300.0)
    records = [
        r
        for n in range(80)
        for r in (make.observe(make.T + n, 50000 + n), make.connect(make.T + n, 50000 + n, image=None))
    ]
    live.take(*records)
    live.take(make.start())
    live.worker.drain()
    assert {row.revision for row in live.rows().values()} == {2}


def test_where_there_is_too_much_at_once_the_abnormal_is_told_first(start, make) -> None:
    live = start(wait_seconds=0.0)
    plain = [make.observe(make.T, 1025 + n, uid=f"P{n}") for n in range(1500)]
    odd = [make.observe(make.T, 60000 + n, uid=f"A{n}", **SELF_SIGNED) for n in range(20)]
    live.take(*plain, *odd)
    told = [row.uid for row in live.ledger.rows]
    assert len(told) == 1520
    assert {uid for uid in told[:1024] if uid.startswith("A")} == {o.uid for o in odd}


def test_of_a_hosts_clock_the_latest_lessons_are_kept(start, make, monkeypatch) -> None:
    monkeypatch.setattr("enricher.join.knowledge._LESSONS", 4)
    live = start(refresh_seconds=0.0)
    for n in range(30):
        live.take(make.observe(make.T + n, 50000 + n), make.connect(make.T + n + 7200, 50000 + n))
        live.now += 1
    fields = live.store._link.run([("HKEYS", live.join._keys.lessons(make.connect().host))])[0]
    assert 4 <= len(fields) <= 9
    assert b"50029" in b" ".join(fields)
    assert {row.clock_offset for row in live.rows().values() if row.orig_p > 50010} == {-7200.0}


def test_all_but_the_lists_of_what_is_to_be_done_expires_and_who_is_told_of_what_goes_by_age(
    start, make, telling_engine, server
) -> None:
    live = start(telling_engine)
    with redis.Redis(unix_socket_path=str(server.socket)) as admin:
        for day in (0, 8):
            live.take(make.observe(make.T + day, 50000 + day), make.connect(make.T + day, 50000 + day), make.start())
            if not day:
                admin.delete(*admin.scan_iter(f"{live.namespace}:o:*"))  # its time is over
            live.now += 8 * 86400
        kept = {key for key in admin.scan_iter(f"{live.namespace}:*") if admin.ttl(key) == -1}
        assert kept <= {f"{live.namespace}:{kind}".encode() for kind in "wedfs"}
        for kind in ("q:", "y:{p"):
            (key,) = admin.scan_iter(f"{live.namespace}:{kind}*")
            assert admin.zcard(key) == 1
