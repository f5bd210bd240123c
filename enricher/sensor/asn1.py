"""Reads DER (ITU-T X.690) as leniently as safety allows, so that one flaw does not hide the rest of a certificate.

Lengths must be definite and stay inside their parent; everything else (minimal lengths, sorted sets, values) is
for the reader of the value to judge. Tags above 30 do not occur in X.509 and are refused.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
OBJECT_IDENTIFIER: Final = 0x06
UTC_TIME: Final = 0x17
GENERALIZED_TIME: Final = 0x18
SEQUENCE: Final = 0x30
SET: Final = 0x31
BOOLEAN: Final = 0x01

_LONGEST_INTEGER: Final = 4096
"""Bytes: above any key that OpenSSL would use, below what makes arithmetic slow."""
_LONGEST_OID: Final = 64


class Malformed(Exception):  # noqa: N818 - a finding about the data, not an error of ours
    """The bytes are not what they should be; caught where the finding is noted, never leaves the sensor."""


class Element(NamedTuple):
    """One tag-length-value."""

    tag: int
    body: bytes
    whole: bytes
    """Header and body."""
    missing: int = 0
    """Bytes that its length promises beyond the data; only where the reader allows that."""


class Cursor:
    """Walks the elements of one body from left to right."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        """Bytes not yet read."""
        return len(self._data) - self._at

    def next(self, *, cut: bool = False) -> Element:
        """The next element, whatever its tag; `cut` allows that the data ends within it.

        Raises:
            Malformed: no element stands here.
        """
        data, at, size = self._data, self._at, len(self._data)
        if at + 2 > size:
            raise Malformed("ends too early")
        tag, length = data[at], data[at + 1]
        if tag & 0x1F == 0x1F:
            raise Malformed(f"tag 0x{tag:02x} is not used in X.509")
        start = at + 2
        if length & 0x80:
            count = length & 0x7F
            if not 1 <= count <= 4:
                raise Malformed("indefinite or absurd length")
            length = int.from_bytes(data[start : start + count], "big")
            start += count
        end = start + length
        if end <= size:
            self._at = end
            return Element(tag, data[start:end], data[at:end])
        if not cut:
            raise Malformed(f"length {length} exceeds the {max(size - start, 0)} bytes left")
        self._at = size
        return Element(tag, data[start:], data[at:], end - size)

    def take(self, tag: int, *, cut: bool = False) -> Element:
        """The next element, which must have this tag.

        Raises:
            Malformed: it has another, or there is none.
        """
        element = self.next(cut=cut)
        if element.tag != tag:
            raise Malformed(f"tag 0x{element.tag:02x} instead of 0x{tag:02x}")
        return element

    def optional(self, *tags: int) -> Element | None:
        """The next element if it has one of these tags."""
        return self.next() if self.left and self._data[self._at] in tags else None

    def __iter__(self) -> Iterator[Element]:
        while self.left:
            yield self.next()


def integer(body: bytes) -> int:
    """The value of an INTEGER.

    Raises:
        Malformed: it is empty or too long.
    """
    if not 1 <= len(body) <= _LONGEST_INTEGER:
        raise Malformed(f"integer of {len(body)} bytes")
    return int.from_bytes(body, "big", signed=True)


def oid(body: bytes) -> str:
    """Dotted form of an OBJECT IDENTIFIER.

    Raises:
        Malformed: it is empty, too long or ends within an arc.
    """
    if not 1 <= len(body) <= _LONGEST_OID or body[-1] & 0x80:
        raise Malformed("object identifier does not parse")
    arcs = list(body) if body.isascii() else list(_arcs(body))
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def _arcs(body: bytes) -> Iterator[int]:
    """The numbers of an OBJECT IDENTIFIER, which has the first two in one; most are of one byte each."""
    value = 0
    for byte in body:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            yield value
            value = 0


def bits(body: bytes) -> bytes:
    """The bytes of a BIT STRING that holds whole bytes.

    Raises:
        Malformed: it is empty or holds a fraction of a byte.
    """
    if not body or body[0] != 0:
        raise Malformed("bit string is not made of whole bytes")
    return body[1:]
