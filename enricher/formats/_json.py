"""Windows events as JSON, one a line."""

import json
from typing import Any, Final, TypeVar

import msgspec

from enricher.formats._lines import LineReader
from enricher.formats._sieve import Sieve
from enricher.formats._windows import WindowsEvents
from enricher.model.record import Record

T = TypeVar("T")

_ADVICE: Final = "one JSON object must stand on each line (for an array: jq -c '.[]')"


class Decoder(msgspec.Struct, frozen=True):
    """Decodes JSON to a type, fast where it is strict JSON, else leniently.

    An event with a lone surrogate, a raw control character or broken UTF-8 in a command line is still an event:
    losing it would let a process hide itself.
    """

    strict: msgspec.json.Decoder[Any]

    def decode(self, data: bytes | str) -> Any:
        """The value of JSON text.

        Raises:
            ValueError: not JSON, or not of this type.
        """
        try:
            return self.strict.decode(data)
        except msgspec.ValidationError:
            raise
        except ValueError:
            text = data if isinstance(data, str) else data.decode("utf-8", "replace")
            try:
                value = json.loads(text, strict=False)
            except RecursionError:
                raise ValueError("nested too deeply") from None
            return msgspec.convert(value, self.strict.type)


class JsonReader(LineReader):
    """Reads JSON lines; also an array whose elements stand on lines of their own."""

    sieve: Sieve[bytes]

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.events = WindowsEvents(self.skipped)

    def _line(self, block: bytes, start: int, end: int, out: list[Record]) -> None:
        reason = self.sieve.reject(block, start, end)
        if reason is not None:
            self.records += 1
            self.skipped[reason] += 1
            return
        line = block[start:end].strip(b" \t\r,[]")
        if not line:
            return
        self.records += 1
        try:
            record = self._event(line)
        except msgspec.ValidationError:
            self.skipped["not an event"] += 1
        except ValueError:
            self.skipped["not JSON"] += 1
            if self._last:
                self._problem(self._number, "the input ends within a record", "the file may still be written")
            else:
                self._problem(self._number, "not valid JSON", _ADVICE)
        else:
            if record is not None:
                out.append(record)

    def _event(self, line: bytes) -> Record | None:
        """Decode one event.

        Raises:
            ValueError: not JSON.
        """
        raise NotImplementedError


def has_key(head: bytes, *keys: str) -> bool:
    """Whether JSON text has one of these keys."""
    return any(f'"{key}":'.encode() in head or f'"{key}" :'.encode() in head for key in keys)
