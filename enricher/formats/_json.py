"""Windows events as JSON, one a line."""

import io
import json
from typing import Any, Final, TypeVar

import msgspec

from enricher.formats._lines import LineReader
from enricher.formats._sieve import Sieve
from enricher.formats._windows import WindowsEvents
from enricher.model.record import Record

T = TypeVar("T")

_AROUND: Final = b" \t\r,[]"
"""What may stand around an object that is an element of an array."""
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

    def __init__(self, name: str, id_key: bytes, loaded_key: bytes, image_key: bytes) -> None:
        super().__init__(name)
        self.events = WindowsEvents(self.skipped)
        self._sieve = Sieve(id_key, loaded_key, image_key, self.skipped)

    def _next(self, lines: io.BytesIO) -> bytes:
        line, passed = self._sieve.pass_over(lines)
        self._number += passed
        self.records += passed
        return line

    def _line(self, line: bytes, out: list[Record]) -> None:
        line = line.strip(_AROUND)
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

    def _alone(self, line: bytes) -> bytes:
        return line.strip(_AROUND)

    def _event(self, line: bytes) -> Record | None:
        """Decode one event.

        Raises:
            ValueError: not JSON.
        """
        raise NotImplementedError


def has_key(head: bytes, *keys: str) -> bool:
    """Whether JSON text has one of these keys."""
    return any(f'"{key}":'.encode() in head or f'"{key}" :'.encode() in head for key in keys)
