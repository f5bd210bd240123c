"""Rejects JSON lines that cannot matter without decoding them.

Safe, because inside a JSON string a quote is escaped: `"EventID":` with bare quotes can only be a key, so no command
line or file name can forge it. Where anything is unclear (key absent or ambiguous, escapes, other types), nothing is
rejected and the decoder decides.
"""

import re
from collections import Counter
from typing import Final

from enricher.formats._memo import Memo
from enricher.formats._security import SECURITY
from enricher.formats._sysmon import SYSMON, tells

_WANTED: Final = frozenset(SYSMON) | frozenset(SECURITY)
_MODULE_LOAD: Final = 7
_ID_WIDTH: Final = 10
"""Characters that hold a blank, a quote, five digits, a quote and what follows."""
_ID: Final = re.compile(rb' ?("?)(\d{1,5})\1\s*[,}]')
_ADJACENT: Final = len('", ')
"""At most so much between two neighbours, which are therefore of one object."""
_QUOTE: Final = ord('"')
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
        self._ids = Memo(_judge)
        self._paths = Memo(_tells)

    def skim(self, text: bytes, start: int) -> tuple[int, int]:
        """Pass over the lines from `start` on that cannot matter, counting why; stop at one that can or may.

        Returns:
            Where that line starts, and how many were passed over.
        """
        key, skip = self._id_key, len(self._id_key)
        find, verdicts = text.find, self._ids
        reasons: list[str] = []
        while (end := find(b"\n", start)) >= 0:
            at = find(key, start, end)
            if at < 0:
                break
            after = at + skip
            verdict = verdicts[text[after : after + _ID_WIDTH]]
            if not verdict:
                break
            # The key is the event's own if no object opened before it (a brace after a quote is a GUID's) …
            opened = find(b"{", start + 1, at)
            while opened >= 0 and text[opened - 1] == _QUOTE:
                opened = find(b"{", opened + 1, at)
            # … or if it is the only one.
            if opened >= 0 and find(key, after, end) >= 0:
                break
            if verdict is True:
                if self._load_matters(text, start, after, end):
                    break
                verdict = _NOT_TLS
            reasons.append(verdict)
            start = end + 1
        self._skipped.update(reasons)
        return start, len(reasons)

    def _load_matters(self, text: bytes, start: int, after: int, end: int) -> bool:
        """Whether the loaded module tells of TLS or may be the process's own image, or that is unclear.

        Args:
            text: holds the line.
            start: of the line.
            after: where the key of the event id ends; the paths are expected behind it.
            end: of the line.
        """
        find, loaded_key, image_key = text.find, self._loaded_key, self._image_key
        at = find(loaded_key, after, end)
        loaded_at = at + len(loaded_key)
        stop = find(b'"', loaded_at, end)
        if at < 0 or stop < 0:
            return True
        loaded = text[loaded_at:stop]
        if self._paths[loaded] or find(loaded_key, stop, end) >= 0 or find(loaded_key, start, after) >= 0:
            return True
        own_at = text.rfind(image_key, after, at)
        if own_at < 0:
            return True
        own_at += len(image_key)
        own_stop = find(b'"', own_at, at)
        if at - own_stop > _ADJACENT and text.count(image_key, start, end) != 1:
            return True
        return own_stop - own_at == stop - loaded_at and text[own_at:own_stop].lower() == loaded.lower()


def _judge(head: bytes) -> str | bool:
    """A reason to reject the event id that starts here; True for module loads; False for what must be decoded."""
    match = _ID.match(head)
    if match is None:
        return False
    event_id = int(match[2])
    return event_id == _MODULE_LOAD if event_id in _WANTED else f"event {event_id}: not needed"


def _tells(loaded: bytes) -> bool:
    """Whether a path, still escaped, tells of TLS. An escape in the file's name counts as telling."""
    head, _, name = loaded.rpartition(b"\\\\")
    return head.endswith(b"\\") or b"\\" in name or tells(name.decode("latin-1"))
