"""One notice to one record of one format; one file per format.

A format is a public module of this package with an `ENCODING`; it is found by its presence. A record never holds a
newline or another control character, so that every framing (lines, counted octets, messages) carries it.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType, ModuleType
from typing import Final

from enricher.errors import RegistryError
from enricher.model.registry import modules, unique
from enricher.sinks.encoding._encoding import Encoding, Origin

__all__ = ["ENCODINGS", "Encoding", "Origin", "registry"]


def registry(found: Iterable[ModuleType]) -> Mapping[str, Encoding]:
    """Encodings by id.

    Raises:
        RegistryError: a module has no `ENCODING`, or two have the same id.
    """
    pairs = []
    for module in found:
        encoding = getattr(module, "ENCODING", None)
        if not isinstance(encoding, Encoding):
            raise RegistryError(f"{module.__name__} has no ENCODING", "define one, or begin the file's name with _")
        pairs.append((encoding.id, encoding))
    return MappingProxyType(unique(pairs, "encoding"))


ENCODINGS: Final = registry(modules(__name__))
"""Every encoding by its id."""
