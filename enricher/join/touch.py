"""What a batch of records touches: buckets whose sessions may change, and topics that other buckets listen to. Pure.

A session depends on more than its own bucket: on the processes that its connection records name, on certificate and
connection facts kept in other logs, on the full handshake that it resumed. Who depends on such a thing listens to its
topic; what arrives touches everyone who listens. What concerns a whole host (names, clocks, addresses) touches nobody:
it would touch everybody, again and again, so it is taken into account whenever a session is judged, the last time when
it is settled.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from enricher.join.duplicates import Connection
from enricher.join.keys import bucket_name, pair, process_place, short_name
from enricher.join.live_keys import Bucket
from enricher.join.reader import Tuple5
from enricher.join.routing import SEP, service, split
from enricher.model.endpoint import NetworkConnect
from enricher.model.observation import CertificateRecord, ConnectionRecord, Observation
from enricher.model.record import Record
from enricher.model.session import Session


class Touch:
    """What some records touch."""

    def __init__(self) -> None:
        self.buckets: set[Bucket] = set()
        self.topics: set[str] = set()
        self.latest: dict[tuple[str, str], float] = {}
        """Host name and clock of connection records → time of the latest."""

    def add(self, records: Iterable[Record]) -> None:
        """Take records."""
        for record in records:
            if isinstance(record, NetworkConnect):
                self._connection(record)
            elif isinstance(record, Observation):
                self.buckets.add(bucket_of(record))
                if record.cert_chain_fps and not record.resumed:
                    self.topics.add(_resumable(record))
            elif isinstance(record, CertificateRecord):
                self.topics.add(f"x{record.fingerprint}")
            elif isinstance(record, ConnectionRecord):
                self.topics.add(f"u{record.uid}")
            else:
                self.topics.add(_process(record.host, process_place(record.pid, record.guid)))

    def _connection(self, c: NetworkConnect) -> None:
        if c.local_ip is not None and c.remote_ip is not None and c.remote_port is not None:
            self.buckets.add(bucket_between(c.local_ip, c.local_port, c.remote_ip, c.remote_port))
        at = c.host, c.clock
        self.latest[at] = max(c.ts, self.latest.get(at, c.ts))


def bucket_of(o: Observation) -> Bucket:
    """Where an observation lies."""
    return bucket_between(o.orig_h, o.orig_p, o.resp_h, o.resp_p)


def bucket_between(a_ip: str, a_port: int, b_ip: str, b_port: int) -> Bucket:
    """Where all that concerns two sides lies."""
    at = pair(a_ip, a_port, b_ip, b_port, 0)
    return at[0], bucket_name(at)


def bucket_at(connection: Connection) -> Bucket:
    """Where a 5-tuple lies."""
    return bucket_between(*connection[1], *connection[2])


def buckets_of(members: Iterable[bytes]) -> Iterator[Bucket]:
    """Buckets from how the store lists them; what is none has others written."""
    return ((parts[0], parts[1]) for parts in split(members) if len(parts) == 2)


def topics(there: Tuple5, sessions: Iterable[Session]) -> set[str]:
    """What the sessions of one 5-tuple are told by."""
    found = {_process(record.host, process_place(record.pid, record.guid)) for record in there.records}
    for session in sessions:
        o = session.observation
        if session.host is not None and session.process is not None:
            found.add(_process(session.host, process_place(session.process.pid, session.process.guid)))
        if o.cert_chain_fps and o.cert_subject is None:
            found.add(f"x{o.cert_chain_fps[0]}")
        if o.sensor == "ssl.log" or o.community_id is None:
            found.add(f"u{o.uid}")
        if o.resumed:
            found.add(_resumable(o))
    return found


def _process(host: str, place: Any) -> str:
    return f"p{short_name(host)}{SEP}{place}"


def _resumable(o: Observation) -> str:
    return f"r{o.orig_h}{SEP}{service(o)}"
