"""Rejects JSON lines that cannot matter without decoding them.

Safe, because inside a JSON string a quote is escaped: `"EventID":` with bare quotes can only be a key, so no command
line or file name can forge it. Where anything is unclear (key absent or ambiguous, escapes, other types), nothing is
rejected and the decoder decides.
"""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

from enricher.formats._memo import Memo
from enricher.formats._security import SECURITY
from enricher.formats._sysmon import SYSMON, tells

_WANTED: Final = frozenset(SYSMON) | frozenset(SECURITY)
_MODULE_LOAD: Final = 7
_ID_WIDTH: Final = 10
"""Characters that hold a blank, a quote, five digits, a quote and what follows."""
_ID: Final = re.compile(rb' ?("?)(\d{1,5})\1\s*[,}]')
_OPENED: Final = re.compile(rb'\{(?<!"\{)')
"""A brace that is not a GUID's in a string."""
_ADJACENT: Final = len('", ')
"""At most so much between two neighbours, which are therefore of one object."""
_NOT_TLS: Final = "sysmon 7: no TLS library"


class Sieve:
    """Decides by the event id, and for module loads by the module's path.

    Args:
        id_key: what stands before the event id: the key, from some character on, its closing quote and colon.
        loaded_key: the same before the loaded module's path, with the path's opening quote.
        image_key: the same before the path of the process's own image.
        skipped: where to count why.
    """

    def __init__(self, id_key: bytes, loaded_key: bytes, image_key: bytes, skipped: Counter[str]) -> None:
        self._id_key = id_key
        self._loaded_key = loaded_key
        self._image_key = image_key
        self._skipped = skipped
        self._at = 0
        """Where the key stood in the line before: it mostly stands there again."""
        self._opens = Memo(_opens)
        self._ids = Memo(_judge)
        self._paths = Memo(_tells)

    def pass_over(self, lines: Iterable[bytes]) -> tuple[bytes, int]:
        """Pass over the lines that cannot matter, counting why; stop at one that can or may.

        Args:
            lines: each with its line end, or without: then it has not ended and may matter.

        Returns:
            That line, empty where there is none; and how many were passed over.
        """
        key, verdicts, opens = self._id_key, self._ids, self._opens
        at, line = self._at, b""
        reasons: list[str] = []
        for line in lines:
            if line[at : at + len(key)] != key:
                at = line.find(key)
            after = at + len(key)
            verdict = verdicts[line[after : after + _ID_WIDTH]]
            if not verdict or at < 0:
                break
            # The key is the event's own if no object opened before it, or if it is the only one.
            head = line[:at]
            before = head.rpartition(b"{")[0]
            if before and opens[before] and line.count(key) != 1:
                break
            if verdict is True:
                if self._load_matters(head, line[after:]):
                    break
                verdict = _NOT_TLS
            reasons.append(verdict)
        else:
            if not reasons or line.endswith(b"\n"):
                line = b""
            else:
                reasons.pop()
        self._at = max(at, 0)
        self._skipped.update(reasons)
        return line, len(reasons)

    def _load_matters(self, head: bytes, tail: bytes) -> bool:
        """Whether the loaded module tells of TLS or may be the process's own image, or that is unclear.

        Args:
            head: the line before the key of the event id.
            tail: the line behind it; the paths are expected here.
        """
        before, _, after = tail.partition(self._loaded_key)
        loaded, quote, rest = after.partition(b'"')
        if (
            not quote
            or self._paths[loaded]
            or rest.partition(self._loaded_key)[1]
            or head.partition(self._loaded_key)[1]
        ):
            return True
        _, found, behind = before.rpartition(self._image_key)
        own, quote, between = behind.partition(b'"')
        if not found or not quote:
            return True
        if len(between) >= _ADJACENT and tail.count(self._image_key) + head.count(self._image_key) != 1:
            return True
        return len(own) == len(loaded) and own.lower() == loaded.lower()


def _judge(head: bytes) -> str | bool:
    """A reason to reject the event id that starts here; True for module loads; False for what must be decoded."""
    match = _ID.match(head)
    if match is None:
        return False
    event_id = int(match[2])
    return event_id == _MODULE_LOAD if event_id in _WANTED else f"event {event_id}: not needed"


def _opens(before: bytes) -> bool:
    """Whether an object opens within a line's start, or with the brace behind it."""
    return _OPENED.search(before + b"{", 1) is not None


def _tells(loaded: bytes) -> bool:
    """Whether a path, still escaped, tells of TLS. An escape in the file's name counts as telling."""
    head, _, name = loaded.rpartition(b"\\\\")
    return head.endswith(b"\\") or b"\\" in name or tells(name.decode("latin-1"))
