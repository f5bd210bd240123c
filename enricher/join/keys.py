"""Names of the store's keys.

    c:{address}:bucket     connection records of endpoints        score: their time, in microseconds
    o:{address}:bucket     observations                           score: their time
    i:{shard}              which (address, bucket) hold observations
    a:{address}            first and last claim of a host to the address, per clock and 10 minutes
    p:{host}:pid           start, end, modules, tampers of the processes that had the pid
    l:{host}               loads of telling libraries             score: their time; a service's: of some hours
    b:{host}:bucket        binds, and connections whose local address is unknown
    n                      host names: what each reports, by which clock, on which machine
    r:{client}             full handshakes that a resumed session could resume, by server, name and time
    x:{shard} u:{shard}    certificate and connection facts, found by prefix: fingerprint, uid
    g:{shard}              which names reported which ProcessGuid, found by prefix: its machine part
    v:{ja4} v:             HyperLogLog of client addresses per JA4, and of all

Everything but `v` is a sorted set: a set is order-independent and idempotent, and the order lets the server drop the
oldest beyond a bound. Braces are hash tags of Redis Cluster: observations and connection records of one address, and
all records of one host, share a slot.

Both sides of a connection are filed under the side with the higher port, which is nearly always the client's: so
every record of a 5-tuple, from any host, in any direction, lies in one bucket, and no busy server becomes one hot key.

A replay's keys gather many records, so that a batch touches few. A service's keys (`exact`) hold what belongs together
and no more: each expires by itself when nothing came for as long as records are kept, and what one record touches is
little to read. What it touched is known from the record, so that no list of buckets is kept. Where something always
comes, what is older goes: the score is when it came. In `a` and `r` it is their own time,
and what is far older than the newest goes. In `p` nothing goes by age: what a process loaded at its start is wanted for
as long as it lives.
"""

from typing import Final
from zlib import crc32

INDEX_SHARDS: Final = 64
FACT_SHARDS: Final = 256
CLAIM_SLOT: Final = 600
"""Seconds in which one host's claims to an address are one interval."""

_LOADS_SLOT: Final = 4 * 3600 * 1_000_000

_SERVICES: Final = 1 << 32

_PORTS: Final = 8
"""Bits of the port that one bucket spans: 256 ports, so that a batch touches few keys."""


Pair = tuple[str, int, int]
"""Under what everything about two sides is filed: address and `port_bucket` of one, port of the other."""


def pair(a_ip: str, a_port: int, b_ip: str, b_port: int, bits: int = _PORTS) -> Pair:
    """The same whichever side comes first; a bucket spans 2 to the `bits` ports."""
    if a_port > b_port or (a_port == b_port and a_ip > b_ip):
        return a_ip, a_port >> bits, b_port
    return b_ip, b_port >> bits, a_port


def bucket_name(at: Pair) -> str:
    """What follows the address in the names of a pair's keys."""
    return f"{at[1]}.{at[2]}"


def port_bucket(port: int) -> int:
    """The bucket of a local port alone."""
    return port >> _PORTS


def short_name(host: str) -> str:
    """What FQDN, DNS label and NetBIOS name of one host share: at most 15 characters of the first label."""
    return host.partition(".")[0][:15]


def process_place(pid: int | None, guid: str | None) -> int | str:
    """Where a process's events lie: by pid, so that products with and without guids meet; else by guid."""
    return f"g{guid}" if pid is None else pid


def shard(text: str, shards: int) -> int:
    """Spread keys evenly; the same everywhere (unlike hash())."""
    return crc32(text.encode("utf-8", "surrogatepass")) % shards


class Keys:
    """Key names under one namespace."""

    def __init__(self, namespace: str, *, exact: bool = False) -> None:
        self.names = f"{namespace}:n"
        self.seen = f"{namespace}:v:"
        self.exact = exact
        self.port_bits = 0 if exact else _PORTS
        self._p = namespace

    def connections(self, address: str, name: str) -> str:
        """Connection records of a bucket."""
        return f"{self._p}:c:{{{address}}}:{name}"

    def observations(self, address: str, name: str) -> str:
        """Observations of a bucket."""
        return f"{self._p}:o:{{{address}}}:{name}"

    def index(self, number: int) -> str:
        """One shard of the list of buckets with observations."""
        return f"{self._p}:i:{{{number}}}"

    def claims(self, address: str) -> str:
        """Claims of hosts to an address."""
        return f"{self._p}:a:{{{address}}}"

    def process(self, host: str, place: int | str) -> str:
        """Events of the processes at one `process_place`."""
        return f"{self._p}:p:{{{short_name(host)}}}:{place}"

    def loads(self, host: str, when: int) -> str:
        """Loads of telling libraries on a host, at a time in microseconds."""
        return f"{self._p}:l:{{{short_name(host)}}}" + (f":{when // _LOADS_SLOT}" if self.exact else "")

    def binds(self, host: str, port: int) -> str:
        """Binds on a host."""
        return f"{self._p}:b:{{{short_name(host)}}}:{port_bucket(port)}"

    def machine(self, machine: str) -> str:
        """The shard of a machine's ProcessGuids."""
        return f"{self._p}:g:{{{machine if self.exact else shard(machine, INDEX_SHARDS)}}}"

    def resumable(self, client: str, service: str) -> str:
        """Full handshakes of a client."""
        return f"{self._p}:r:{{{client}}}" + (f":{shard(service, _SERVICES)}" if self.exact else "")

    def certificates(self, fingerprint: str) -> str:
        """The shard of a certificate's facts."""
        return f"{self._p}:x:{{{fingerprint if self.exact else shard(fingerprint, FACT_SHARDS)}}}"

    def facts(self, uid: str) -> str:
        """The shard of a connection's facts."""
        return f"{self._p}:u:{{{uid if self.exact else shard(uid, FACT_SHARDS)}}}"

    def prevalence(self, ja4: str) -> str:
        """Client addresses of one JA4."""
        return f"{self._p}:v:{{{ja4}}}"
