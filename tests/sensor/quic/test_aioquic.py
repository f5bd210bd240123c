"""Against aioquic: what TLS of its client and server was given must be what we read on the wire between them."""

import ssl
from functools import partial

import pytest

from enricher.sensor.quic import QuicReader, is_quic

pytest.importorskip("aioquic")

from aioquic.buffer import Buffer
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import HandshakeCompleted
from aioquic.quic.packet import encode_quic_retry, encode_quic_version_negotiation, pull_quic_header

V1, V2 = 0x1, 0x6B3343CF
ADDRESSES = ("192.0.2.1", 40000), ("192.0.2.2", 443)


class Pair:
    """A client and a server in memory. `tap` keeps (side, datagram); `heard` what TLS of each side was given."""

    def __init__(self, issued, *, versions=(V1,), server_versions=(V1, V2), retry=False, alpn=("h3",), **client):
        self.settings = QuicConfiguration(is_client=False, supported_versions=list(server_versions))
        self.settings.alpn_protocols = ["h3"]
        self.settings.certificate, self.settings.private_key = issued.certificate, issued.key
        settings = QuicConfiguration(supported_versions=list(versions), server_name="quic.example", **client)
        settings.alpn_protocols, settings.verify_mode = list(alpn), ssl.CERT_NONE
        self.client = QuicConnection(configuration=settings)
        self.server = None
        self.heard = [b"", b""]
        self.listen(0, self.client)
        self.retry = retry
        self.now = 0.0
        self.tap = []

    def listen(self, side, connection):
        """Keep the handshake bytes that a side's TLS is given, each time it begins."""
        initialize = connection._initialize

        def initialized(peer):
            initialize(peer)
            self.heard[side] = b""
            handle = connection.tls.handle_message
            connection.tls.handle_message = lambda data, output: (hear(data), handle(data, output))

        def hear(data):
            self.heard[side] += data

        connection._initialize = initialized

    def run(self):
        self.client.connect(ADDRESSES[1], now=self.now)
        done = False
        for _ in range(30):
            self.now += 0.1
            for side in (0, 1):
                connection = (self.client, self.server)[side]
                if connection is None:
                    continue
                for datagram, _ in connection.datagrams_to_send(self.now):
                    self.tap.append((side, datagram))
                    self.deliver(1 - side, datagram)
            while event := self.client.next_event():
                done |= isinstance(event, HandshakeCompleted)
        return done

    def deliver(self, side, datagram):
        if side == 0:
            self.client.receive_datagram(datagram, ADDRESSES[1], now=self.now)
        elif self.server is not None:
            self.server.receive_datagram(datagram, ADDRESSES[0], now=self.now)
        else:
            self.accept(datagram)

    def accept(self, datagram):
        header = pull_quic_header(Buffer(data=datagram), host_cid_length=8)
        source, origin = header.source_cid, header.destination_cid
        if header.version not in self.settings.supported_versions:
            self.answer(encode_quic_version_negotiation(origin, source, self.settings.supported_versions))
            return
        retried = {}
        if self.retry and not header.token:
            self.origin = origin
            self.answer(encode_quic_retry(header.version, b"retried!", source, origin, b"token"))
            return
        if self.retry:
            origin, retried = self.origin, {"retry_source_connection_id": b"retried!"}
        self.server = QuicConnection(configuration=self.settings, original_destination_connection_id=origin, **retried)
        self.listen(1, self.server)
        self.server.receive_datagram(datagram, ADDRESSES[0], now=self.now)

    def answer(self, datagram):
        self.tap.append((1, datagram))
        self.client.receive_datagram(datagram, ADDRESSES[1], now=self.now)


@pytest.fixture(scope="module")
def pair(pki):
    return partial(Pair, pki.issue("CN=quic.example"))


def message(data):
    """The first handshake message."""
    return data[: 4 + int.from_bytes(data[1:4], "big")]


def assert_read_as_sent(read, pair):
    assert read[0] == message(pair.heard[1])
    assert read[0][0] == 1
    assert read[1] == message(pair.heard[0])
    assert read[1][0] == 2


@pytest.mark.parametrize("version", [V1, V2])
def test_a_real_handshake_is_read_as_its_ends_saw_it(quic, pair, version):
    both = pair(versions=[version])
    assert both.run()
    assert is_quic(both.tap[0][1], 0, len(both.tap[0][1]))
    read, reader = quic.read(both.tap)
    assert_read_as_sent(read, both)
    assert (reader.version, reader.client, reader.handshake, reader.one_rtt) == (version, 0, [True] * 2, [True] * 2)
    assert (reader.unread, reader.errors, reader.closes, reader.lost, reader.superseded) == (0, [], [], False, False)


def test_a_real_retry_is_followed(quic, pair):
    """Only the answer is compared: aioquic makes another hello, which RFC 9000 section 17.2.5.3 forbids it."""
    both = pair(retry=True)
    assert both.run()
    read, reader = quic.read(both.tap)
    assert read[0] == quic.read(both.tap[:1])[0][0] == message(read[0])
    assert read[1] == message(both.heard[0])
    assert (reader.retry, reader.unread, reader.errors, reader.superseded) == (True, 0, [], False)


def test_a_real_client_offering_two_versions_ends_in_the_one_that_the_server_prefers(quic, pair):
    """One packet may stay unread: aioquic's client says version 2 and uses version 1's keys for its last Initial."""
    both = pair(versions=[V2, V1], original_version=V1, server_versions=[V2, V1])
    assert both.run()
    read, reader = quic.read(both.tap)
    assert_read_as_sent(read, both)
    assert (reader.version, reader.errors, reader.superseded) == (V2, [], False)
    assert reader.unread <= 1


def test_a_real_version_negotiation_ends_one_connection_and_begins_another(quic, pair):
    both = pair(versions=[V2, V1], original_version=V2, server_versions=[V1])
    assert both.run()
    reader = QuicReader(1 << 16)
    for place, (side, datagram) in enumerate(both.tap):
        reader.feed(side, datagram, 0.0, place)
        if reader.superseded:
            break
    assert (reader.version_negotiation, reader.version, place) == (True, V2, 2)
    read, fresh = quic.read(both.tap[place:])
    assert_read_as_sent(read, both)
    assert (fresh.version, fresh.unread, fresh.superseded) == (V1, 0, False)


def test_a_large_real_hello_over_several_datagrams_is_whole(quic, pair):
    both = pair(alpn=["h3", *(f"protocol-{n:030}" for n in range(60))])
    assert both.run()
    read, _ = quic.read(both.tap)
    assert len(read[0]) > 2400
    assert_read_as_sent(read, both)
    backwards, _ = quic.read(both.tap[::-1])
    assert backwards == read


def test_a_real_refusal_is_told(quic, pair):
    both = pair(alpn=["nothing-the-server-knows"])
    assert not both.run()
    read, reader = quic.read(both.tap)
    assert read[0] == message(both.heard[1])
    assert (reader.one_rtt[0], reader.errors) == (False, [])
    assert reader.closes[-1] == (1, 0x100 + 120)
    assert all(side == 1 for side, _ in reader.closes)


def test_a_real_client_that_uses_its_port_again_is_noticed(quic, pair):
    first, second = pair(), pair()
    assert first.run()
    assert second.run()
    read, reader = quic.read(first.tap)
    assert_read_as_sent(read, first)
    assert not reader.superseded
    assert quic.read(second.tap, reader)[0] == [b"", b""]
    assert reader.superseded
    assert_read_as_sent(quic.read(second.tap)[0], second)
