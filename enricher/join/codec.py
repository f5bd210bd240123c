"""Records as compact msgpack: arrays without field names, a small number for the type.

A record's bytes depend on nothing but the record, so the same record from two batches is one member of a set.
"""

from typing import Any, Final, TypeVar

import msgspec

from enricher.model.endpoint import ModuleLoad, NetworkConnect, ProcessEnd, ProcessStart, ProcessTamper
from enricher.model.observation import CertificateRecord, ConnectionRecord, Observation
from enricher.model.record import Record

R = TypeVar("R", bound=msgspec.Struct)

_TYPES: Final[tuple[type[Any], ...]] = (
    ProcessStart,
    ProcessEnd,
    ModuleLoad,
    NetworkConnect,
    ProcessTamper,
    Observation,
    CertificateRecord,
    ConnectionRecord,
)
"""The index is the number in the store: append only, so that a named namespace survives an upgrade."""

_TAGS: Final[dict[type[Any], int]] = {kind: number for number, kind in enumerate(_TYPES)}


def _mirror(kind: type[Any], number: int) -> Any:
    """The same fields, packed as an array. Not a subclass: it must never reach a JSON encoder in a record's place."""
    fields = [
        (f.name, f.type) if f.required else (f.name, f.type, f.default)  # defaults of records are immutable
        for f in msgspec.structs.fields(kind)
    ]
    return msgspec.defstruct(kind.__name__, fields, array_like=True, kw_only=True, frozen=True, tag=number)


_MIRRORS: Final[dict[Any, type[Any]]] = {_mirror(kind, number): kind for number, kind in enumerate(_TYPES)}
_UNION: Any = None
for _kind in _MIRRORS:
    _UNION = _kind if _UNION is None else _UNION | _kind

_pack: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_UNION).decode
_astuple: Final = msgspec.structs.astuple


def encode(record: Record) -> bytes:
    """The record's bytes in the store."""
    return _pack((_TAGS[type(record)], *_astuple(record)))


def decode(blob: bytes, kind: type[R]) -> R | None:
    """The record; None when the bytes are not one of this kind (somebody else wrote under our namespace)."""
    try:
        mirror = _decode(blob)
    except msgspec.DecodeError:
        return None
    found = _MIRRORS[type(mirror)]
    if not issubclass(found, kind):
        return None
    record: R = found(**msgspec.structs.asdict(mirror))
    return record


def decode_process_event(blob: bytes) -> ProcessStart | ProcessEnd | ModuleLoad | ProcessTamper | None:
    """The event; None when the bytes are none of these."""
    record = decode(blob, msgspec.Struct)
    return record if isinstance(record, ProcessStart | ProcessEnd | ModuleLoad | ProcessTamper) else None
