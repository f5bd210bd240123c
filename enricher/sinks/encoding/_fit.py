"""Records of text: what fits, and what stands behind a backslash.

Receivers cut off what is too long, and a cut could change what is read.
"""

from collections.abc import Callable, Iterable
from typing import Final

from enricher.model.text import visible

RECORD: Final = 8000
"""Bytes of a whole record: rsyslog takes 8 KiB unless told otherwise, header included."""

VALUE: Final = 1023
"""Characters of one value: what most text fields of CEF's dictionary hold."""

BACKSLASHED: Final = r"\\\g<0>"
"""What a pattern's match is replaced by, to stand behind a backslash."""

CUT: Final = "cut"
"""Names what did not fit whole."""


def fit(pairs: Iterable[tuple[str, str | None]], room: int, write: Callable[[str, str], bytes]) -> list[bytes]:
    """Pairs as bytes, the first first, as long as there is room; then a pair that names those cut or left out.

    Args:
        pairs: name and value by importance; None and the empty value are left out.
        room: bytes for all.
        write: escapes and joins one pair, blank before it included.
    """
    written: list[bytes] = []
    cut: dict[str, None] = {}
    room -= len(write(CUT, "x" * 64))
    for name, value in pairs:
        if not value:
            continue
        short = visible(value, VALUE)
        piece = write(name, short)
        if len(piece) > room:
            cut[name] = None
            continue
        if len(value) > VALUE:
            cut[name] = None
        written.append(piece)
        room -= len(piece)
    if cut:
        written.append(write(CUT, visible(",".join(cut), 64)))
    return written
