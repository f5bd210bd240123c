"""One record of one product to an EndpointEvent or an Observation; one file per product.

A format is a public module of this package with a `FORMAT`; it is found by its presence. Readers are fed bytes in
chunks of any size and never touch a file.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from enricher.errors import InputError
from enricher.formats._lines import LineReader, Transcoder
from enricher.formats._reader import Format, Reader
from enricher.model.registry import modules, unique

__all__ = ["FORMATS", "Format", "LineReader", "Reader", "as_utf8", "reader", "recognise"]

FORMATS: Final[Mapping[str, Format]] = MappingProxyType(
    unique(((module.FORMAT.id, module.FORMAT) for module in modules(__name__)), "format")
)
"""Every format by its id."""


def as_utf8(data: bytes) -> bytes:
    """A whole text, UTF-8 or UTF-16, as UTF-8 without byte order mark."""
    return Transcoder().feed(data, final=True)


def recognise(head: bytes) -> str | None:
    """The id of the format that an input's first bytes (up to 64 KiB, decompressed) are of; None: none of ours."""
    head = as_utf8(head)
    return next((id_ for id_, known in FORMATS.items() if known.recognises(head)), None)


def reader(format_id: str, name: str) -> Reader:
    """A reader for one input.

    Args:
        format_id: what `recognise` gave.
        name: what the user calls the input; stands in `source` and in problems.

    Raises:
        InputError: there is no such format.
    """
    if format_id not in FORMATS:
        raise InputError(f"{name}: no format is called {format_id!r}", f"known are {', '.join(FORMATS)}")
    return FORMATS[format_id].reader(name)
