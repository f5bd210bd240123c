"""What connections tell of clocks, without a server: only what leaves no doubt is certain, and all of it is bounded."""

from types import SimpleNamespace

import pytest

from enricher.join.clocks import Sample
from enricher.join.hosts import Hosts
from enricher.join.learning import FirstSession, Learning, Lesson, module_delta
from enricher.join.process import Life
from enricher.join.settings import JoinSettings

HOST, CLOCK = "pc1.corp.example", "sysmon:3"
T = 1_700_000_000.0


@pytest.fixture
def learning() -> Learning:
    return begun(JoinSettings())


def begun(settings: JoinSettings) -> Learning:
    return Learning(Hosts([(HOST, "NetworkConnect", CLOCK, "")], [], settings), settings)


def test_one_session_and_its_one_record_are_a_certain_sample(learning: Learning, make: SimpleNamespace) -> None:
    learning.add([make.observe(T)], [make.connect(T + 7)])
    assert learning.certain == {(HOST, CLOCK): [Sample(T, T + 7)]}
    assert not learning.probable
    assert learning.first_sessions() == {HOST: [FirstSession(1004, make.guid(1), T)]}


def test_who_accepted_a_connection_teaches_nothing(learning: Learning, make: SimpleNamespace) -> None:
    learning.add([make.observe(T)], [make.connect(T, initiated=False)])
    assert learning.lessons() == []


@pytest.mark.parametrize("case", ["two sessions", "two processes", "two guids of one pid", "two times of one clock"])
def test_where_there_is_doubt_every_pair_is_probable(learning: Learning, make: SimpleNamespace, case: str) -> None:
    sessions, records = [make.observe(T, uid="C2")], [make.connect(T + 7)]
    if case == "two sessions":
        sessions.append(make.observe(T + 50, uid="C1"))
    else:
        other = {
            "two processes": make.connect(T + 8, n=2),
            "two guids of one pid": make.connect(T + 8, guid=make.guid(9)),
            "two times of one clock": make.connect(T + 8),
        }
        records.append(other[case])
    learning.add(sessions, records)
    assert not learning.certain
    least = min(o.uid for o in sessions)
    assert learning.probable == {(HOST, CLOCK): [Sample(o.ts, r.ts, least) for o in sessions for r in records]}
    assert bool(learning.first_sessions()) == (case == "two times of one clock")


def test_too_many_pairs_teach_nothing(make: SimpleNamespace) -> None:
    learning = begun(JoinSettings(clock_samples=8))
    learning.add([make.observe(T + n) for n in range(3)], [make.connect(T + n) for n in range(3)])
    assert not learning.probable


def test_of_many_samples_half_stay_spread_evenly_over_the_time(make: SimpleNamespace) -> None:
    learning = begun(JoinSettings(clock_samples=8))
    for n in (n for early in range(20) for n in (early, 39 - early)):
        learning.add([make.observe(T + n, 50000 + n)], [make.connect(T + n, 50000 + n)])
    (samples,) = learning.certain.values()
    times = sorted(s.network - T for s in samples)
    assert 8 <= len(times) < 16
    assert sum(time < 20 for time in times) in range(3, 13)


def test_a_processs_first_session_is_the_earliest_and_the_earliest_processes_are_kept(
    learning: Learning, make: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("enricher.join.learning._PROCESSES", 2)
    for ts, n in ((T + 5, 1), (T + 1, 1), (T + 9, 1), (T + 7, 2), (T + 2, 3)):
        learning.add([make.observe(ts)], [make.connect(ts, n=n)])
    assert [(f.place, f.ts) for f in learning.first_sessions()[HOST]] == [(1004, T + 1), (1012, T + 2)]


def test_who_has_endless_processes_fills_no_memory(
    learning: Learning, make: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("enricher.join.learning._PROCESSES", 2)
    for n in range(100):
        learning.add([make.observe(T + n)], [make.connect(T + n, n=n)])
    assert len(learning.lessons()[0].first) == 32


def test_a_lesson_is_taken_in_again_under_the_name_that_the_host_has_by_then(make: SimpleNamespace) -> None:
    settings = JoinSettings()
    sample, doubtful = Sample(T, T + 7), Sample(T, T + 9, "C1")
    lesson = Lesson("pc1", [(CLOCK, sample)], [(CLOCK, doubtful)], [FirstSession(4, None, T)])
    seen = [(name, "NetworkConnect", CLOCK, "aaaa") for name in ("pc1", HOST)]
    learning = Learning(Hosts(seen, [], settings), settings)
    learning.recall(lesson)
    assert learning.lessons() == [Lesson(HOST, [(CLOCK, sample)], [(CLOCK, doubtful)], [FirstSession(4, None, T)])]


def test_a_process_is_compared_by_the_first_library_that_tells_something(make: SimpleNamespace) -> None:
    first = FirstSession(1004, make.guid(1), T)
    loads = (
        make.load(T - 9, name="kernel32.dll"),
        make.load(T - 8, name="crypt32.dll"),
        make.load(T - 2),
        make.load(T - 3, name="ncryptsslp.dll"),
        make.load(T + 4),
        make.start(T - 50),
    )
    other = Life(make.guid(2), 1004, None, None, (make.load(T - 99),))
    assert module_delta(first, [other, Life(make.guid(1), 1004, None, None, loads)]) == 3
    assert module_delta(first, [Life(make.guid(1), 1004, None, None, loads[:2])]) is None
    assert module_delta(first, [other]) is None
