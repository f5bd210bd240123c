"""Who a session is between, and what makes two sessions the same story."""

import hashlib
from typing import NamedTuple

import msgspec

from enricher.model.session import Session
from enricher.model.text import clean


class Ends(NamedTuple):
    """Addresses by role; the sensor may have taken them the wrong way round."""

    client: str
    server: str
    port: int


def ends(session: Session) -> Ends:
    """Client and server of a session."""
    seen = session.observation
    if session.flipped:
        return Ends(seen.resp_h, seen.orig_h, seen.orig_p)
    return Ends(seen.orig_h, seen.resp_h, seen.resp_p)


def notice_id(session: Session) -> str:
    """The id of the notice that tells of this session, whether or not one is written.

    From host, process, server address, port and server name; where the process has no GUID, its pid and start; where
    there is no process, the client's address. `AN1496-` and 16 hex digits of a SHA-256.
    """
    process, (client, server, port) = session.process, ends(session)
    if process is None:
        who: tuple[object, ...] = ("client", client)
    elif process.guid:
        who = ("guid", process.guid)
    else:
        who = ("pid", process.pid, process.start)
    key = clean((session.host, *who, server, port, session.observation.server_name))
    return "AN1496-" + hashlib.sha256(msgspec.json.encode(key)).hexdigest()[:16]
