"""Zeek's WebSocket API, JSON version 1: a notice as the event that the Zeek package turns into one of Zeek's notices.

An event is flat: what it has no argument for is not in it. What Zeek answers is read here too.

Source: Zeek's manual on the WebSocket API, and Broker's on its JSON representation of values.
"""

from datetime import UTC, datetime
from typing import Any, Final, Literal

import msgspec

from enricher.model.text import visible
from enricher.model.verdict import Notice, NoticeSession
from enricher.sinks.encoding._encoding import Encoding, Origin
from enricher.sinks.encoding._facts import address

TOPIC: Final = "/an1496/notices"
RECEIPTS: Final = "/an1496/receipts"
"""Where the package tells what arrived."""

_EVENT: Final = "AN1496::correlated_process_v1"
_RECEIPT: Final = "AN1496::correlation_received"
_LONGEST_NAME: Final = 300
_LONGEST_TEXT: Final = 1000
_LATEST: Final = 9_223_372_036
"""Zeek's times are nanoseconds since 1970 in 63 bits."""
_NO_ADDRESS: Final = "0.0.0.0"  # noqa: S104 -- nobody listens there
"""What Zeek writes where there is none."""
_encode = msgspec.json.Encoder().encode


class _Value(msgspec.Struct, frozen=True):
    kind: str = msgspec.field(name="@data-type")
    data: Any


class _Message(msgspec.Struct, frozen=True, tag_field="type", tag="data-message"):
    topic: str
    data: tuple[_Value, _Value, _Value]
    kind: Literal["vector"] = msgspec.field(name="@data-type", default="vector")


class Ack(msgspec.Struct, frozen=True, tag_field="type", tag="ack"):
    """Zeek's answer to the subscriptions."""

    version: str
    """Zeek's."""


class Refusal(msgspec.Struct, frozen=True, tag_field="type", tag="error"):
    """What Zeek says of a message that it could not use."""

    code: str
    context: str


class Receipt(msgspec.Struct, frozen=True, array_like=True):
    """The package has seen this revision of this notice."""

    id: str
    revision: int


class Event(msgspec.Struct, frozen=True):
    """An event that somebody published."""

    name: Any
    arguments: tuple[Any, ...]


_decode = msgspec.json.Decoder(_Message | Ack | Refusal).decode


def subscriptions(*topics: str) -> bytes:
    """The first message to Zeek: which topics we listen to; none given: where the package tells what arrived."""
    return _encode(topics or (RECEIPTS,))


def _write(notice: Notice, _origin: Origin) -> bytes:
    uid, client, server = _connection(notice)
    arguments = (
        _text(notice.id),
        _Value("count", notice.revision),
        _text(notice.severity),
        _Value("integer", notice.score),
        _Value("timestamp", _time(notice.first)),
        _Value("count", notice.count),
        _text(uid),
        *client,
        *server,
        _text(notice.host or ""),
        _text(_process(notice)),
        _text(notice.summary, _LONGEST_TEXT),
        _text(_evidence(notice), _LONGEST_TEXT),
    )
    version, kind = _Value("count", 1), _Value("count", 1)
    call = _Value("vector", (_Value("string", _EVENT), _Value("vector", arguments)))
    return _encode(_Message(TOPIC, (version, kind, call)))


def reply(message: str | bytes) -> Ack | Refusal | Receipt | None:
    """What Zeek says; None: an event that is not for us.

    Raises:
        ValueError: not a message of this protocol.
    """
    said = heard(message)
    if not isinstance(said, Event):
        return said
    return msgspec.convert(said.arguments, Receipt) if said.name == _RECEIPT else None


def heard(message: str | bytes) -> Ack | Refusal | Event:
    """What Zeek says, whatever event it is.

    Raises:
        ValueError: not a message of this protocol.
    """
    said: _Message | Ack | Refusal = _decode(message)
    if not isinstance(said, _Message):
        return said
    try:
        name, arguments = said.data[2].data
        return Event(name["data"], tuple(value["data"] for value in arguments["data"]))
    except (TypeError, KeyError, ValueError) as error:
        raise msgspec.ValidationError("an event without name or arguments") from error


def _text(value: str, limit: int = _LONGEST_NAME) -> _Value:
    return _Value("string", visible(value, limit))


def _time(seconds: float) -> str:
    """Broker's timestamps are UTC, in ISO 8601 without a zone."""
    return datetime.fromtimestamp(min(max(seconds, 0.0), _LATEST), UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")


def _connection(notice: Notice) -> tuple[str, tuple[_Value, _Value], tuple[_Value, _Value]]:
    """Uid and ends of the first session; where it has none any more, those who spoke."""
    if not notice.sessions:
        client = notice.client[0] if notice.client else _NO_ADDRESS
        return "", _end(client, 0, "?"), _end(notice.server.address, notice.server.port, "?")
    first = notice.sessions[0]
    carrier = _carrier(first)
    return first.uid, _end(first.orig_h, first.orig_p, carrier), _end(first.resp_h, first.resp_p, carrier)


def _end(host: str, port: int, carrier: str) -> tuple[_Value, _Value]:
    return _Value("address", address(host) or _NO_ADDRESS), _Value("port", f"{port}/{carrier}")


def _carrier(session: NoticeSession) -> str:
    """The fingerprint's first letter tells what carried the session; without one, nobody does."""
    return {"t": "tcp", "d": "udp", "q": "udp"}.get((session.ja4 or "?")[0], "?")


def _process(notice: Notice) -> str:
    if notice.process is not None:
        return notice.process.image or ""
    return " or ".join(notice.candidates)


def _evidence(notice: Notice) -> str:
    """What weighs most comes first, as there is not room for all."""
    weighty = sorted((e for e in notice.evidence if e.weight), key=lambda e: -abs(e.weight))
    return "; ".join(f"{e.text.removesuffix('.')} ({e.weight:+d})" for e in weighty)


ENCODING = Encoding("zeek_event", _write, "application/json")
