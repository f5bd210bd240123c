"""Applies every rule to an observation."""

import re
from collections.abc import Iterable, Mapping
from itertools import zip_longest
from types import MappingProxyType, ModuleType
from typing import Final

import msgspec

from enricher.errors import RegistryError
from enricher.model import registry
from enricher.model.anomaly import ANOMALIES
from enricher.model.observation import Observation, Prevalence
from enricher.sensor import validation
from enricher.sensor.anomalies._case import Case, Rule
from enricher.sensor.lists import Lists
from enricher.sensor.thresholds import Thresholds

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
_LONGEST_FACT: Final = 200
_OURS: Final = frozenset({"rare_fingerprint", "known_bad_fingerprint", "known_bad_certificate"})
"""Anomalies that need our lists or our store, and so can be added to what another sensor judged."""


def rules(modules: Iterable[ModuleType]) -> Mapping[str, Rule]:
    """Collect the rules of modules: one for each id of `model.anomaly`.

    Raises:
        RegistryError: an id is missing, unknown or stands twice.
    """
    found = registry.unique((pair for module in modules for pair in module.RULES.items()), "anomaly")
    for wrong, what in ((ANOMALIES.keys() - found.keys(), "no rule"), (found.keys() - ANOMALIES.keys(), "no such id")):
        if wrong:
            raise RegistryError(
                f"anomalies: {what} for {', '.join(sorted(wrong))}", "rules and enricher/model/anomaly.py must agree"
            )
    return MappingProxyType(found)


RULES: Final = rules(registry.modules("enricher.sensor.anomalies"))
_ALL: Final = tuple(RULES.items())
_ADDED: Final = tuple((name, rule) for name, rule in _ALL if name in _OURS)


def judge(observation: Observation, thresholds: Thresholds, lists: Lists, prevalence: Prevalence | None) -> Observation:
    """The observation with its anomalies and the facts behind them; what is unknown is never abnormal.

    What another sensor judged is kept; only what comes from our lists and our store is added. A validation known by
    its text alone gets its code.
    """
    if observation.validation_code is None and observation.validation_status is not None:
        observation = msgspec.structs.replace(
            observation, validation_code=validation.code(observation.validation_status)
        )
    case = Case(observation, thresholds, lists, prevalence)
    kept = observation.anomalies
    judged = dict(zip_longest(kept, (observation.anomaly_facts or ())[: len(kept)], fillvalue="")) if kept else {}
    for name, rule in _ALL if kept is None else _ADDED:
        fact = rule(case)
        if fact is not None:
            judged.setdefault(name, fact)
    names = tuple(sorted(judged))
    facts = tuple([_clean(judged[name]) for name in names])
    return msgspec.structs.replace(observation, anomalies=names, anomaly_facts=facts)


def _clean(fact: str) -> str:
    """A fact holds what strangers wrote: no character that acts on a terminal, and an end."""
    printable = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", fact)
    return printable if len(printable) <= _LONGEST_FACT else printable[: _LONGEST_FACT - 1] + "…"
