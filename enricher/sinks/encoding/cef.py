r"""ArcSight Common Event Format, version 0.

Header fields escape `\` and `|`, extension values `\` and `=`; neither may hold a raw newline, and ours hold none
(Micro Focus, "Implementing ArcSight Common Event Format", version 26, "Character encoding"). Keys are those of its
extension dictionary; what that has no key for goes into the custom strings, each with its label.
"""

import re
from collections.abc import Iterator
from typing import Final

from enricher.model.verdict import Notice
from enricher.sinks.encoding import _facts as facts
from enricher.sinks.encoding._encoding import Encoding, Origin
from enricher.sinks.encoding._fit import BACKSLASHED, RECORD, fit

_SEVERITIES: Final = {"informational": 1, "low": 3, "medium": 6, "high": 8}
"""0 to 3 is low to a reader of CEF, 4 to 6 medium, 7 and 8 high."""

_HEADER: Final = re.compile(r"[\\|]")
_EXTENSION: Final = re.compile(r"[\\=]")

_SYSLOG_HEADER: Final = 200
"""Bytes that the header of a syslog message may take of the record."""


def _write(notice: Notice, origin: Origin) -> bytes:
    fields = (facts.VENDOR, facts.PRODUCT, origin.version, notice.attack.analytic, facts.title(notice)[:512])
    escaped = [_HEADER.sub(BACKSLASHED, field) for field in fields]
    head = "|".join(["CEF:0", *escaped, str(_SEVERITIES[notice.severity]), ""]).encode()
    return head + b"".join(fit(_extension(notice, origin), RECORD - _SYSLOG_HEADER - len(head), _pair)).lstrip(b" ")


def _pair(name: str, value: str) -> bytes:
    return f" {name}={_EXTENSION.sub(BACKSLASHED, value)}".encode()


def _extension(notice: Notice, origin: Origin) -> Iterator[tuple[str, str | None]]:
    process, server = notice.process, notice.server
    yield "externalId", notice.id
    yield from _custom("cn1", "revision", str(notice.revision))
    yield from _custom("cn2", "score", str(notice.score))
    yield "start", _number(facts.milliseconds(notice.first))
    yield "end", _number(facts.milliseconds(notice.last))
    yield "cnt", str(notice.count)
    yield from _custom("cs4", "attack", ",".join((notice.attack.analytic, *notice.attack.technique)))
    yield from _custom("cs2", "legs", facts.legs(notice))
    yield from _custom("flexString1", "ledger", ",".join(facts.dispositions(notice)))
    yield from _ends(notice)
    yield "shost", notice.host
    yield "dvchost", origin.host
    yield from _process(notice)
    yield from _custom("cs3", "communityId", ",".join(facts.distinct(s.community_id for s in notice.sessions)))
    yield from _custom("flexString2", "uids", ",".join(s.uid for s in notice.sessions))
    yield "msg", notice.summary
    yield from _custom("cs1", "evidence", ",".join(map(facts.weighed, notice.evidence)))
    yield from _custom("cs5", "unseen", " ".join(notice.unseen))
    yield from _custom("cs6", "commandLine", process.command_line if process else None)
    yield "dhost", server.name


def _number(value: int | None) -> str | None:
    return None if value is None else str(value)


def _custom(key: str, label: str, value: str | None) -> Iterator[tuple[str, str | None]]:
    yield key, value
    yield f"{key}Label", label if value else None


def _ends(notice: Notice) -> Iterator[tuple[str, str | None]]:
    """`src` and `dst` hold IPv4 only; IPv6 has custom fields with labels of their own."""
    source = next(filter(None, map(facts.address, notice.client)), None)
    target = facts.address(notice.server.address)
    for value, key, custom, label in (
        (source, "src", "c6a2", "Source IPv6 Address"),
        (target, "dst", "c6a3", "Destination IPv6 Address"),
    ):
        if value and ":" in value:
            yield from _custom(custom, label, value)
        else:
            yield key, value
    yield "dpt", str(notice.server.port)
    if len(notice.sessions) == 1 and notice.count == 1:
        client, _ = facts.ends(notice, notice.sessions[0])
        yield "spt", str(client[1])


def _process(notice: Notice) -> Iterator[tuple[str, str | None]]:
    process = notice.process
    if process is None:
        return
    domain, user = facts.account(process.user)
    yield "sntdom", domain
    yield "suser", user
    yield "sproc", facts.base_name(process.image)
    yield "spid", _number(process.pid)
    yield "filePath", process.image
    yield "fileHash", ",".join(f"{name}:{value}" for name, value in sorted(facts.file_hashes(notice).items()))


ENCODING = Encoding("cef", _write, "text/plain; charset=utf-8")
