"""Valid inputs to start from, cut out of the bundled captures and their logs; none is kept in the repository."""

import gzip
import struct
from collections import defaultdict
from functools import cache
from pathlib import Path

from enricher import formats
from enricher.sensor.capture import Sensor, WireSettings
from enricher.sensor.container import CaptureReader
from enricher.sensor.contract import Counters, Log

PCAPS = Path(__file__).resolve().parents[2] / "pcaps"
_LONGEST = 4000
_FLOWS = 12
"""Connections taken of each capture."""
_TCP, _UDP = 6, 17
_CHANGE_CIPHER_SPEC, _HANDSHAKE = 20, 22
_CLIENT_HELLO, _SERVER_HELLO, _CERTIFICATE = 1, 2, 11
_TOLD = (_CLIENT_HELLO, _SERVER_HELLO, _CERTIFICATE)
_ZEEK = (
    b"#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tssl\n"
    b"#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tversion\tcipher\tserver_name\tresumed\testablished"
    b"\tssl_history\tcert_chain_fps\n"
    b"#types\ttime\tstring\taddr\tport\taddr\tport\tstring\tstring\tstring\tbool\tbool\tstring\tvector[string]\n"
    b"1767225600.500000\tCabc\t192.0.2.1\t40000\t198.51.100.2\t443\tTLSv12\tTLS_AES_128_GCM_SHA256\texample.org\tF\tT"
    b"\tCsxknGIi\taa,bb\n#close\t2026-01-01-00-00-00\n"
)
_EVENT = (
    b'{"Event":{"System":{"Provider":{"#attributes":{"Name":"Microsoft-Windows-Sysmon"}},"EventID":3,"Computer":"h",'
    b'"TimeCreated":{"#attributes":{"SystemTime":"2026-03-01T10:00:00.250Z"}}},"EventData":{"UtcTime":'
    b'"2026-03-01 10:00:00.250","ProcessGuid":"b7ad2636-10ec-6b05-981e-000000000600","ProcessId":4,"Image":'
    b'"C:\\\\a.exe","Protocol":"tcp","Initiated":true,"SourceIp":"192.0.2.1","SourcePort":40000,"DestinationIp":'
    b'"198.51.100.2","DestinationPort":443}}}\n'
)
_EVE = (
    b'{"timestamp":"2026-03-01T10:00:00.250000+0000","flow_id":1,"event_type":"tls","src_ip":"192.0.2.7","src_port":1,'
    b'"dest_ip":"198.51.100.9","dest_port":443,"proto":"TCP","tls":{"subject":"C=US, CN=a","serial":"00:C0",'
    b'"fingerprint":"8f:51:12:06:a0:cc:4e:cd:e8:a3:8b:38:f8:87:59:e5:af:95:ca:cd","version":"TLS 1.2",'
    b'"chain":["bGVhZg=="]}}\n'
)
_WRITTEN = {"zeek": _ZEEK, "event_json": _EVENT, "suricata": _EVE, "evtx": b"ElfFile\0" + bytes(4088) + b"ElfChnk\0"}
_DIALOGUES = (
    ((1, b"220 mx ESMTP\r\n"), (0, b"EHLO a\r\n"), (1, b"250 STARTTLS\r\n"), (0, b"STARTTLS\r\n"), (1, b"220 go\r\n")),
    ((1, b"* OK ready\r\n"), (0, b"a STARTTLS\r\n"), (1, b"a OK go\r\n")),
    ((1, b"+OK ready\r\n"), (0, b"STLS\r\n"), (1, b"+OK go\r\n")),
    ((1, b"220 ftp\r\n"), (0, b"AUTH TLS\r\n"), (1, b"234 go\r\n")),
    ((0, b"STARTTLS\r\n"), (1, b":irc 670 a :go\r\n")),
    (
        (0, b"<?xml version='1.0'?><stream:stream to='a' xmlns='jabber:client'>"),
        (1, b"<?xml version='1.0'?><stream:stream id='1'><stream:features/>"),
        (0, b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
        (1, b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
    ),
    (
        (0, bytes.fromhex("301d02010177188016") + b"1.3.6.1.4.1.1466.20037"),
        (1, bytes.fromhex("300c02010178070a010004000400")),
    ),
    ((0, bytes.fromhex("0000000804d2162f")), (1, b"S")),
    (
        (1, b"\x37\0\0\0\x0a8.0.36\0" + bytes(13) + b"\xff\xff\xff\2\0\xff\xdf\x15" + bytes(26)),
        (0, bytes.fromhex("2000000185aeff1900000001ff") + bytes(23)),
    ),
    (
        (0, bytes.fromhex("030000130ee000000000000100080003000000")),
        (1, bytes.fromhex("030000130ed000001234000200080001000000")),
    ),
    ((0, b"CONNECT a.example:443 HTTP/1.1\r\nHost: a\r\n\r\n"), (1, b"HTTP/1.1 200 ok\r\n\r\n")),
    ((0, bytes.fromhex("040101bbc6336402") + b"me\0"), (1, bytes.fromhex("005a01bbc6336402"))),
    (
        (0, b"\5\1\0"), (1, b"\5\0"),
        (0, b"\5\1\0\3\7a.local\1\xbb"), (1, b"\5\0\0\1\0\0\0\0\0\0"),
    ),
    ((0, bytes.fromhex("802e0100020015000000100100800200800300800400800600400700c0") + bytes(19)),),
)  # fmt: skip
"""What precedes TLS that starts later; and a hello of SSLv2."""


@cache
def _files():
    return tuple(_read(path) for path in sorted(PCAPS.glob("*/capture*")))


def _read(path):
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def captures():
    return [data[:_LONGEST] for data in _files()]


@cache
def conversations():
    """Ethernet frames of the first connections of each capture, of whatever they are."""
    found = []
    for data in _files():
        flows = defaultdict(list)

        def packet(_frame, _ts, buffer, start, end, flows=flows):
            frame = buffer[start:end]
            parsed = _transport(frame)
            if parsed is not None:
                flows[frozenset(parsed[1:3])].append(frame)

        counters = Counters()
        CaptureReader(lambda _link, packet=packet: packet, counters, Log("seed", 1, counters)).feed(data)
        found += [frames[:20] for frames in flows.values()][:_FLOWS]
    return tuple(found)


def _transport(frame):
    """Protocol, source, destination and payload of a plain frame."""
    if frame[12:14] == b"\x08\x00" and frame[14] == 0x45:
        protocol, at, addresses = frame[23], 34, (frame[26:30], frame[30:34])
        end = 14 + int.from_bytes(frame[16:18], "big")
    elif frame[12:14] == b"\x86\xdd":
        protocol, at, addresses = frame[20], 54, (frame[22:38], frame[38:54])
        end = 54 + int.from_bytes(frame[18:20], "big")
    else:
        return None
    if protocol not in (_TCP, _UDP) or len(frame) < at + 8:
        return None
    ends = (addresses[0] + frame[at : at + 2], addresses[1] + frame[at + 2 : at + 4])
    start = at + (8 if protocol == _UDP else (frame[at + 12] >> 4) * 4)
    return protocol, *ends, frame[start:end]


def _talks(protocol):
    """Payloads of each connection in their order, with the side that sent them; side 0 spoke first."""
    for frames in conversations():
        parsed = [_transport(frame) for frame in frames]
        if parsed[0][0] == protocol:
            yield [(int(source != parsed[0][1]), payload) for _, source, _, payload in parsed if payload]


def tls_streams():
    """Talks of two sides that come to TLS, at once or later."""
    hello = next(talk for talk in _talks(_TCP))[:2]
    yield from ([*dialogue, *hello] for dialogue in _DIALOGUES)
    for talk in _talks(_TCP):
        kept, size = [], 0
        for side, payload in talk:
            size += len(payload)
            if size > _LONGEST:
                break
            kept.append((side, payload))
        if kept:
            yield kept


def messages():
    """Handshake messages that stand whole in one record."""
    found = []
    for talk in _talks(_TCP):
        for _, payload in talk:
            bodies = [body for kind, body in _records(payload) if kind == _HANDSHAKE]
            found += [message for body in bodies for message in _cut(body) if message[0] in _TOLD]
    return sorted(set(found), key=lambda message: (message[0], len(message)))[::4]


def hellos():
    """ClientHello messages, few of them."""
    return [message for message in messages() if message[0] == 1][::5]


def datagrams():
    """Datagrams of associations; hellos as DTLS sends them, whole and in two fragments; TLS talks turned into DTLS."""
    yield from _talks(_UDP)
    for message in hellos():
        for size in (_LONGEST, 1 + len(message) // 2):
            parts = _fragments(message, 0, size)
            yield [(0, _dtls_record(number, part)) for number, part in enumerate(parts[::-1])]
    yield from filter(None, map(_as_dtls, list(_talks(_TCP))[::7]))


def _fragments(message, number, size):
    """A TLS message as DTLS 1.2 has it, cut; a ClientHello has an empty cookie after its session id."""
    body = message[4:]
    if message[0] in (_CLIENT_HELLO, _SERVER_HELLO):
        body = b"\xfe\xfd" + body[2:]
    if message[0] == _CLIENT_HELLO:
        body = body[: 35 + body[34]] + b"\0" + body[35 + body[34] :]
    head = message[:1] + len(body).to_bytes(3, "big") + number.to_bytes(2, "big")
    parts = [(at, body[at : at + size]) for at in range(0, len(body) or 1, size)]
    return [head + at.to_bytes(3, "big") + len(part).to_bytes(3, "big") + part for at, part in parts]


def _as_dtls(talk):
    out, sent, epoch = [], [0, 0], [0, 0]
    for side, payload in talk[:6]:
        for kind, body in _records(payload):
            if kind == _HANDSHAKE and not epoch[side]:
                for message in _cut(body):
                    out.append((side, _dtls_record(sent[side], *_fragments(message, sent[side], _LONGEST))))
                    sent[side] += 1
            else:
                out.append((side, _dtls_record(sent[side], body, kind, epoch[side])))
                epoch[side] |= kind == _CHANGE_CIPHER_SPEC
                sent[side] += 1
    return out


def _records(payload):
    while payload[:2] in (b"\x14\x03", b"\x15\x03", b"\x16\x03"):
        end = 5 + int.from_bytes(payload[3:5], "big")
        yield payload[0], payload[5:end]
        payload = payload[end:]


def _cut(body):
    while len(body) >= 4:
        end = 4 + int.from_bytes(body[1:4], "big")
        if end <= len(body):
            yield body[:end]
        body = body[end:]


def _dtls_record(number, body, kind=22, epoch=0):
    place = epoch.to_bytes(2, "big") + number.to_bytes(6, "big")
    return bytes([kind]) + b"\xfe\xfd" + place + len(body).to_bytes(2, "big") + body


def layers():
    """Frames by link type: one IP packet in every envelope."""
    ip = next(
        frame[14:] for frames in conversations() for frame in frames if frame[12:14] == b"\x08\0" and len(frame) > 90
    )
    ethernet = bytes(12) + b"\x08\0" + ip

    def ipv4(protocol, body):
        return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 7, 0, 64, protocol, 0) + bytes(range(8)) + body

    def udp(port, body):
        return ipv4(_UDP, struct.pack(">HHHH", port, port, 8 + len(body), 0) + body)

    tunnels = [
        ipv4(4, ip),
        ipv4(47, b"\0\0\x08\0" + ip),
        ipv4(47, b"\xb0\0\x08\0" + bytes(12) + ip),
        ipv4(47, b"\0\0\x65\x58" + ethernet),
        ipv4(47, b"\x10\0\x88\xbe" + bytes(4) + b"\x10\0\0\0\0\0\0\0" + ethernet),
        ipv4(47, b"\x30\x81\x88\x0b" + struct.pack(">HHII", 4 + len(ip), 1, 1, 1) + b"\xff\x03\0\x21" + ip),
        udp(4789, b"\x08\0\0\0\0\0\7\0" + ethernet),
        udp(6081, b"\0\0\x65\x58\0\0\7\0" + ethernet),
        udp(2152, struct.pack(">BBHI", 0x30, 255, len(ip), 7) + ip),
        udp(3544, b"\x60\0\0\0" + struct.pack(">HBB", len(ip) - 20, _TCP, 64) + bytes(32) + ip[20:]),
        struct.pack(">BBHHHBBH", 0x45, 0, 60, 7, 0x2000, 64, _TCP, 0) + ip[12:20] + ip[20:60],
        struct.pack(">BBHHHBBH", 0x45, 0, len(ip) - 40, 7, 5, 64, _TCP, 0) + ip[12:20] + ip[60:],
        b"\x60\0\0\0" + struct.pack(">HBB", len(ip) - 12, 44, 64) + bytes(32) + b"\6\0\0\1\0\0\0\7" + ip[20:],
    ]
    return {
        0: [b"\2\0\0\0" + ip],
        1: [
            bytes(12) + b"\x81\0\0\7\x08\0" + ip,
            bytes(12) + b"\x88\xa8\0\7\x81\0\0\7\x08\0" + ip,
            bytes(12) + b"\x88\x47\0\0\x71\x40" + ip,
            bytes(12) + b"\x88\x64\x11\0\0\7" + struct.pack(">H", len(ip) + 2) + b"\0\x21" + ip,
            bytes(12) + struct.pack(">H", len(ip) + 8) + b"\xaa\xaa\3\0\0\0\x08\0" + ip,
            *(bytes(12) + (b"\x08\0" if tunnel[0] >> 4 == 4 else b"\x86\xdd") + tunnel for tunnel in tunnels),
        ],
        9: [b"\xff\3\0\x21" + ip],
        101: [ip, *tunnels],
        104: [b"\x0f\0\x08\0" + ip],
        105: [b"\x08\0" + bytes(22) + b"\xaa\xaa\3\0\0\0\x08\0" + ip],
        108: [b"\0\0\0\2" + ip],
        113: [bytes(14) + b"\x08\0" + ip],
        127: [b"\0\0\x08\0\0\0\0\0\x08\0" + bytes(22) + b"\xaa\xaa\3\0\0\0\x08\0" + ip],
        276: [b"\x08\0" + bytes(18) + ip],
    }


class _Collector:
    def __init__(self):
        self.chains = set()

    def facts(self, chain, _server_name, _ts):
        self.chains.add(chain)
        return {}


@cache
def chains():
    """Certificate chains of servers."""
    collector = _Collector()
    for data in _files():
        sensor = Sensor("seed", WireSettings(), collector)
        sensor.feed(data)
        sensor.close()
    return tuple(sorted(chain for chain in collector.chains if sum(map(len, chain)) < _LONGEST))


def logs(format_id):
    """The first lines of each bundled log of a format; of formats that are not bundled, something like it."""
    if format_id in _WRITTEN:
        return [_WRITTEN[format_id]]
    heads = (
        _read(path)[:_LONGEST] for path in sorted(PCAPS.glob("*/*")) if ".json" in path.name or ".xml" in path.name
    )
    return [head for head in heads if formats.recognise(head) == format_id]
