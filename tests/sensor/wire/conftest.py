"""Captures made on the spot: from TLS messages up to files, each layer open to what a test wants to spoil."""

import hashlib
import struct
from ipaddress import ip_address

import pytest

from enricher.sensor.capture import Sensor, WireSettings
from enricher.sensor.contract import Counters
from enricher.sensor.datagram_table import DatagramTable
from enricher.sensor.facts import Observer
from enricher.sensor.hellos import Hellos
from enricher.sensor.packet import reverse

CLIENT, SERVER = ("10.0.0.1", 40000), ("203.0.113.9", 443)
CLIENT6, SERVER6 = ("2001:db8::1", 40000), ("2001:db8:1::9", 443)
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


class Hashes:
    """Stands for the room that reads certificates."""

    def facts(self, chain, server_name, ts):
        return {"cert_chain_fps": tuple(hashlib.sha256(der).hexdigest() for der in chain)}


class Wire:
    """Builders. `c` marks bytes from the client, `s` from the server."""

    client, server, client6, server6 = CLIENT, SERVER, CLIENT6, SERVER6
    fin, syn, rst, ack = FIN, SYN, RST, ACK

    @staticmethod
    def vector(size, body):
        return len(body).to_bytes(size, "big") + body

    def extension(self, kind, body=b""):
        return struct.pack(">H", kind) + self.vector(2, body)

    def server_name(self, name=b"example.org"):
        return self.extension(0, self.vector(2, b"\0" + self.vector(2, name)))

    def shorts(self, *values):
        return struct.pack(f">{len(values)}H", *values)

    def client_hello(
        self, version=0x0303, ciphers=(0xC02F, 0x009C), extensions=None, session=b"", random=bytes(32), tail=b""
    ):
        if extensions is None:
            extensions = [self.server_name(), self.extension(10, self.vector(2, self.shorts(29, 23)))]
        body = struct.pack(">H", version) + random + self.vector(1, session)
        body += self.vector(2, self.shorts(*ciphers)) + b"\1\0"
        if extensions:
            body += self.vector(2, b"".join(extensions))
        return self.message(1, body + tail)

    def server_hello(self, version=0x0303, cipher=0xC02F, extensions=(), session=b"", random=bytes(range(32))):
        body = struct.pack(">H", version) + random + self.vector(1, session) + struct.pack(">HB", cipher, 0)
        if extensions:
            body += self.vector(2, b"".join(extensions))
        return self.message(2, body)

    def certificate(self, *chain):
        return self.message(11, self.vector(3, b"".join(self.vector(3, der) for der in chain)))

    def message(self, kind, body=b""):
        return bytes([kind]) + self.vector(3, body)

    def record(self, body, kind=22, version=0x0303):
        return struct.pack(">BH", kind, version) + self.vector(2, body)

    def alert(self, level, description):
        return self.record(bytes([level, description]), kind=21)

    @property
    def ccs(self):
        return self.record(b"\1", kind=20)

    @property
    def finished(self):
        return self.record(bytes(40))

    @property
    def data(self):
        return self.record(bytes(64), kind=23)

    @property
    def key_exchange(self):
        return self.message(12, b"\3" + self.shorts(29) + self.vector(1, bytes(32)) + bytes(8))

    def full(self, hello=None, server=None, chain=(b"leaf", b"issuer")):
        """A whole TLS 1.2 handshake: bytes by direction, flight by flight."""
        flight = (server or self.server_hello()) + self.certificate(*chain) + self.key_exchange + self.message(14)
        return [
            ("c", self.record(hello or self.client_hello())),
            ("s", self.record(flight)),
            ("c", self.record(self.message(16, bytes(33))) + self.ccs + self.finished),
            ("s", self.ccs + self.finished),
            ("c", self.data),
        ]

    def tls13(self, hello=None, extensions=()):
        """A TLS 1.3 handshake in middlebox compatibility mode."""
        share = self.extension(51, self.shorts(29) + self.vector(2, bytes(32)))
        chosen = [self.extension(43, self.shorts(0x0304)), share, *extensions]
        offered = [self.server_name(), self.extension(43, self.vector(1, self.shorts(0x0304, 0x0303)))]
        return [
            ("c", self.record(hello or self.client_hello(extensions=offered, session=b"i" * 32))),
            ("s", self.record(self.server_hello(cipher=0x1301, extensions=chosen, session=b"i" * 32)) + self.ccs),
            ("s", self.data),
            ("c", self.ccs + self.data),
        ]

    def retry(self):
        chosen = [self.extension(43, self.shorts(0x0304)), self.extension(51, self.shorts(23))]
        return self.server_hello(cipher=0x1301, extensions=chosen, session=b"i" * 32, random=RETRY)

    def tcp(self, source, destination, seq, flags, payload=b"", ack=0, pad=b""):
        segment = struct.pack(
            ">HHIIBBHHH", source[1], destination[1], seq % 2**32, ack % 2**32, 0x50, flags, 8192, 0, 0
        )
        segment += payload
        addresses = ip_address(source[0]).packed, ip_address(destination[0]).packed
        if len(addresses[0]) == 4:
            header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(segment), 0, 0, 64, 6, 0)
        else:
            header = struct.pack(">IHBB", 6 << 28, len(segment), 6, 64)
        return header + b"".join(addresses) + segment + pad

    def ethernet(self, ip, tags=()):
        kind = b"\x08\x00" if ip[0] >> 4 == 4 else b"\x86\xdd"
        return bytes(12) + b"".join(tag + b"\0\7" for tag in tags) + kind + ip

    def conversation(
        self, flights, client=CLIENT, server=SERVER, mss=1460, syn=True, end=FIN, isn=(1000, 2**32 - 100), start=1.7e9
    ):
        """IP packets of a TCP connection, each with its time, a millisecond apart."""
        packets = []
        seqs = {"c": isn[0], "s": isn[1]}
        ends = {"c": (client, server), "s": (server, client)}

        def send(side, flags, payload=b""):
            packets.append((start + len(packets) / 1000, self.tcp(*ends[side], seqs[side], flags, payload)))
            seqs[side] += len(payload) + bool(flags & (SYN | FIN))

        if syn:
            send("c", SYN)
            send("s", SYN | ACK)
        else:
            seqs = {side: seq + 1 for side, seq in seqs.items()}
        for side, data in flights:
            for offset in range(0, len(data), mss):
                whole = offset + mss >= len(data)  # the end of a write is pushed
                send(side, ACK | PSH if whole else ACK, data[offset : offset + mss])
        if end:
            send("c", end | ACK)
            if end == FIN:
                send("s", end | ACK)
        return packets

    def pcap(self, packets, order="<", nano=False, link=1):
        """A pcap file of IP packets (Ethernet put around them) or of frames as they are for other link types."""
        records = [struct.pack(order + "IHHiIII", 0xA1B23C4D if nano else 0xA1B2C3D4, 2, 4, 0, 0, 262144, link)]
        units = 10**9 if nano else 10**6
        for ts, packet in packets:
            frame = self.ethernet(packet) if link == 1 else packet
            fraction = round((ts - int(ts)) * units)
            records.append(struct.pack(order + "IIII", int(ts), fraction, len(frame), len(frame)) + frame)
        return b"".join(records)

    def sensor(self, **settings):
        return Sensor("x.pcap", WireSettings(**settings), Hashes())

    def sense(self, capture, chunk=None, **settings):
        """Observations of a capture, fed whole or in chunks."""
        sensor = self.sensor(**settings)
        size = chunk or len(capture) or 1
        found = []
        for offset in range(0, len(capture), size):
            found += sensor.feed(capture[offset : offset + size])
        return found + sensor.close()

    def observe(self, flights, **how):
        """The only Observation of a conversation."""
        (observation,) = self.sense(self.pcap(self.conversation(flights, **how)))
        return observation


class Datagrams:
    """Builders of DTLS, and a table that takes what they build. `c` is the client's side, `s` the server's."""

    key = bytes((10, 0, 0, 1, 203, 0, 113, 9)) + struct.pack(">HH", 40000, 4433)

    def __init__(self, wire):
        self.wire = wire

    def record(self, body, kind=22, epoch=0, number=0, version=0xFEFD):
        return struct.pack(">BHHHI", kind, version, epoch, number >> 32, number & 0xFFFFFFFF) + self.wire.vector(
            2, body
        )

    def fragment(self, message, number, offset=0, size=None):
        """A piece of a TLS message as a DTLS handshake message number `number`."""
        body = message[4:]
        piece = body[offset:] if size is None else body[offset : offset + size]
        return (
            message[:4] + struct.pack(">H", number) + offset.to_bytes(3, "big") + len(piece).to_bytes(3, "big") + piece
        )

    def client_hello(self, cookie=b"", version=0xFEFD, random=bytes(range(32)), **how):
        hello = self.wire.client_hello(version=version, random=random, **how)
        session = 4 + 2 + 32 + 1 + hello[38]
        return self.wire.message(1, hello[4:session] + self.wire.vector(1, cookie) + hello[session:])

    def full(self, version=0xFEFD, chain=(b"leaf", b"issuer"), random=bytes(range(32))):
        """A DTLS 1.2 handshake with cookie: side and handshake messages, change_cipher_spec or ciphertext, in order."""
        hello = {"version": version, "random": random}
        wire, verify = self.wire, self.wire.message(3, struct.pack(">H", version) + b"\4cook")
        return [
            ("c", self.fragment(self.client_hello(**hello), 0)),
            ("s", self.fragment(verify, 0)),
            ("c", self.fragment(self.client_hello(cookie=b"cook", **hello), 1)),
            ("s", self.fragment(wire.server_hello(version=version), 1)),
            ("s", self.fragment(wire.certificate(*chain), 2)),
            ("s", self.fragment(wire.key_exchange, 3)),
            ("s", self.fragment(wire.message(14), 4)),
            ("c", self.fragment(wire.message(16, bytes(33)), 2)),
            ("c", "ccs"),
            ("c", "finished"),
            ("s", "ccs"),
            ("s", "finished"),
        ]

    def datagrams(self, parts, version=0xFEFD):
        """One record with each part, one datagram with each record."""
        found, numbers = [], {"c": 0, "s": 0}
        for side, part in parts:
            how = {"number": numbers[side], "version": version}
            numbers[side] += 1
            if part == "ccs":
                found.append((side, self.record(b"\1", kind=20, **how)))
            elif part == "finished":
                found.append((side, self.record(bytes(40), epoch=1, **how)))
            else:
                found.append((side, self.record(part, **how)))
        return found

    def packet(self, side, data):
        """An IPv4 packet with this UDP payload."""
        key = self.key if side == "c" else reverse(self.key)
        header = struct.pack(">BBHHHBBH", 0x45, 0, 28 + len(data), 0, 0, 64, 17, 0) + key[:8]
        return header + key[8:] + struct.pack(">HH", 8 + len(data), 0) + data

    def table(self, **settings):
        """A table, what it counts, and the list in which its Observations appear."""
        seen, counters, observer = [], Counters(), Observer("x", Hashes())

        def report(*connection):
            seen.append(observer.observe(*connection))

        return DatagramTable(WireSettings(**settings), counters, Hellos(), report), counters, seen

    def feed(self, table, datagrams, start=1.7e9, step=0.01, key=key, frame=1):
        for number, (side, data) in enumerate(datagrams):
            place = key if side == "c" else reverse(key)
            table.packet(frame + number, start + number * step, place, b"pad" + data + b"pad", 3, 3 + len(data))

    def sense(self, datagrams, **settings):
        """Observations of the datagrams of one address pair."""
        table, _, seen = self.table(**settings)
        self.feed(table, datagrams)
        table.close()
        return seen

    def observe(self, datagrams, **settings):
        """The only one."""
        (observation,) = self.sense(datagrams, **settings)
        return observation


@pytest.fixture(scope="session")
def wire():
    return Wire()


@pytest.fixture(scope="session")
def udp(wire):
    return Datagrams(wire)
