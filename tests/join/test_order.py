"""The sessions depend on which records there are, not on how they came."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from enricher.join.identity import canonical_names


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), size=st.integers(1, 120), order=st.randoms(), batch=st.integers(1, 50))
def test_order_batches_and_repetition_change_nothing(make, joined, seed, size, order, batch):
    records = make.world(seed, size)
    expected = joined(records)
    again = records + order.sample(records, len(records) // 3)
    order.shuffle(again)
    cut = order.randrange(len(again) + 1)
    assert joined(again[:cut], again[cut:], batch=batch) == expected


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), size=st.integers(1, 80))
def test_every_session_has_one_disposition_and_what_it_promises(make, joined, seed, size):
    for s in joined(make.world(seed, size)):
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
