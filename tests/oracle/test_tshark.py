"""Wireshark's dissector, an implementation that is not ours, sees in the bundled captures what our sensor sees."""

import gzip
import hashlib
import re
import shutil
import subprocess
from collections import defaultdict
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from enricher.model.observation import Observation
from enricher.sensor import names
from enricher.sensor.capture import Sensor, WireSettings
from enricher.sensor.certificate import Certificates

PCAPS: Final = Path(__file__).resolve().parents[2] / "pcaps"
CAPTURES: Final = sorted(PCAPS.glob("*/*.pcap*"))
CLIENT_HELLO, SERVER_HELLO = 1, 2
RETRY: Final = "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c"
GREASE: Final = re.compile(r"(?<=[_,])([0-9a-f]a)\1,")
TRANSPORTS: Final = ("tls", "dtls")
PACKET: Final = (
    *("frame.protocols", "tcp.stream", "udp.stream"),
    *(f"{layer}.{end}" for layer in ("ip", "ipv6") for end in ("src", "dst")),
    *(f"{layer}.{end}port" for layer in ("tcp", "udp") for end in ("src", "dst")),
)
MESSAGES: Final = {
    "type": "handshake.type",
    "version": "handshake.version",
    "random": "handshake.random",
    "supported_version": "handshake.extensions.supported_version",
    "cipher": "handshake.ciphersuite",
    "server_name": "handshake.extensions_server_name",
    "alpn": "handshake.extensions_alpn_str",
    "certificate": "handshake.certificate",
    "key_exchange_group": "handshake.server_named_curve",
    "share_group": "handshake.extensions_key_share_group",
    "ja3": "handshake.ja3",
    "ja3_raw": "handshake.ja3_full",
    "ja3s": "handshake.ja3s",
    "ja3s_raw": "handshake.ja3s_full",
    "ja4": "handshake.ja4",
    "ja4_raw": "handshake.ja4_r",
    "alert": "alert_message.desc",
}
"""Our word for a field of Wireshark, whose name starts with the transport."""

pytestmark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
each_capture = pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: f"{path.parent.name}/{path.name}")

Fields = dict[str, list[str]]


class Stream(NamedTuple):
    """What one side after the other sent on a connection in which Wireshark found a hello."""

    transport: str
    ends: tuple[str, int, str, int]
    client: list[Fields]
    server: list[Fields]


@cache
def known_fields() -> frozenset[str]:
    table = subprocess.run(["tshark", "-G", "fields"], capture_output=True, text=True, check=True).stdout
    return frozenset(columns[2] for line in table.splitlines() if len(columns := line.split("\t")) > 2)


def has_ja4() -> bool:
    return shutil.which("tshark") is not None and "tls.handshake.ja4" in known_fields()


def dissect(capture: Path) -> list[Fields]:
    """Every packet in which Wireshark found TLS; the values of a field in the order of the packet."""
    wanted = [*PACKET, *(f"{transport}.{name}" for transport in TRANSPORTS for name in MESSAGES.values())]
    fields = [field for field in wanted if field in known_fields()]
    command = ["tshark", "-n", "-o", "tcp.reassemble_out_of_order:TRUE", "-r", str(capture), "-Y", "tls or dtls"]
    command += ["-T", "fields", "-E", "aggregator=\x1f"]
    command += [word for field in fields for word in ("-e", field)]
    table = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [
        {field: value.split("\x1f") for field, value in zip(fields, line.split("\t"), strict=True) if value}
        for line in table.split("\n")[:-1]
    ]


def side(packet: Fields, layer: str, end: str) -> tuple[str, int]:
    """Address and port; of the innermost packet where one travels in another."""
    network = [name for name in packet["frame.protocols"][0].split(":") if name in {"ip", "ipv6"}][-1]
    return str(ip_address(packet[f"{network}.{end}"][-1])), int(packet[f"{layer}.{end}port"][-1])


def streams(capture: Path) -> list[Stream]:
    found: defaultdict[tuple[str, str], list[Fields]] = defaultdict(list)
    for packet in dissect(capture):
        layer = "tcp" if "tcp.stream" in packet else "udp"
        found[layer, packet[f"{layer}.stream"][-1]].append(packet)
    return [stream for (layer, _), packets in found.items() if (stream := conversation(layer, packets)) is not None]


def conversation(layer: str, packets: list[Fields]) -> Stream | None:
    transport = "dtls" if any(field.startswith("dtls.") for packet in packets for field in packet) else "tls"
    sent: list[tuple[tuple[str, int], Fields]] = []
    client = server = None
    for packet in packets:
        source, target = side(packet, layer, "src"), side(packet, layer, "dst")
        row = {word: packet[field] for word, name in MESSAGES.items() if (field := f"{transport}.{name}") in packet}
        sent.append((source, row))
        if client is None and str(CLIENT_HELLO) in row.get("type", ()):
            client, server = source, target
        elif client is None and str(SERVER_HELLO) in row.get("type", ()):
            client, server = target, source
    if client is None or server is None:
        return None
    by = {end: [row for source, row in sent if source == end] for end in (client, server)}
    return Stream(transport, (*client, *server), by[client], by[server])


def theirs(stream: Stream) -> dict[str, Any]:
    # A frame with the first fragments of a hello has its type, but nothing of what it says.
    hello = next((row for row in stream.client if str(CLIENT_HELLO) in row.get("type", ()) and "cipher" in row), {})
    answers = [row for row in stream.server if str(SERVER_HELLO) in row.get("type", ()) and "cipher" in row]
    answer = next((row for row in answers if row["random"] != [RETRY]), {})
    groups = [row[word][-1] for row in stream.server for word in ("share_group", "key_exchange_group") if word in row]
    version = (answer.get("supported_version") or answer.get("version") or [None])[0]
    alerts = {names.alert_name(int(code)) for row in (*stream.client, *stream.server) for code in row.get("alert", ())}
    return {
        "client_hello_seen": bool(hello),
        "server_name": hello.get("server_name", [None])[0],
        **{word: hello.get(word, [None])[0] for word in ("ja3", "ja3_raw", "ja4", "ja4_raw")},
        **{word: answer.get(word, [None])[0] for word in ("ja3s", "ja3s_raw")},
        "version": version and names.version_name(int(version, 16)),
        "cipher": names.cipher_name(int(answer["cipher"][0], 16)) if answer else None,
        "next_protocol": answer.get("alpn", [None])[0],
        "curve": names.group_name(int(groups[-1], 0)) if groups else None,
        "cert_chain_fps": fingerprints(stream.server),
        "client_cert_chain_fps": fingerprints(stream.client),
        "alerts": alerts,
    }


def fingerprints(rows: list[Fields]) -> tuple[str, ...] | None:
    chains = [row["certificate"] for row in rows if "certificate" in row]
    return tuple(hashlib.sha256(bytes.fromhex(der)).hexdigest() for der in chains[0]) if chains else None


def sense(capture: Path) -> list[Observation]:
    data = capture.read_bytes()
    sensor = Sensor(capture.name, WireSettings(), Certificates(None))
    return [*sensor.feed(gzip.decompress(data) if capture.suffix == ".gz" else data), *sensor.close()]


def malformed(observation: Observation) -> bool:
    return observation.handshake_error is not None or observation.certificate_error is not None


def identity(observation: Observation) -> tuple[str, int, str, int]:
    """Client and server; it is not always the client that opened the connection."""
    opener, other = (observation.orig_h, observation.orig_p), (observation.resp_h, observation.resp_p)
    return (*other, *opener) if (observation.ssl_history or "").startswith("^") else (*opener, *other)


@cache
def compared(capture: Path) -> list[tuple[dict[str, Any], Observation]]:
    """What Wireshark says beside what we say, connection by connection; a tuple used again, by time."""
    told = sorted(streams(capture), key=lambda stream: stream.ends)
    ours = sorted(sense(capture), key=lambda observation: (identity(observation), observation.ts))
    assert [stream.ends for stream in told] == [identity(observation) for observation in ours]
    return [(theirs(stream), observation) for stream, observation in zip(told, ours, strict=True)]


def differences(pairs: list[tuple[dict[str, Any], Observation]], *facts: str) -> list[str]:
    return [
        f"{identity(observation)}, {observation.source}: {fact} is {ours!r}, Wireshark says {told[fact]!r}"
        for told, observation in pairs
        for fact in facts
        if (ours := getattr(observation, fact)) != told[fact]
    ]


@each_capture
def test_wireshark_finds_the_same_tls_connections(capture: Path) -> None:
    assert compared(capture)


@each_capture
def test_wireshark_reads_the_same_in_the_hellos(capture: Path) -> None:
    facts = ["client_hello_seen", "server_name", "version", "cipher", "next_protocol", "ja3", "ja3_raw"]
    assert differences(compared(capture), *facts) == []


@pytest.mark.skipif(not has_ja4(), reason="this tshark is older than JA4 (4.2)")
@each_capture
def test_wireshark_computes_the_same_ja4(capture: Path) -> None:
    """Save that it keeps GREASE among the signature algorithms, which the specification ignores wherever it stands."""
    for told, ours in compared(capture):
        raw = GREASE.sub("", told["ja4_raw"] or "")
        assert raw == (ours.ja4_raw or ""), identity(ours)
        if raw == told["ja4_raw"]:
            assert told["ja4"] == ours.ja4, identity(ours)


@each_capture
def test_wireshark_finds_the_same_groups_and_certificates(capture: Path) -> None:
    sound = [(told, ours) for told, ours in compared(capture) if not malformed(ours)]
    assert differences(sound, "ja3s", "ja3s_raw", "curve", "cert_chain_fps", "client_cert_chain_fps") == []


@each_capture
def test_where_a_message_is_malformed_we_read_at_least_what_wireshark_reads(capture: Path) -> None:
    """Wireshark gives up the message, and what follows in its frame; we read what is left of both."""
    for told, ours in compared(capture):
        if malformed(ours):
            certificates = told["cert_chain_fps"] or ()
            assert (ours.cert_chain_fps or ())[: len(certificates)] == certificates
            assert (ours.ja3s_raw or "").startswith(told["ja3s_raw"] or "")
            assert told["curve"] in {None, ours.curve}


@each_capture
def test_wireshark_sees_the_same_alerts_before_both_sides_encrypt(capture: Path) -> None:
    """Which of several came last, Wireshark's rows do not say: they know no order of two messages in a frame."""
    for told, ours in compared(capture):
        if not ours.established:  # after that, alerts are only readable where the cipher encrypts nothing
            assert ours.last_alert in (told["alerts"] or {None}), identity(ours)
