"""Blanks the records of an EVTX chunk that cannot matter, so that the parser does not render them.

A record starts as Windows' event log service writes it: a fragment header, then an instance of the provider's system
template, whose value 3 is the EventID and whose last value is the fragment of EventData. A blanked record loses one
byte, the fragment header's first, and is rendered as nothing; template definitions that stand in it stay where later
records refer to them. Where a record looks otherwise it is left to the parser.
(Layout: libyal's "Windows XML Event Log (EVTX) format", sections 4 and 5.)
"""

import struct
from collections import Counter
from typing import Final

from enricher.formats._memo import LONGEST, Memo
from enricher.formats._security import SECURITY
from enricher.formats._sysmon import SYSMON, tells

BLANK: Final = '{"Event":null}'
"""What the parser makes of a blanked record."""

_FIRST_RECORD: Final = 512
_RECORD_MAGIC: Final = b"**\0\0"
_INSTANCE_MAGIC: Final = b"\x0f\x01\x01\x00\x0c"
_RECORD: Final = struct.Struct("<4sI16x5sx4xIIHxxHxxHxxHB")
"""Magic and size of a record; its fragment header and template token; where the chunk has the template's definition;
then, unless the definition stands here, `_VALUES`."""
_SIZE: Final = struct.Struct("<I")
_SIZE_AT: Final = 4
_FRAGMENT_AT: Final = 24
_INSTANCE: Final = struct.Struct("<5sx4xI")
_INSTANCE_END: Final = _FRAGMENT_AT + _INSTANCE.size
_DEFINITION: Final = struct.Struct("<20xI")
"""Size of a template's definition, which stands where it is first used."""
_VALUES: Final = struct.Struct("<IHxxHxxHxxHB")
"""Number of values, sizes of the first four, type of the fourth."""
_LOAD_VALUES: Final = struct.Struct("<IHxxHxxHBxHBxHBxHB")
"""Number of values, sizes of the first six, types of the third to sixth."""
_UINT16: Final = struct.Struct("<H")
_STRING, _UINT16_TYPE, _UINT32_TYPE = 0x01, 0x06, 0x08
_WANTED: Final = frozenset(SYSMON) | frozenset(SECURITY)
_MODULE_LOAD: Final = 7
_NOT_TLS: Final = "sysmon 7: no TLS library"


class Blanker:
    """Decides by the event id, and for Sysmon's module loads by the module's path.

    Args:
        skipped: where to count why.
    """

    def __init__(self, skipped: Counter[str]) -> None:
        self._skipped = skipped
        self._reasons = Memo(_reason)
        self._sizes = Memo(_before_last)
        self._paths = Memo(_tells)

    def blank(self, chunk: bytes, blanked: bytearray | memoryview) -> int:
        """Blank what cannot matter, up to the first record that is broken.

        Args:
            chunk: as it is read.
            blanked: the same, in which each run of such records becomes one blank record.

        Returns:
            How many they were.
        """
        at, run, end = _FIRST_RECORD, 0, len(chunk)
        rejected: list[str] = []
        unpack, values_of, uint16_of, reasons = (
            _RECORD.unpack_from,
            _VALUES.unpack_from,
            _UINT16.unpack_from,
            self._reasons,
        )
        try:
            while True:
                magic, size, instance, definition, count, size0, size1, size2, size3, type3 = unpack(chunk, at)
                if magic != _RECORD_MAGIC or not _FRAGMENT_AT < size <= end - at:
                    break
                reason = None
                if instance == _INSTANCE_MAGIC:
                    values = at + _INSTANCE_END
                    if definition == values:
                        values = _after(chunk, values)
                        count, size0, size1, size2, size3, type3 = values_of(chunk, values)
                    if type3 == _UINT16_TYPE and size3 == _UINT16.size:
                        data = values + 4 + 4 * count
                        (event_id,) = uint16_of(chunk, data + size0 + size1 + size2)
                        reason = reasons[event_id]
                        if event_id == _MODULE_LOAD and not self._load_is_idle(chunk, values, data):
                            reason = None
                if reason is not None:
                    rejected.append(reason)
                    if not run:
                        run = at
                        blanked[at + _FRAGMENT_AT] = 0
                elif run:
                    _SIZE.pack_into(blanked, run + _SIZE_AT, at - run)
                    run = 0
                at += size
        except struct.error:
            pass
        if run:
            _SIZE.pack_into(blanked, run + _SIZE_AT, at - run)
        self._skipped.update(rejected)
        return len(rejected)

    def _load_is_idle(self, chunk: bytes, values: int, data: int) -> bool:
        """Whether Sysmon's event 7 names a module that tells nothing and is not the process's own image.

        Image and ImageLoaded are the strings after ProcessId; RuleName stands before it since Sysmon 8.
        """
        if data - values > LONGEST:
            return False
        at = data + self._sizes[chunk[values + 4 : data - 4]]
        magic, definition = _INSTANCE.unpack_from(chunk, at)
        if magic != _INSTANCE_MAGIC:
            return False
        values = at + _INSTANCE.size
        if definition == values:
            values = _after(chunk, values)
        count, s0, s1, s2, t2, s3, t3, s4, t4, s5, t5 = _LOAD_VALUES.unpack_from(chunk, values)
        image = values + 4 + 4 * count + s0 + s1 + s2
        if t3 == _UINT32_TYPE and t4 == t5 == _STRING:
            image, image_size, loaded_size = image + s3, s4, s5
        elif t2 == _UINT32_TYPE and t3 == t4 == _STRING:
            image_size, loaded_size = s3, s4
        else:
            return False
        loaded = image + image_size
        path = chunk[loaded : loaded + loaded_size]
        return not self._paths[path] and (image_size != loaded_size or chunk[image:loaded].lower() != path.lower())


def _after(chunk: bytes, definition: int) -> int:
    """Where the template definition ends that starts at `definition`."""
    (size,) = _DEFINITION.unpack_from(chunk, definition)
    return definition + _DEFINITION.size + int(size)


def _reason(event_id: int) -> str | None:
    """Why events of this id cannot matter, unless one is a module load that does; None: they can."""
    if event_id == _MODULE_LOAD:
        return _NOT_TLS
    return None if event_id in _WANTED else f"event {event_id}: not needed"


def _before_last(descriptors: bytes) -> int:
    """Bytes of the values that are described here, which are all but the last."""
    return sum(size for size, _ in struct.iter_unpack("<HH", descriptors))


def _tells(path: bytes) -> bool:
    return tells(path.decode("utf-16-le", "replace").rstrip("\0"))
