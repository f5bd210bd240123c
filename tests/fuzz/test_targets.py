"""The fuzzer's targets, fed what once failed and a little of the corpus, so that they do not rot."""

import random
from pathlib import Path

import pytest

from targets import TARGETS

REGRESSIONS = Path(__file__).parent / "regressions"
ONCE_FAILED = [(path.parent.name, path) for path in sorted(REGRESSIONS.glob("*/*"))]
each_target = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)


@pytest.mark.parametrize(("name", "path"), ONCE_FAILED, ids=lambda value: getattr(value, "name", value))
def test_what_once_failed_holds(name: str, path: Path) -> None:
    TARGETS[name].check(path.read_bytes())


@each_target
def test_seeds_and_a_few_mutants_of_them_hold(target) -> None:
    chance = random.Random(1)
    seeds = list(target.seeds())
    assert seeds
    for seed in chance.sample(seeds, min(len(seeds), 6)):
        data = bytearray(seed[: target.max_len])
        target.check(bytes(data))
        for _ in range(3):
            data[chance.randrange(len(data))] = chance.randrange(256)
            target.check(bytes(data))


@each_target
def test_nothing_and_noise_hold(target) -> None:
    for size in (0, 1, 7, 200):
        target.check(random.Random(size).randbytes(size))
