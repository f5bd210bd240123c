"""Large captures made of the small ones in `pcaps/`: many clients, each with its own addresses, randoms and keys.

`mixed` is TLS-heavy: every session of `pcaps/` again and again, each copy from another network; with it downloads over some of
the sessions, DNS and plain HTTP. Of its packets about a third belong to handshakes. Its servers are popular ones, which keep
their names and certificates; in `strangers` every session has a name and a certificate of its own. `busy` is `mixed` at a time
at which the certificates are valid, and without the hours in which a small capture waits. `bulk` is one download after another. `flows` is a capture of connections that all begin and never end.
"""

import gzip
import random
import struct
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate, pairwise
from pathlib import Path
from typing import BinaryIO, NamedTuple

from enricher.sensor.capture import Sensor
from enricher.sensor.container import CaptureReader
from enricher.sensor.contract import Counters, Log, WireSettings
from enricher.sensor.x509 import Certificate

PCAPS = Path(__file__).resolve().parents[1] / "pcaps"
HEADER = struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
RETRY = bytes.fromhex("cf21ad74")
"""How the random of a HelloRetryRequest begins."""
IPV4, TCP, UDP = b"\x08\x00", 6, 17
PAUSE = 3.0
"""Longest pause of a small capture in `busy`, seconds."""
DOWNLOAD, NOISE = 160, 8
"""Packets of a download, and conversations without TLS, for each download."""
START = 1_767_000_000.0

Frames = list[tuple[float, bytes]]


class Flow(NamedTuple):
    """The frames of one IPv4 TCP connection over Ethernet."""

    frames: Frames
    began: float
    """Time of its capture's first frame."""

    def next_segment(self) -> tuple[bytes, int]:
        """Header of the frame that carried the server's latest data, and the sequence number that follows it."""
        server = self.frames[0][1][30:34]
        for _, frame in reversed(self.frames):
            head, size = 14 + 20 + (frame[46] >> 4) * 4, int.from_bytes(frame[16:18], "big") + 14
            if frame[26:30] == server and size > head:
                seq = int.from_bytes(frame[38:42], "big") + size - head
                return frame[:54], seq & 0xFFFFFFFF
        raise LookupError


def small_captures() -> Iterator[Frames]:
    """The frames of each capture in `pcaps/`; all are Ethernet's."""
    for path in sorted(PCAPS.glob("*/capture.*")):
        found: Frames = []
        counters = Counters()
        take = lambda _n, ts, data, start, end, found=found: found.append((ts, bytes(data[start:end])))  # noqa: E731
        reader = CaptureReader(lambda _link, take=take: take, counters, Log(path.name, 1, counters))
        reader.feed(gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes())
        if found:
            yield found


def connections(captures: Iterable[Frames]) -> list[Flow]:
    """Their TCP connections over IPv4 with data from the server."""
    by_tuple: defaultdict[tuple[float, frozenset[bytes]], Frames] = defaultdict(list)
    for frames in captures:
        for ts, frame in frames:
            if frame[12:15] == IPV4 + b"\x45" and frame[23] == TCP:
                sides = frozenset((frame[26:30] + frame[34:36], frame[30:34] + frame[36:38]))
                by_tuple[frames[0][0], sides].append((ts, frame))
    return [Flow(frames, began) for (began, _), frames in by_tuple.items() if len(frames) > 12]


def hurried(frames: Frames) -> Frames:
    """The frames without long pauses."""
    saved = accumulate((max(b - a - PAUSE, 0.0) for (a, _), (b, _) in pairwise(frames)), initial=0.0)
    return [(ts - by, frame) for (ts, frame), by in zip(frames, saved, strict=True)]


def moved(frames: Frames, copy: int, shift: float) -> Iterator[tuple[float, bytes]]:
    """The frames at another time and from other addresses."""
    network = struct.pack(">H", copy & 0xFFFF)
    for ts, frame in frames:
        new = bytearray(frame)
        if frame[12:14] == IPV4:
            for at in (26, 30):
                if frame[at] == 10:  # the lab's clients; its servers stay where they are, as popular servers do
                    new[at + 1 : at + 3] = network
        yield ts + shift, bytes(new)


class Small:
    """A small capture, and what in its frames is another in each session: randoms, session ids, keys, tickets."""

    def __init__(self, frames: Frames) -> None:
        self.frames = frames
        self.began = frames[0][0]
        once = {word for _, frame in frames for word in session_words(frame)}
        servers = server_words(frames)
        self._once = [[word for word in once if word in frame] for _, frame in frames]
        self._servers = [[word for word in servers if word in frame] for _, frame in frames]

    def copy(self, copy: int, shift: float, rng: random.Random, *, strangers: bool) -> Iterator[tuple[float, bytes]]:
        """Its sessions once more, with new clients; as `strangers` also with new servers."""
        new: dict[tuple[object, bytes], bytes] = {}
        frames: Frames = []
        for (ts, frame), once, servers in zip(self.frames, self._once, self._servers, strict=True):
            ends = frozenset((frame[26:30] + frame[34:36], frame[30:34] + frame[36:38]))
            words: list[tuple[object, bytes]] = [(None, word) for word in once]
            words += [(ends, word) for word in servers if strangers]
            changed = frame
            for key in words:
                if key not in new:
                    new[key] = renamed(key[1], rng) if key[0] else rng.randbytes(len(key[1]))
                changed = changed.replace(key[1], new[key])
            frames.append((ts, changed))
        return moved(frames, copy, shift - self.began)


def renamed(word: bytes, rng: random.Random) -> bytes:
    """Another host name with as many letters, or another serial number of the same sign."""
    label, dot, domain = word.partition(b".")
    if dot:
        return bytes(rng.choices(b"abcdefghijklmnopqrstuvwxyz", k=len(label))) + dot + domain
    return word[:1] + rng.randbytes(len(word) - 1)


def session_words(frame: bytes) -> Iterator[bytes]:
    """Of a hello that begins a TCP segment: random, session id, and the ends of its tickets and key shares."""
    data = 34 + (frame[46] >> 4) * 4 if frame[12:15] == IPV4 + b"\x45" and frame[23] == TCP else len(frame)
    hello = frame[data + 5 :]
    if frame[data : data + 2] != b"\x16\x03" or hello[:1] not in (b"\1", b"\2"):
        return
    at = 39 + hello[38]
    if hello[6:10] != RETRY:
        yield hello[6:30]  # what follows may be a server's mark of a downgrade
    if hello[38] >= 16:
        yield hello[39:at]
    if hello[0] == 1:
        at += 2 + int.from_bytes(hello[at : at + 2], "big")
        at += 1 + hello[at]
    else:
        at += 3
    at += 2
    while at + 4 <= len(hello):
        kind, size = struct.unpack_from(">HH", hello, at)
        at += 4 + size
        if kind in (35, 51) and size >= 36:
            yield hello[at - 32 : at]


def server_words(frames: Frames) -> set[bytes]:
    """Names that clients of a capture ask for, and serial numbers of the certificates that they get."""
    words: set[bytes] = set()

    class Reader:
        def facts(self, chain: tuple[bytes, ...], _name: str | None, _ts: float) -> dict[str, object]:
            serial = bytes.fromhex(Certificate(chain[0], 0).facts.get("cert_serial", "").lstrip("-"))
            words.update([serial] if len(serial) >= 8 else [])
            return {}

    data = b"".join(frame for _, frame in frames)
    ends = list(accumulate((len(frame) for _, frame in frames), initial=0))
    sensor = Sensor("small", WireSettings(), Reader())
    places = [(ts, *place) for (ts, _), place in zip(frames, pairwise(ends), strict=True)]
    for observation in [*sensor.packets(1, data, places), *sensor.close()]:
        words.update([observation.server_name.encode()] if observation.server_name else [])
    return words


def download(flow: Flow, packets: int) -> Iterator[bytes]:
    """Full-size segments of application data that follow what the server of a flow has sent."""
    header, seq = flow.next_segment()
    body = (b"\x17\x03\x03\x40\x00" + bytes(range(256)) * 64) * 8
    for i in range(packets):
        piece = body[(i * 1448) % 16389 :][:1448]
        total = struct.pack(">H", 20 + 32 + len(piece))
        yield b"".join(
            (header[:16], total, header[18:38], struct.pack(">I", seq), header[42:46], b"\x80\x10", header[48:54],
             b"\x01\x01\x08\x0a", bytes(8), piece)
        )  # fmt: skip
        seq = (seq + len(piece)) & 0xFFFFFFFF


def ipv4(protocol: int, source: bytes, destination: bytes, layer: bytes) -> bytes:
    """An Ethernet frame."""
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(layer), 0, 0, 64, protocol, 0)
    return b"".join((b"\2" * 6, b"\4" * 6, IPV4, ip, source, destination, layer))


def lookup(rng: random.Random) -> Iterator[bytes]:
    """A DNS query and its answer."""
    client, server, port, id_ = (
        b"\x0a" + rng.randbytes(3),
        b"\x0a\0\0\x35",
        rng.randrange(1024, 65536),
        rng.randbytes(2),
    )
    question = b"\3www\7example\3com\0\0\1\0\1"
    query = id_ + b"\1\0\0\1\0\0\0\0\0\0" + question
    answer = id_ + b"\x81\x80\0\1\0\1\0\0\0\0" + question + b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xcb\0\x71\1"
    yield ipv4(UDP, client, server, struct.pack(">HHHH", port, 53, 8 + len(query), 0) + query)
    yield ipv4(UDP, server, client, struct.pack(">HHHH", 53, port, 8 + len(answer), 0) + answer)


def page(rng: random.Random) -> Iterator[bytes]:
    """A plain HTTP connection: its handshake, a request, a response, its end."""
    sides = (b"\x0a" + rng.randbytes(3), rng.randrange(1024, 65536)), (b"\xcb\0\x71" + rng.randbytes(1), 80)
    seq = [rng.randrange(1 << 32), rng.randrange(1 << 32)]
    request = b"GET /index.html HTTP/1.1\r\nHost: www.example.com\r\nAccept: */*\r\n\r\n"
    response = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + rng.randbytes(rng.randrange(500, 20_000))
    pieces = [response[i : i + 1448] for i in range(0, len(response), 1448)]
    script = [(0, 2, b""), (1, 0x12, b""), (0, 0x10, b""), (0, 0x18, request), *((1, 0x10, piece) for piece in pieces)]
    for at, flags, data in [*script, (1, 0x11, b""), (0, 0x11, b""), (1, 0x10, b"")]:
        (source, a), (destination, b) = sides[at], sides[1 - at]
        header = struct.pack(">HHIIHHHH", a, b, seq[at], seq[1 - at], 0x5000 | flags, 512, 0, 0)
        yield ipv4(TCP, source, destination, header + data)
        seq[at] = (seq[at] + len(data) + (flags & 3 > 0)) & 0xFFFFFFFF


def noise(rng: random.Random, count: int) -> Iterator[tuple[float, bytes]]:
    """So many DNS lookups and a third as many plain HTTP connections, within five seconds."""
    for i in range(count):
        began = rng.random() * 5
        for frame in page(rng) if i % 4 == 0 else lookup(rng):
            yield began, frame
            began += 0.002


def mixed(out: BinaryIO, size: int, seed: int = 1, *, strangers: bool = False, busy: bool = False) -> int:
    """Write about `size` bytes; how many copies of the small captures it took."""
    rng = random.Random(seed)
    captures = [Small(hurried(frames) if busy else frames) for frames in small_captures()]
    flows = connections(small.frames for small in captures)
    out.write(HEADER)
    copy, shift = 0, max(small.began for small in captures) if busy else START
    while out.tell() < size:
        frames = [frame for small in captures for frame in small.copy(copy, shift, rng, strangers=strangers)]
        chosen = [rng.choice(flows) for _ in range(len(flows) // 4)]
        for flow in chosen:
            late = shift + flow.frames[-1][0] - flow.began + 0.001
            packets = [(late + i * 1e-4, f) for i, f in enumerate(download(flow, DOWNLOAD))]
            frames += moved(packets, copy, 0.0)
        frames += [(shift + ts, frame) for ts, frame in noise(rng, NOISE * len(chosen))]
        frames.sort(key=lambda pair: pair[0])
        write(out, frames)
        copy, shift = copy + 1, frames[-1][0] + 0.01  # in the order of time, by which Zeek ends connections
    return copy


def strangers(out: BinaryIO, size: int) -> int:
    """As `mixed`, with other names and certificates in each session."""
    return mixed(out, size, strangers=True)


def busy(out: BinaryIO, size: int) -> int:
    """As `mixed`, at the time of the small captures and without their long pauses."""
    return mixed(out, size, busy=True)


def bulk(out: BinaryIO, size: int, seed: int = 1) -> int:
    """Write about `size` bytes of downloads of 7 MB each; how many connections."""
    rng = random.Random(seed)
    flows = connections(small_captures())
    out.write(HEADER)
    count = 0
    while out.tell() < size:
        flow = rng.choice(flows)
        shift = START + count
        data = [(shift + 1 + i * 1e-4, f) for i, f in enumerate(download(flow, 5000))]
        write(out, moved(flow.frames, count, shift - flow.frames[0][0]))
        write(out, moved(data, count, 0.0))
        count += 1
    return count


def flows(out: BinaryIO, count: int) -> None:
    """Write `count` connections that begin with a SYN and half a ClientHello, all of which stay open."""
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32)
    out.write(HEADER)
    ethernet = b"\2" * 6 + b"\4" * 6 + IPV4
    for part in (b"", hello):
        for i in range(count):
            ip = (
                struct.pack(">BBHHHBBHI", 0x45, 0, 40 + len(part), 0, 0, 64, TCP, 0, 0x0A000000 + (i >> 4))
                + b"\xcb\0\x71\1"
            )
            flags = 0x5018 if part else 0x5002
            tcp = struct.pack(">HHIIHHHH", 40000 + (i & 15), 443, 100 + bool(part), 0, flags, 512, 0, 0)
            # One at a time: what the maker holds would count as memory of whoever it starts.
            write(out, [(START + i * 1e-6 + bool(part), ethernet + ip + tcp + part)])


def write(out: BinaryIO, frames: Iterable[tuple[float, bytes]]) -> None:
    """Append frames as pcap records."""
    for ts, frame in frames:
        out.write(struct.pack("<IIII", int(ts), int(ts % 1 * 1e6), len(frame), len(frame)) + frame)


def made(path: Path, how: Callable[[BinaryIO, int], object], amount: int) -> Path:
    """A capture, unless it is there from an earlier run."""
    if not path.exists():
        part = path.with_suffix(".part")
        with part.open("wb") as out:
            how(out, amount)
        part.rename(path)
    return path
