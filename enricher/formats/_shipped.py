"""What shippers put around a line of a JSON log: a document that holds the line as a text.

Filebeat and Logstash keep it in `message`; where a module of Filebeat or Elastic Agent reads it, in `event.original`.
"""

import re
from typing import Final

import msgspec

from enricher.formats._json import Decoder

_HOLDS: Final = re.compile(rb'"(?:message|original)"\s*:\s*"\s*\{')


class _Original(msgspec.Struct):
    original: str | None = None


class _Document(msgspec.Struct):
    message: str | None = None
    event: _Original | None = None


_DECODER: Final = Decoder(msgspec.json.Decoder(_Document))


def unpacked(line: bytes) -> bytes:
    """The line within a shipper's document; what is no such document, as it is."""
    if _HOLDS.search(line) is None:
        return line
    try:
        document: _Document = _DECODER.decode(line)
    except ValueError:
        return line
    inner = (document.event and document.event.original) or document.message
    return inner.strip().encode("utf-8", "replace") if inner else line


def beginning(head: bytes) -> bytes:
    """The first bytes of an input; of a shipper's documents, the line within the first."""
    first = head.partition(b"\n")[0]
    inner = unpacked(first)
    return head if inner is first else inner
