"""Every evidence there is: found by scanning `evidence/`, one file a family, each with its `RULES`."""

from collections.abc import Mapping
from types import MappingProxyType, ModuleType
from typing import Final

from enricher.errors import RegistryError
from enricher.model.registry import modules, unique
from enricher.verdict.rule import Rule


def collect(families: tuple[ModuleType, ...]) -> Mapping[str, Rule]:
    """Every rule of these modules by its id.

    Raises:
        RegistryError: a module has no `RULES`, or an id stands twice.
    """
    for family in families:
        if not getattr(family, "RULES", ()):
            raise RegistryError(f"{family.__name__} has no RULES", "list its evidence there")
    return MappingProxyType(unique(((rule.id, rule) for family in families for rule in family.RULES), "evidence"))


RULES: Final = collect(modules("enricher.verdict.evidence"))
"""Id to rule."""
