"""Records as compact msgpack: arrays without field names, a small number for the type.

A record's bytes depend on nothing but the record, so the same record from two batches is one member of a set.
"""

import functools
import operator
from collections.abc import Sequence
from types import GenericAlias
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

_STORED: Final[tuple[type[Any], ...]] = tuple(
    msgspec.defstruct(
        f"Stored{kind.__name__}",
        [],
        bases=(kind,),
        array_like=True,
        frozen=True,
        kw_only=True,
        tag_field="kind",
        tag=number,
    )
    for number, kind in enumerate(_TYPES)
)
"""The same records, packed as arrays. One that leaves the join must be made `plain`: as JSON it would be an array."""

_TAGS: Final[dict[type[Any], int]] = {kind: number for kinds in (_TYPES, _STORED) for number, kind in enumerate(kinds)}

_pack: Final = msgspec.msgpack.Encoder().encode
_ANY: Final = functools.reduce(operator.or_, _STORED)
_decode: Final = msgspec.msgpack.Decoder(_ANY).decode
_decode_array: Final = msgspec.msgpack.Decoder(GenericAlias(list, (_ANY,))).decode
_ARRAY: Final = b"\xdd"
"""Before the four bytes of its length."""
_astuple: Final = msgspec.structs.astuple


def encode(record: Record) -> bytes:
    """The record's bytes in the store."""
    return _pack((_TAGS[type(record)], *_astuple(record)))


def decode(blob: bytes, kind: type[R]) -> R | None:
    """The record; None when the bytes are not one of this kind (somebody else wrote under our namespace)."""
    try:
        record = _decode(blob)
    except msgspec.DecodeError:
        return None
    return record if isinstance(record, kind) else None


def decode_all(blobs: Sequence[bytes], kind: type[R]) -> list[R]:
    """The records of this kind among many, in their order."""
    try:  # as one array: a call for each would take half as long as the decoding
        records = _decode_array(b"".join((_ARRAY, len(blobs).to_bytes(4, "big"), *blobs)))
    except msgspec.DecodeError:
        return [record for blob in blobs if (record := decode(blob, kind)) is not None]
    return [record for record in records if isinstance(record, kind)]


def decode_process_event(blob: bytes) -> ProcessStart | ProcessEnd | ModuleLoad | ProcessTamper | None:
    """The event; None when the bytes are none of these."""
    record = decode(blob, msgspec.Struct)
    return record if isinstance(record, ProcessStart | ProcessEnd | ModuleLoad | ProcessTamper) else None


def plain(o: Observation) -> Observation:
    """The observation as its own type again."""
    return Observation(**msgspec.structs.asdict(o))
