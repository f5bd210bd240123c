"""All notices of a replay to all sinks; what a sink did not take becomes one line for the user."""

from collections.abc import Sequence
from pathlib import Path

from enricher.model.problem import Problem
from enricher.model.verdict import Notice
from enricher.service.delivery import Outlets, Statistics


def deliver(notices: Sequence[Notice], outlets: Outlets, folder: Path) -> list[Problem]:
    """Deliver, and tell one problem for each sink that did not get all."""
    if not outlets or not notices:
        return []
    with outlets.open(folder) as delivery:
        delivery.put(notices)
        report = delivery.flush()
    kept = outlets.dead_letters(folder)
    return [_problem(name, each, kept) for name, each in report.sinks.items() if each.dead or each.lost]


def _problem(name: str, found: Statistics, kept: Path) -> Problem:
    what = f"{found.dead + found.lost} of {found.given} notices were not delivered: {found.reason}"
    where = f"{found.dead} of them are in {kept}" if found.lost else f"they are in {kept}"
    return Problem(where=name, what=what, advice="; ".join(filter(None, (found.advice, where))))
