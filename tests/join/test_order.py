"""The sessions depend on which records there are, not on how they came."""

import random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from enricher.join.identity import canonical_names
from enricher.model.endpoint import ProcessTamper
from enricher.model.observation import CertificateRecord, ConnectionRecord
from enricher.model.record import Record

HOSTS = {"pc1.corp.example": ("pc1", "10.0.0.1"), "pc2.corp.example": ("pc2", "10.0.0.2"), "pc3": ("pc3", "10.0.0.1")}


def world(make: Any, seed: int, size: int) -> list[Record]:
    """Hosts with wrong clocks and several names, processes, reused ports and pids, duplicates and lies."""
    r = random.Random(seed)
    records: list[Record] = []
    offsets = {host: r.choice([0.0, -43517.3, 3600.0, 12.5]) for host in HOSTS}
    for _ in range(size):
        host = r.choice(list(HOSTS))
        short, address = HOSTS[host]
        name = r.choice([host, short])
        n, ts, port = r.randrange(4), make.T + r.randrange(0, 4000) / 4, 50000 + r.randrange(6)
        more = {"host": name, "guid": r.choice([make.guid(n, r.choice(["aaaa0001", "aaaa0001", "bbbb0001"])), None])}
        wire = {
            "port": port,
            "orig_h": address,
            "uid": f"C{r.randrange(40)}",
            "server_name": r.choice([None, "a.example"]),
        }
        kind = r.randrange(9)
        if kind in (0, 1, 2):
            records.append(make.observe(ts, **wire, ja4=r.choice([None, "a", "b"])))
            records.append(make.connect(ts + offsets[host], port, n, local_ip=address, **more))
        elif kind == 3:
            initiated = r.choice([None, True, False])
            records.append(
                make.connect(ts, port, n, local_ip=address, initiated=initiated, clock="security:5156", **more)
            )
        elif kind == 4:
            records += [make.start(ts, n, **more), make.end(ts + 300, n, **more)]
        elif kind == 5:
            library = r.choice(["schannel.dll", "crypt32.dll", "app.dll", "ncryptsslp.dll"])
            records.append(make.load(ts, n, library, **more))
        elif kind == 6:
            full = r.random() < 0.5
            chain = (
                {"cert_chain_fps": ("ab",), "cert_visible": True} if full else {"resumed": True, "cert_visible": False}
            )
            records.append(make.observe(ts, sensor="ssl.log", source=f"ssl.log:{r.randrange(99)}", **wire, **chain))
        elif kind == 7:
            records.append(CertificateRecord(fingerprint="ab", cert_subject=r.choice(["CN=a", "CN=b"])))
            records.append(ConnectionRecord(uid=wire["uid"], ts=ts, proto="tcp", community_id=f"1:{r.randrange(3)}"))
        else:
            tamper = {"technique": "remote_thread", "pid": 1000 + 4 * n, "clock": "sysmon:8", "ts": ts}
            records.append(ProcessTamper(**tamper, **more))
    return records


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), size=st.integers(1, 120), order=st.randoms(), batch=st.integers(1, 50))
def test_order_batches_and_repetition_change_nothing(make, joined, seed, size, order, batch):
    records = world(make, seed, size)
    expected = joined(records)
    again = records + order.sample(records, len(records) // 3)
    order.shuffle(again)
    cut = order.randrange(len(again) + 1)
    assert joined(again[:cut], again[cut:], batch=batch) == expected


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), size=st.integers(1, 80))
def test_every_session_has_one_disposition_and_what_it_promises(make, joined, seed, size):
    for s in joined(world(make, seed, size)):
        if s.disposition == "matched":
            assert s.process is not None
            assert s.method == "tuple"
            assert s.host is not None
        elif s.disposition == "ambiguous":
            assert s.process is None
            assert s.candidates
        elif s.disposition == "host_unseen":
            assert (s.host, s.process, s.method) == (None, None, None)
            assert s.note
        else:
            assert s.disposition == "no_network_event"
            assert s.note


names = st.sampled_from(
    ["a", "ab", "a.x", "a.y", "ab.x", "averylongname-1", "averylongname-12", "averylongname-12.x", "10.0.0.1"]
)


@given(st.lists(st.tuples(names, st.sampled_from(["m1", "m2"]))), st.lists(st.tuples(names, names)), st.randoms())
def test_canonical_names_do_not_depend_on_order(seen, shared, order):
    def run(seen: list[tuple[str, str]], shared: list[tuple[str, str]]) -> dict[str, str]:
        machines: dict[str, set[str]] = {}
        for name, machine in seen:
            machines.setdefault(name, set()).add(machine)
        return canonical_names(machines, [(a, b) for a, b in shared if a in machines and b in machines])

    expected = run(seen, shared)
    order.shuffle(seen)
    order.shuffle(shared)
    found = run(seen, shared)
    assert found == expected
    assert all(found[canonical] == canonical for canonical in found.values())
