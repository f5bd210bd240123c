r"""Syslog, RFC 5424: facts as structured data, the sentence as message.

PARAM-VALUE escapes `"`, `\` and `]` (6.3.3); a PARAM-NAME may stand more than once in one element. The element's id
uses the enterprise number that RFC 5612 sets aside for use without registration. Facility is local0.
"""

import re
from collections.abc import Iterator
from typing import Final

from enricher.model.verdict import Notice
from enricher.sinks.encoding import _facts as facts
from enricher.sinks.encoding._encoding import Encoding, Origin
from enricher.sinks.encoding._fit import BACKSLASHED, RECORD, fit

_FACILITY: Final = 16
_SEVERITIES: Final = {"informational": 6, "low": 5, "medium": 4, "high": 1}
"""Informational, notice, warning, alert."""

_BOM: Final = b"\xef\xbb\xbf"
_ELEMENT: Final = b"[an1496@32473"
_ESCAPED: Final = re.compile(r'["\\\]]')
_UNPRINTABLE: Final = re.compile(r"[^\x21-\x7e]")
_MESSAGE: Final = 1000
"""Characters of the sentence."""


def header(notice: Notice, origin: Origin) -> bytes:
    """PRI, VERSION, TIMESTAMP, HOSTNAME, APP-NAME, PROCID, MSGID and the blank after them."""
    priority = _FACILITY * 8 + _SEVERITIES[notice.severity]
    host = _UNPRINTABLE.sub("", origin.host or "")[:255] or "-"
    time = facts.iso(notice.last) or "-"
    return f"<{priority}>1 {time} {host} {facts.PRODUCT} - {notice.attack.analytic[:32]} ".encode()


def wrapped(notice: Notice, origin: Origin, payload: bytes) -> bytes:
    """A record of another format as the message, without structured data."""
    return header(notice, origin) + b"- " + payload


def _write(notice: Notice, origin: Origin) -> bytes:
    head = header(notice, origin)
    message = b"] " + _BOM + notice.summary[:_MESSAGE].encode()
    room = RECORD - len(head) - len(_ELEMENT) - len(message)
    return head + _ELEMENT + b"".join(fit(_params(notice), room, _param)) + message


def _param(name: str, value: str) -> bytes:
    return f' {name}="{_ESCAPED.sub(BACKSLASHED, value)}"'.encode()


def _params(notice: Notice) -> Iterator[tuple[str, str | None]]:
    process, server = notice.process, notice.server
    yield "id", notice.id
    yield "revision", str(notice.revision)
    yield "severity", notice.severity
    yield "score", str(notice.score)
    yield "analytic", notice.attack.analytic
    for technique in notice.attack.technique:
        yield "technique", technique
    yield "legs", facts.legs(notice)
    for disposition in facts.dispositions(notice):
        yield "ledger", disposition
    yield "first", facts.iso(notice.first)
    yield "count", str(notice.count)
    yield "host", notice.host
    yield "dst", server.address
    yield "dpt", str(server.port)
    yield "sni", server.name
    yield from _process(notice)
    for evidence in notice.evidence:
        yield "evidence", facts.weighed(evidence)
    for gap in notice.unseen:
        yield "unseen", gap
    for client in notice.client:
        yield "src", client
    for session in notice.sessions:
        yield "uid", session.uid
        yield "communityId", session.community_id
    yield "certSha256", server.cert_sha256
    yield "certSubject", server.subject
    yield "certIssuer", server.issuer
    yield "commandLine", process.command_line if process else None


def _process(notice: Notice) -> Iterator[tuple[str, str | None]]:
    process = notice.process
    if process is None:
        return
    yield "image", process.image
    yield "pid", None if process.pid is None else str(process.pid)
    yield "guid", process.guid
    yield "user", process.user
    for name, value in sorted(facts.file_hashes(notice).items()):
        yield re.sub(r"[^a-z0-9]", "", name)[:32] or "hash", value


ENCODING = Encoding("rfc5424", _write, "text/plain; charset=utf-8")
