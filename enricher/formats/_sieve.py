"""Rejects JSON events that cannot matter without decoding them.

Safe, because inside a JSON string a quote is escaped: `"EventID":` with bare quotes can only be a key, so no command
line or file name can forge it. Where anything is unclear (key absent or twice, escapes, other types), nothing is
rejected and the decoder decides.
"""

import re
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
        id_key: what stands before the event id, with closing quote and colon.
        loaded_key: the same before the loaded module's path.
        image_key: the same before the path of the process's own image.
    """

    def __init__(self, id_key: AnyStr, loaded_key: AnyStr, image_key: AnyStr) -> None:
        self._id_key: AnyStr = id_key
        self._loaded_key: AnyStr = loaded_key
        self._image_key: AnyStr = image_key
        text = isinstance(id_key, str)
        self._quote: AnyStr = '"' if text else b'"'  # type: ignore[assignment]
        self._blank: AnyStr = " " if text else b" "  # type: ignore[assignment]
        self._slash: AnyStr = "\\" if text else b"\\"  # type: ignore[assignment]
        self._ids: dict[AnyStr, str | bool] = {}
        self._paths: dict[AnyStr, bool] = {}

    def reject(self, text: AnyStr, start: int, end: int) -> str | None:
        """Why the event `text[start:end]` cannot matter; None where it can, or where that is unclear."""
        key = self._id_key
        at = text.find(key, start, end)
        if at < 0:
            return None
        at += len(key)
        if text.find(key, at, end) >= 0:
            return None
        verdict = self._ids.get(head := text[at : at + _ID_WIDTH])
        if verdict is None:
            verdict = self._judge(head)
        if verdict is False:
            return None
        if verdict is True:
            return self._reject_load(text, start, end)
        return verdict

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

    def _reject_load(self, text: AnyStr, start: int, end: int) -> str | None:
        loaded = self._value(text, self._loaded_key, start, end)
        if loaded is None:
            return None
        known = self._paths.get(loaded)
        if known is None:
            known = self._tells(loaded)
        if known:
            return None
        image = self._value(text, self._image_key, start, end)
        if image is None or (len(image) == len(loaded) and image.lower() == loaded.lower()):
            return None
        return _NOT_TLS

    def _tells(self, loaded: AnyStr) -> bool:
        """Whether the path, still escaped, tells of TLS. An escape in the file's name counts as telling."""
        head, _, name = loaded.rpartition(self._slash * 2)
        plain = name if isinstance(name, str) else name.decode("latin-1")
        verdict = head.endswith(self._slash) or "\\" in plain or tells(plain)
        if len(self._paths) >= _CACHED:
            self._paths.clear()
        self._paths[loaded] = verdict
        return verdict

    def _value(self, text: AnyStr, key: AnyStr, start: int, end: int) -> AnyStr | None:
        """The text after `key`, as it stands; None where there is none or it holds an escaped quote."""
        at = text.find(key, start, end)
        if at < 0:
            return None
        at += len(key)
        if text[at : at + 1] == self._blank:
            at += 1
        if text[at : at + 1] != self._quote:
            return None
        stop = text.find(self._quote, at + 1, end)
        value = text[at + 1 : stop]
        return None if stop < 0 or value.endswith(self._slash) else value
