"""What a round tells, to whom it leaves the rest, and what stands when it was cut off and comes to another end."""

import msgspec
import pytest

from enricher.errors import StoreError
from enricher.service.delivery.delivery import Report
from enricher.service.engine import Engine


class Death(BaseException):
    """Of the process."""


def die(*_words, **_named) -> None:
    raise Death


def telling_only_the_worst(engine: Engine) -> Engine:
    verdict = msgspec.structs.replace(engine.config.verdict, min_severity="high")
    return Engine(msgspec.structs.replace(engine.config, verdict=verdict))


@pytest.mark.parametrize("step", ["put", "commit"])
def test_what_got_out_before_death_is_taken_back_when_the_end_is_another(
    start, make, telling_engine, monkeypatch, step
) -> None:
    live = start(telling_engine, wait_seconds=10.0, repeat_seconds=0.0)
    live.take(make.observe())
    live.now += 11
    with monkeypatch.context() as dying, pytest.raises(Death):
        dying.setattr(live.outlet if step == "put" else live.join, step, die)
        live.worker.round()
    (unknown,) = live.rows().values()
    live.again()
    live.take(make.connect())
    live.worker.round()
    (row,) = live.rows().values()
    assert (unknown.revision, row.revision, row.disposition) == (1, 2, "late")
    standing = {notice.id: notice.count for notice in live.notices().values()}
    assert standing.pop(unknown.notice_id) == 0
    assert list(standing.values()) == [1]


def test_a_notice_that_gets_worse_is_told_at_once(start, make, telling_engine) -> None:
    live = start(telling_engine, repeat_seconds=300.0)
    odd = {"cert_chain_fps": ("ab",), "cert_visible": True, "cert_subject": "CN=a", "cert_issuer": "CN=a"}
    live.take(make.observe(validation_code=18, established=True, **odd), make.connect(), make.start())
    live.take(make.load(), make.load(name="ncryptsslp.dll"))
    first, second = live.outlet.notices
    assert (second.revision, second.score > first.score) == (2, True)


def test_more_notices_than_are_made_at_once_have_their_turn_in_the_next_rounds(start, make, telling_engine) -> None:
    live = start(telling_engine, wait_seconds=0.0)
    live.take(*(make.observe(port=2000 + n, server_name=f"{n}.example") for n in range(300)))
    assert len(live.notices()) == 256
    live.worker.round()
    assert len(live.notices()) == 300
    assert live.join.counts()["untold"] == 0


def test_a_notice_does_not_count_sessions_that_still_wait(start, make, telling_engine) -> None:
    live = start(telling_engine, wait_seconds=100.0)
    live.take(make.observe())
    live.now += 50
    live.take(make.observe(make.T + 50))
    live.now += 50
    live.worker.round()
    assert [notice.count for notice in live.outlet.notices] == [1]


def test_a_session_that_turns_out_to_be_anothers_view_before_it_was_told_has_no_row(start, make) -> None:
    live = start(wait_seconds=100.0)
    live.take(make.observe(uid="Cpoor"))
    live.take(make.observe(uid="Crich", sensor="an1496.log", source="an1496.log:1", version="TLSv12", cipher="x"))
    live.take(make.connect())
    assert [row.uid for row in live.ledger.rows] == ["Crich"]


def test_a_notice_whose_session_was_anothers_view_is_withdrawn(start, make, telling_engine) -> None:
    live = start(telling_engine, repeat_seconds=0.0)
    live.take(make.connect(), make.observe(uid="Cpoor"))
    rich = {"server_name": "a.example", "version": "TLSv12", "cipher": "x"}
    live.take(make.observe(uid="Crich", sensor="an1496.log", source="an1496.log:1", **rich))
    assert sorted(notice.count for notice in live.notices().values()) == [0, 1]


def test_what_is_no_longer_worth_telling_is_withdrawn_once(start, make, telling_engine) -> None:
    live = start(telling_engine, repeat_seconds=0.0)
    live.take(make.observe(), make.connect(), make.start())
    (told,) = live.outlet.notices
    live.worker.engine = telling_only_the_worst(telling_engine)
    live.take(make.load(name="crypt32.dll"))
    assert [(notice.id, notice.count) for notice in live.outlet.notices] == [(told.id, 1), (told.id, 0)]
    assert [row.notice_id for row in live.rows().values()] == [None]
    due_anew(live, told.id)
    assert len(live.outlet.notices) == 2


def test_a_notice_that_is_due_and_has_not_changed_is_not_told_again(start, make, telling_engine) -> None:
    live = start(telling_engine)
    live.take(make.observe(), make.connect(), make.start())
    (told,) = live.outlet.notices
    due_anew(live, told.id)
    assert live.outlet.notices == [told]


def due_anew(live, notice: str) -> None:
    changes = live.join.changes(live.now)
    changes.due(notice, live.now)
    live.join.commit(changes)
    live.worker.round()
    assert live.join.counts()["untold"] == 0


def test_a_session_that_is_looked_at_again_does_not_wait_anew(start, make) -> None:
    live = start(wait_seconds=30.0)
    live.take(make.observe())
    live.now += 20
    live.take(make.observe())
    live.now += 10
    live.worker.round()
    assert len(live.rows()) == 1


def test_what_does_not_change_has_no_new_revision(start, make) -> None:
    live = start()
    for _ in range(4):
        live.take(make.observe(), make.connect(image=None))
    live.take(make.start())
    assert [row.revision for row in live.ledger.rows] == [1, 2]


def test_nobody_waits_for_a_host_when_all_is_told(start, make) -> None:
    live = start(wait_seconds=30.0, settle_seconds=60.0)
    live.take(make.observe(make.T - 5, 50001), make.connect(make.T - 5, 50001))
    live.take(make.observe())
    awaiting = ("ZCARD", live.join._keys.awaiting(make.HOST))
    assert live.store._link.run([awaiting]) == [1]
    live.take(make.connect())
    assert live.store._link.run([awaiting]) == [0]


def test_what_another_worker_is_at_is_told_when_that_one_is_done(start, make, telling_engine) -> None:
    live = start(telling_engine, repeat_seconds=0.0)
    other = live.beside()
    live.take(make.observe(), make.connect())
    (told,) = live.outlet.notices
    bucket = live.join.take([("s", [make.observe()])], live.now, live.join.changes(live.now))
    assert other.join.hold(bucket) == bucket
    live.take(make.observe(make.T + 1, 50001), make.connect(make.T + 1, 50001))
    assert live.notices()[told.id].count == 2
    assert live.join.counts()["untold"] == 1, "its rows elsewhere may not be what the notice says"
    other.join.release()
    live.worker.round()
    assert live.join.counts()["untold"] == 0
    other.join.claim([told.id])
    live.take(make.observe(make.T + 2, 50002), make.connect(make.T + 2, 50002))
    assert live.notices()[told.id].count == 2
    other.join.release()
    live.worker.round()
    assert live.notices()[told.id].count == 3
    assert live.join.counts()["untold"] == 0
    other.store.close()


def test_a_list_does_not_keep_what_holds_nothing(start) -> None:
    live = start()
    for key in (live.join._keys.waiting, live.join._keys.unsettled):
        live.store._link.run([("ZADD", key, 1, b"10.0.0.1\0001.2")])
    live.worker.round()
    assert live.join.counts() == {"waiting": 0, "unsettled": 0, "untold": 0}


def test_at_the_end_also_settled_sessions_are_judged_by_what_was_for_later(start, make) -> None:
    live = start(wait_seconds=0.0, settle_seconds=0.0, repeat_seconds=300.0)
    moments = [(make.T + n, 50000 + n) for n in range(80)]
    live.take(*(r for at in moments for r in (make.observe(*at), make.connect(*at, image=None))))
    live.take(make.start())
    live.worker.drain()
    assert {row.revision for row in live.rows().values()} == {2}
    assert live.store._link.run([("ZCARD", live.join._keys.deferred)]) == [0]


@pytest.mark.parametrize(("slow", "rows"), [("look", 0), ("append", 1)])
def test_who_lost_its_lease_meanwhile_makes_nothing_durable(start, make, monkeypatch, slow, rows) -> None:
    live = start(lease_seconds=30.0)
    now = [0.0]
    live.join._leases._clock = lambda: now[0]
    owner = live.join if slow == "look" else live.ledger
    real = getattr(owner, slow)

    def slowly(*words):
        now[0] += 25.0
        return real(*words)

    with monkeypatch.context() as context, pytest.raises(StoreError, match="lease_seconds"):
        context.setattr(owner, slow, slowly)
        live.take(make.observe(), make.connect())
    assert len(live.ledger.rows) == rows
    assert live.join.counts()["unsettled"] == 0
    live.take(make.observe(), make.connect())
    assert [row.disposition for row in live.rows().values()] == ["matched"]


def test_while_a_sink_is_waited_for_leases_are_kept_and_we_are_alive(start, make, telling_engine) -> None:
    live = start(telling_engine, lease_seconds=30.0)
    now, signs = [0.0], []
    live.join._leases._clock = lambda: now[0]

    def flush(*, beat) -> Report:
        for _ in range(4):
            now[0] += 15.0
            beat()
        return Report({})

    live.outlet.flush = flush
    live.worker._alive = lambda: signs.append(now[0])
    live.take(make.observe(), make.connect())
    assert len(live.rows()) == 1
    assert signs == [15.0, 30.0, 45.0, 60.0, 60.0]


def test_who_tells_a_notice_hears_of_sessions_that_alone_would_not_be_worth_it(start, make, telling_engine) -> None:
    records = [make.observe(), make.connect()]
    loud, live = start(telling_engine), start(telling_only_the_worst(telling_engine))
    loud.take(*records)
    (told,) = loud.outlet.notices
    other = live.beside()
    assert other.join.claim([told.id]) == {told.id}
    other.join.notices.begin([told.id], live.now + 1)  # no two machines' clocks agree
    live.take(*records)
    assert live.outlet.notices == []
    changes = other.join.changes(live.now + 1)
    changes.done(told.id)
    other.join.commit(changes)
    assert live.join.counts()["untold"] == 1
    other.store.close()
