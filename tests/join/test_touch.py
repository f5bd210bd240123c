"""Whatever a session is told by reaches it: what a record touches is what the session listens to."""

from types import SimpleNamespace
from typing import Any

import pytest

from enricher.join.reader import Tuple5
from enricher.join.touch import Touch, bucket_of, buckets_of, topics
from enricher.model.observation import CertificateRecord, ConnectionRecord

FP = "ab" * 32


def touched(*records: Any) -> Touch:
    touch = Touch()
    touch.add(records)
    return touch


def test_both_sides_of_a_connection_touch_one_bucket(make: SimpleNamespace) -> None:
    seen = make.observe()
    turned = make.connect(local_ip=seen.resp_h, local_port=443, remote_ip=seen.orig_h, remote_port=seen.orig_p)
    assert touched(make.connect()).buckets == touched(turned).buckets == touched(seen).buckets == {bucket_of(seen)}
    assert touched(make.connect(remote_ip=None, remote_port=None)).buckets == set()


def test_of_a_hosts_connections_the_latest_time_counts(make: SimpleNamespace) -> None:
    latest = touched(make.connect(5.0), make.connect(9.0), make.connect(7.0), make.connect(1.0, clock="b")).latest
    assert latest == {("pc1.corp.example", "sysmon:3"): 9.0, ("pc1.corp.example", "b"): 1.0}


@pytest.mark.parametrize("kind", ["start", "load", "end"])
@pytest.mark.parametrize("name", ["pc1.corp.example", "PC1", "pc1"])
def test_what_a_process_did_reaches_the_sessions_that_it_opened(make: SimpleNamespace, kind: str, name: str) -> None:
    event = getattr(make, kind)(9.0, host=name.lower())
    there = Tuple5([make.observe()], [make.connect()])
    assert touched(event).topics <= topics(there, [])
    assert touched(make.start(n=2)).topics.isdisjoint(topics(there, []))


def test_a_process_that_was_found_without_a_record_is_listened_to(joined: Any, make: SimpleNamespace) -> None:
    (session,) = joined([make.observe(), make.connect()])
    assert touched(make.load()).topics <= topics(Tuple5([], []), [session])


@pytest.mark.parametrize(
    ("seen", "record"),
    [
        ({"cert_chain_fps": (FP,)}, CertificateRecord(fingerprint=FP, cert_subject="CN=x")),
        ({"sensor": "ssl.log", "community_id": "1:x"}, "connection"),
        ({"community_id": None}, "connection"),
    ],
)
def test_facts_that_other_logs_keep_reach_the_session(
    joined: Any, make: SimpleNamespace, seen: dict[str, Any], record: Any
) -> None:
    (session,) = joined([make.observe(uid="C1", **seen)])
    if record == "connection":
        record = ConnectionRecord(uid="C1", ts=1.0, community_id="1:y", proto="tcp")
    assert touched(record).topics
    assert touched(record).topics <= topics(Tuple5([], []), [session])


def test_a_full_handshake_reaches_who_resumes_it_and_a_resumed_one_nobody(joined: Any, make: SimpleNamespace) -> None:
    full = make.observe(cert_chain_fps=(FP,), server_name="a.example")
    (resumed,) = joined([make.observe(9.0, 50009, resumed=True, server_name="a.example")])
    assert touched(full).topics
    assert touched(full).topics <= topics(Tuple5([], []), [resumed])
    assert touched(make.observe(cert_chain_fps=(FP,), resumed=True)).topics == set()
    assert touched(make.observe()).topics == set()


def test_what_is_no_bucket_is_passed_over() -> None:
    assert list(buckets_of([b"10.0.0.1\0x", b"rubbish", b"a\0b\0c"])) == [("10.0.0.1", "x")]
