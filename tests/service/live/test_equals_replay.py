"""Whatever way the records come, a live run ends where a replay of them ends."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), size=st.integers(1, 100), order=st.randoms(), data=st.data())
def test_any_interleaving_and_any_cuts_end_as_a_replay_does(
    make, start, telling_engine, replay, equal, seed, size, order, data
):
    records = make.world(seed, size)
    refresh = data.draw(st.sampled_from([0.0, 60.0, 1e5]))
    live = start(telling_engine, wait_seconds=30.0, settle_seconds=5e5, repeat_seconds=100.0, refresh_seconds=refresh)
    order.shuffle(records)
    rest = list(records)
    while rest:
        cut = data.draw(st.integers(1, len(rest)))
        live.take(*rest[:cut])
        rest = rest[cut:]
        live.now += data.draw(st.sampled_from([0.0, 1.0, 29.0, 200.0]))
        if data.draw(st.booleans()):
            live.worker.round()
        if data.draw(st.integers(0, 4)) == 0:
            live.again()
    live.worker.drain()
    equal(live, replay(telling_engine, records))
