"""Windows Event XML: one `<Event>` a line, pretty-printed, or all within `<Events>`; other text between is ignored."""

import re
from typing import Final
from xml.etree import ElementTree as ET

import msgspec

from enricher.formats._eventdata import EventData
from enricher.formats._lines import Transcoder
from enricher.formats._reader import MAX_RECORD, BaseReader, Format
from enricher.formats._security import SECURITY
from enricher.formats._sysmon import SYSMON, tells
from enricher.formats._windows import WindowsEvents
from enricher.model.record import Record

_TOKEN: Final = re.compile(rb"<Event(?=[\s>])|</Event>|<!\[CDATA\[|<!DOCTYPE|<!--")
_ENDS: Final = {b"<![CDATA[": b"]]>", b"<!--": b"-->"}
_LONGEST_TOKEN: Final = 10
_ID: Final = re.compile(rb"<EventID(?:\s[^>]*)?>\s*(\d{1,5})\s*</EventID>")
_PATHS: Final = re.compile(rb"""<Data Name=["'](Image|ImageLoaded)["']>([^<]*)</Data>""")
_WANTED: Final = frozenset(str(id_).encode() for id_ in (*SYSMON, *SECURITY))
_CONTROL: Final = bytes(b if b >= 32 or b in b"\t\n\r" else ord("?") for b in range(256))
_REFERENCE: Final = re.compile(r"&#(?:x([0-9a-fA-F]{1,6})|(\d{1,7}));")
_START: Final = re.compile(rb"\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--.*?-->\s*)*<(?:Events?)(?=[\s>])", re.DOTALL)


class EventXmlReader(BaseReader):
    """Cuts the text into events by their tags, which no value can hold unescaped, and parses each alone."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._events = WindowsEvents(self.skipped)
        self._transcoder = Transcoder()
        self._text = b""
        self._scanned = 0
        """Up to where `_text` is known to hold no further token."""
        self._begin = -1
        """Where in `_text` the open event starts; -1 between events."""
        self._awaited = b""
        """What ends the comment or CDATA section that is open."""
        self._marked = False
        """The open event has a CDATA section."""
        self._number, self._counted = 1, 0
        """A line's number, and where in `_text` it was counted."""

    def feed(self, data: bytes) -> list[Record]:
        """See `Reader.feed`."""
        return self._scan(self._transcoder.feed(data))

    def close(self) -> list[Record]:
        """See `Reader.close`."""
        out = self._scan(self._transcoder.feed(b"", final=True))
        if self._begin >= 0:
            self.records += 1
            self._problem(self._line(self._begin), "the input ends within an event", "the file may still be written")
        elif self._awaited:
            self._problem(self._line(self._scanned), "the input ends within a comment or CDATA section")
        return out

    def _scan(self, data: bytes) -> list[Record]:
        out: list[Record] = []
        self._text += data
        while True:
            if self._awaited:
                at = self._text.find(self._awaited, self._scanned)
                if at < 0:
                    self._scanned = max(self._scanned, len(self._text) - len(self._awaited) + 1)
                    break
                self._scanned = at + len(self._awaited)
                self._awaited = b""
            token = _TOKEN.search(self._text, self._scanned)
            if token is None:
                self._scanned = max(self._scanned, len(self._text) - _LONGEST_TOKEN)
                break
            self._token(token, out)
        self._forget()
        return out

    def _token(self, token: re.Match[bytes], out: list[Record]) -> None:
        kind, self._scanned = token[0], token.end()
        self._bound(token.end())
        if kind in _ENDS:
            self._awaited = _ENDS[kind]
            self._marked = True
        elif kind == b"<Event":
            if self._begin >= 0:
                self.records += 1
                self._problem(self._line(self._begin), "the event does not end before the next begins")
            self._begin, self._marked = token.start(), False
        elif kind == b"</Event>" and self._begin >= 0:
            self._event(self._text[self._begin : token.end()], self._begin, out)
            self._begin = -1
        elif kind == b"<!DOCTYPE":
            self._problem(self._line(token.start()), "document types are not read", "remove the DOCTYPE")

    def _bound(self, end: int) -> None:
        """Give up an open event that reaches too far."""
        if self._begin >= 0 and end - self._begin > MAX_RECORD:
            self.records += 1
            self.skipped["longer than a record can be"] += 1
            self._problem(self._line(self._begin), f"event longer than {MAX_RECORD >> 20} MiB")
            self._begin = -1

    def _forget(self) -> None:
        """Drop what was read."""
        self._bound(len(self._text))
        done = self._scanned if self._begin < 0 else self._begin
        self._line(done)
        self._counted = 0
        self._text = self._text[done:]
        self._scanned -= done
        self._begin = min(self._begin, 0)

    def _line(self, at: int) -> int:
        if at >= self._counted:
            self._number += self._text.count(b"\n", self._counted, at)
        else:
            self._number -= self._text.count(b"\n", at, self._counted)
        self._counted = at
        return self._number

    def _event(self, text: bytes, begin: int, out: list[Record]) -> None:
        self.records += 1
        reason = None if self._marked else _reject(text)
        if reason is not None:
            self.skipped[reason] += 1
            return
        line = self._line(begin)
        try:
            root = _parse(text)
        except ET.ParseError as error:
            self.skipped["not XML"] += 1
            self._problem(line, f"not well-formed XML: {error.msg[:100]}")
            return
        system = {_local(e): e for e in _child(root, "System")}
        empty = ET.Element("")
        data = {name: (e.text or "") for e in _child(root, "EventData") if (name := e.get("Name")) is not None}
        event = self._events.event(
            origin=system.get("Provider", empty).get("Name") or system.get("Channel", empty).text,
            event_id=(system.get("EventID", empty).text or "").strip(),
            computer=system.get("Computer", empty).text,
            logged=system.get("TimeCreated", empty).get("SystemTime"),
            data=msgspec.convert(data, EventData),
            source=f"{self.name}:{line}",
        )
        if event is not None:
            out.append(event)


def _reject(text: bytes) -> str | None:
    """Why an event without CDATA cannot matter, told without parsing it; None where it can, or that is unclear."""
    ids = _ID.findall(text)
    if len(ids) != 1 or text.count(b"<EventID") != 1:
        return None
    if ids[0] not in _WANTED:
        return f"event {int(ids[0])}: not needed"
    if ids[0] != b"7":
        return None
    values = {name: value.decode("utf-8", "replace") for name, value in _PATHS.findall(text)}
    loaded, image = values.get(b"ImageLoaded"), values.get(b"Image")
    if loaded is None or image is None or "&" in loaded or tells(loaded) or image.lower() == loaded.lower():
        return None
    return "sysmon 7: no TLS library"


def _parse(text: bytes) -> ET.Element:
    """Parse one event; if it is not well-formed, once more without what XML forbids but command lines can hold.

    Raises:
        ParseError: still not well-formed.
    """
    try:
        return ET.fromstring(text)  # noqa: S314 -- see the import
    except ET.ParseError:
        repaired = _REFERENCE.sub(_legal, text.translate(_CONTROL).decode("utf-8", "replace"))
        return ET.fromstring(repaired)  # noqa: S314 -- see the import


def _legal(reference: re.Match[str]) -> str:
    code = int(reference[1], 16) if reference[1] else int(reference[2])
    legal = code in (9, 10, 13) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF
    return reference[0] if legal else "\ufffd"


def _local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _child(root: ET.Element, name: str) -> ET.Element:
    return next((e for e in root if _local(e) == name), ET.Element(""))


def recognises(head: bytes) -> bool:
    """Starts with `<Event` or `<Events`, after an XML declaration or comments at most."""
    return _START.match(head) is not None


FORMAT: Final = Format("event_xml", recognises, EventXmlReader)
