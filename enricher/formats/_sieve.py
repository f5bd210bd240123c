"""Rejects JSON lines that cannot matter without decoding them.

Safe, because inside a JSON string a quote is escaped: `"EventID":` with bare quotes can only be a key, so no command
line or file name can forge it. Where anything is unclear (key absent or ambiguous, escapes, other types), nothing is
rejected and the decoder decides.
"""

import re
from collections import Counter
from typing import AnyStr, Final, Generic

from enricher.formats._security import SECURITY
from enricher.formats._sysmon import SYSMON, tells

_WANTED: Final = frozenset(SYSMON) | frozenset(SECURITY)
_MODULE_LOAD: Final = 7
_CACHED: Final = 1 << 15
_ID_WIDTH: Final = 10
"""Characters that hold a blank, a quote, five digits, a quote and what follows."""
_ID: Final = re.compile(r' ?("?)(\d{1,5})\1\s*[,}]')
_NOT_TLS: Final = "sysmon 7: no TLS library"


class Sieve(Generic[AnyStr]):
    """Decides by the event id, and for module loads by the module's path.

    Args:
        id_key: what stands before the event id: the key, from some character on, its closing quote and colon.
        loaded_key: the same before the loaded module's path, with the path's opening quote.
        image_key: the same before the path of the process's own image.
        skipped: where to count why.
        first: the writer is known to put the header's event id before anything of that name.
    """

    def __init__(
        self,
        id_key: AnyStr,
        loaded_key: AnyStr,
        image_key: AnyStr,
        skipped: Counter[str],
        *,
        first: bool = False,
    ) -> None:
        self._id_key: AnyStr = id_key
        self._loaded_key: AnyStr = loaded_key
        self._image_key: AnyStr = image_key
        self._id_skip, self._loaded_skip, self._image_skip = len(id_key), len(loaded_key), len(image_key)
        self._skipped = skipped
        self._first = first
        quote, slash, brace, line_end = _signs(id_key)
        self._quote: AnyStr = quote
        self._quote_item: str | int = quote[0]
        self._slash: AnyStr = slash
        self._brace: AnyStr = brace
        self._line_end: AnyStr = line_end
        self._ids: dict[AnyStr, str | bool] = {}
        self._paths: dict[AnyStr, bool] = {}

    def skim(self, text: AnyStr, start: int) -> tuple[int, int]:
        """Pass over the lines from `start` on that cannot matter, counting why; stop at one that can or may.

        Returns:
            Where that line starts, and how many were passed over.
        """
        key, skip, line_end, brace, quote = self._id_key, self._id_skip, self._line_end, self._brace, self._quote_item
        find, verdict_of, skipped, first = text.find, self._ids.get, self._skipped, self._first
        lines = 0
        while (end := find(line_end, start)) >= 0:
            at = find(key, start, end)
            if at < 0:
                break
            after = at + skip
            verdict = verdict_of(text[after : after + _ID_WIDTH])
            if verdict is None:
                verdict = self._judge(text[after : after + _ID_WIDTH])
            if not verdict:
                break
            # The key is the event's own if no object opened before it (a brace after a quote is a GUID's) …
            opened = -1 if first else find(brace, start + 1, at)
            while opened >= 0 and text[opened - 1] == quote:
                opened = find(brace, opened + 1, at)
            # … or if it is the only one.
            if opened >= 0 and find(key, after, end) >= 0:
                break
            if verdict is True:
                if self._load_matters(text, after, end):
                    break
                verdict = _NOT_TLS
            skipped[verdict] += 1
            lines += 1
            start = end + 1
        return start, lines

    def _judge(self, head: AnyStr) -> str | bool:
        """A reason to reject this event id; True for module loads; False for what must be decoded."""
        match = _ID.match(head if isinstance(head, str) else head.decode("latin-1"))
        verdict: str | bool
        if match is None:
            verdict = False
        else:
            event_id = int(match[2])
            verdict = event_id == _MODULE_LOAD if event_id in _WANTED else f"event {event_id}: not needed"
        if len(self._ids) >= _CACHED:
            self._ids.clear()
        self._ids[head] = verdict
        return verdict

    def _load_matters(self, text: AnyStr, start: int, end: int) -> bool:
        """Whether the loaded module tells of TLS or may be the process's own image."""
        at = text.find(self._loaded_key, start, end)
        after = at + self._loaded_skip
        stop = text.find(self._quote, after, end)
        if at < 0 or stop < 0:
            return True
        loaded = text[after:stop]
        known = self._paths.get(loaded)
        if known is None:
            known = self._tells(loaded)
        if known:
            return True
        own = text.rfind(self._image_key, start, at)
        if own < 0:
            return True
        own += self._image_skip
        own_end = own + stop - after
        return text[own_end : own_end + 1] == self._quote and text[own:own_end].lower() == loaded.lower()

    def _tells(self, loaded: AnyStr) -> bool:
        """Whether the path, still escaped, tells of TLS. An escape in the file's name counts as telling."""
        head, _, name = loaded.rpartition(self._slash * 2)
        plain = name if isinstance(name, str) else name.decode("latin-1")
        verdict = head.endswith(self._slash) or "\\" in plain or tells(plain)
        if len(self._paths) >= _CACHED:
            self._paths.clear()
        self._paths[loaded] = verdict
        return verdict


def _signs(like: AnyStr) -> tuple[AnyStr, AnyStr, AnyStr, AnyStr]:
    return ('"', "\\", "{", "\n") if isinstance(like, str) else (b'"', b"\\", b"{", b"\n")
