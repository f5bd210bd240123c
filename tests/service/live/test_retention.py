"""What a service forgets, and what it does not conclude from having forgotten."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import redis

from enricher.join.store import Store
from enricher.model.observation import CertificateRecord


@pytest.fixture
def forget(server) -> Callable[[Any, str], None]:
    """Take away all keys of one kind, as their expiry does."""

    def gone(live, kind: str) -> None:
        with redis.Redis(unix_socket_path=str(server.socket)) as admin:
            keys = list(admin.scan_iter(f"{live.namespace}:{kind}:*"))
            assert keys
            admin.delete(*keys)

    return gone


def test_a_session_that_is_kept_no_longer_is_no_duplicate_of_another(start, make, forget) -> None:
    live = start()
    live.take(make.connect(), make.observe(uid="Cold"))
    forget(live, "o")
    live.take(make.observe(make.T + 9e5, uid="Cnew"), make.connect(make.T + 9e5))
    assert {row.uid: row.disposition for row in live.rows().values()} == {"Cold": "matched", "Cnew": "matched"}
    assert [row.revision for row in live.ledger.rows] == [1, 1]


def test_what_comes_about_sessions_that_are_kept_no_longer_takes_nothing_back(
    start, make, telling_engine, forget
) -> None:
    live = start(telling_engine, repeat_seconds=0.0)
    live.take(make.connect(), make.start(), make.observe())
    (told,) = live.outlet.notices
    forget(live, "o")
    live.now += 9e5
    live.take(make.load())
    live.worker.round()
    live.worker.drain()
    assert live.outlet.notices == [told]
    assert [(row.revision, row.disposition) for row in live.ledger.rows] == [(1, "matched")]
    assert live.join.counts() == {"waiting": 0, "unsettled": 0, "untold": 0}


def test_what_a_session_was_told_by_is_kept_as_long_as_the_session(start, make, server) -> None:
    live = start()
    live.take(make.start(), make.load(), make.connect())
    with redis.Redis(unix_socket_path=str(server.socket)) as admin:
        facts = [*admin.scan_iter(f"{live.namespace}:p:*"), *admin.scan_iter(f"{live.namespace}:c:*")]
        for key in facts:
            admin.expire(key, 5)
        live.take(make.observe())
        assert [admin.ttl(key) > 6 * 86400 for key in facts] == [True, True]


def test_a_notice_of_whose_sessions_nothing_is_kept_stays_as_it_was_told(start, make, telling_engine, forget) -> None:
    live = start(telling_engine, repeat_seconds=300.0)
    live.take(make.connect(), make.start(), make.observe())
    live.take(make.connect(make.T + 1, 50001), make.observe(make.T + 1, 50001))
    assert live.join.counts()["untold"] == 1
    forget(live, "o")
    live.now += 300
    live.worker.round()
    assert [notice.count for notice in live.outlet.notices] == [1]
    assert live.join.counts()["untold"] == 0


def test_of_a_host_that_never_rests_what_was_learned_goes_when_its_records_do(start, make) -> None:
    live = start(refresh_seconds=0.0)
    sizes = []
    for n in range(12):
        moment = make.T + n, 50000 + n
        live.take(make.observe(*moment), make.connect(*moment), source=f"s{n}")
        live.now += 2 * 86400
        keys = live.join._keys
        sizes.append(live.store._link.run([("HLEN", keys.lessons(make.HOST)), ("HLEN", keys.marks(make.HOST))]))
    assert sizes[:3] == [[1, 1], [2, 2], [3, 3]]
    assert sizes[5:] == [[5, 4]] * 7  # a session is judged twice


def test_a_session_that_is_kept_no_longer_leaves_nothing_behind(start, make, forget) -> None:
    live = start(wait_seconds=30.0)
    live.take(make.observe(make.T - 5, 50001), make.connect(make.T - 5, 50001))
    live.take(make.observe())
    bucket = next(bucket for bucket in live.join.open() if bucket[1].startswith("50000."))
    left = [("ZCARD", live.join._keys.awaiting(make.HOST)), ("HLEN", live.join._keys.standings(bucket))]
    assert live.store._link.run(left) == [1, 1]
    forget(live, "o")
    live.now += 30
    live.worker.round()
    assert live.store._link.run(left) == [0, 0]
    assert live.join.counts()["waiting"] == 0


def test_what_always_comes_takes_no_more_room_after_as_long_as_records_are_kept(start, make, server) -> None:
    live = start(wait_seconds=0.0)
    chain = {"cert_chain_fps": ("ab",), "cert_visible": True}
    sizes = []
    with redis.Redis(unix_socket_path=str(server.socket)) as admin:
        for day in range(30):
            at = make.T + day * 86400
            bind = make.connect(at + 1, local_ip=None, remote_ip=None, remote_port=None, initiated=None)
            fact = CertificateRecord(fingerprint="ab", cert_subject="CN=a", source=f"x509.log:{day}")
            live.take(make.observe(at, **chain), make.connect(at, n=day), make.load(at, n=day), bind, fact)
            live.now += 86400
            keys = [key.decode() for key in admin.scan_iter(f"{live.namespace}:*")]
            kinds = {key: key.removeprefix(live.namespace)[1] for key in keys}
            held = Counter[str]()
            for key, kind in kinds.items():
                held[kind] += admin.zcard(key) if admin.type(key) == b"zset" else 1
            sizes.append({kind: held[kind] for kind in "cobangrxkmt"})
            assert {kind for key, kind in kinds.items() if admin.ttl(key) == -1} <= set("wedfs")
    assert all(sizes[-1].values())
    assert sizes[16:] == sizes[-1:] * 14


def test_a_session_resumes_the_latest_handshake_before_it_in_whatever_order_they_came(start, make) -> None:
    live = start(wait_seconds=0.0)
    full = {"cert_visible": True, "cert_subject": "CN=a", "established": True}
    for n in (*range(60, 20, -1), *range(20)):
        live.take(make.observe(make.T + n, 40000 + n, cert_chain_fps=(f"{n:02}",), **full))
    live.take(make.observe(make.T + 30.5, 50000, resumed=True, cert_visible=False))
    (bucket,) = (bucket for bucket in live.join.open() if bucket[1].startswith("50000."))
    (look,) = live.join.look([bucket], live.now, None)
    assert look.sessions[0].observation.cert_chain_fps == ("30",)


@pytest.mark.parametrize("side", [-1, 1])
def test_a_library_is_found_on_both_sides_of_where_the_lists_of_loads_meet(start, make, side: int) -> None:
    live = start(wait_seconds=0.0)
    border = (make.T // 14400 + 1) * 14400
    live.take(*(r for n in (-9, 9) for r in (make.observe(border + n, 50001 + n), make.connect(border + n, 50001 + n))))
    live.take(make.load(border - side, n=2), make.observe(border + side))
    (row,) = (row for row in live.rows().values() if row.orig_p == 50000)
    assert (row.method, row.image) == ("library_time", r"C:\Apps\app2.exe")


def test_of_many_full_handshakes_few_are_read_for_a_session_that_resumes(start, make, monkeypatch) -> None:
    live = start(wait_seconds=0.0)
    full = {"cert_visible": True, "cert_subject": "CN=a", "established": True}
    live.take(*(make.observe(make.T + n, 40000 + n, cert_chain_fps=(f"{n:02}",), **full) for n in range(100)))
    answers: list[int] = []
    read = Store.read

    def counting(store, commands):
        for command, found in zip(commands, read(store, commands), strict=True):
            answers.extend([len(found)] if ":r:" in str(command[1]) else [])
            yield found

    monkeypatch.setattr(Store, "read", counting)
    live.take(make.observe(make.T + 200, 50000, resumed=True, cert_visible=False))
    assert max(answers) == 16
