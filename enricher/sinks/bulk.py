"""The bulk API of Elasticsearch and OpenSearch: what is sent, and what the answer says of each document.

Notices are revised, and data streams are append-only: they take the action `create` alone, and Elastic advises an
index where documents are updated by `_id`. So the default is an index and the action `index` with the notice's id as
`_id`: a revision overwrites. Its number goes along as external version, so that a retry that comes late cannot put
an older revision over a newer one: that is answered with 409, and what should be there is there. In a data stream
each revision is a document of its own, `id:revision`; 409 says that it is there already.
"""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import msgspec

from enricher.model.text import visible
from enricher.model.verdict import Notice
from enricher.sinks import jsonl

_CONFLICT: Final = 409
_LATER: Final = frozenset((401, 403, 408, 429))
"""Rights, blocks and load change; the document may be taken then. So may it after 5xx."""
_REASON: Final = 300


class Target(NamedTuple):
    """Where documents go: an index, an alias or a data stream."""

    name: str
    data_stream: bool = False


class Answer(msgspec.Struct, frozen=True):
    """What became of the documents, by their place in the request; those not named are stored."""

    rejected: dict[int, str]
    """Never to be taken; why."""
    again: dict[int, str]
    """Not taken now; why."""


def body(documents: Iterable[tuple[Notice, bytes]], target: Target) -> bytes:
    """Action and document, one a line each, the last line ended too."""
    lines: list[bytes] = []
    for notice, document in documents:
        lines += [jsonl.encode(_action(notice, target)), document]
    return b"\n".join([*lines, b""])


def _action(notice: Notice, target: Target) -> dict[str, Any]:
    if target.data_stream:
        return {"create": {"_index": target.name, "_id": f"{notice.id}:{notice.revision}"}}
    version = {"version": notice.revision, "version_type": "external_gte"}
    return {"index": {"_index": target.name, "_id": notice.id, **version}}


class _Item(msgspec.Struct):
    status: int
    error: Any = None


class _Response(msgspec.Struct):
    items: list[dict[str, _Item]]


def answer(response: bytes, count: int) -> Answer | None:
    """Read the answer to a request of `count` documents; None: it is none, so that nothing is known."""
    try:
        items = msgspec.json.decode(response, type=_Response).items
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    results = [item for wrapped in items for item in wrapped.values()]
    if len(results) != count:
        return None
    failed = {at: item for at, item in enumerate(results) if not 200 <= item.status < 300 and item.status != _CONFLICT}
    later = {at for at, item in failed.items() if item.status in _LATER or item.status >= 500}
    return Answer(
        rejected={at: _why(item) for at, item in failed.items() if at not in later},
        again={at: _why(item) for at, item in failed.items() if at in later},
    )


def _why(item: _Item) -> str:
    error = item.error if isinstance(item.error, dict) else {}
    words = [f"status {item.status}", *(str(error[key]) for key in ("type", "reason") if key in error)]
    return visible(", ".join(words), _REASON)


def template(packaged: bytes, target: Target) -> bytes:
    """The index template for a target, to be PUT to `_index_template/NAME`."""
    whole: dict[str, Any] = msgspec.json.decode(packaged)
    whole["index_patterns"] = [target.name if target.data_stream else f"{target.name}*"]
    if target.data_stream:
        whole["data_stream"] = {}
    return jsonl.encode(whole)
