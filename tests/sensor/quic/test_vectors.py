"""The samples of RFC 9001 appendix A, of the drafts before it, and of RFC 9369 appendix A."""

from pathlib import Path

import pytest

from enricher.sensor.quic import QuicReader, is_quic
from enricher.sensor.quic.keys import InitialKeys, expand_label
from enricher.sensor.quic.versions import VERSIONS

ORIGIN = bytes.fromhex("8394c8f03e515708")
CLIENT_HELLO = bytes.fromhex("""
    010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c00000413011302010000c000000010000e00000b
    6578616d706c652e636f6dff01000100000a00080006001d0017001800100007000504616c706e00050005010000000000330026002400
    1d00209370b2c9caa47fbabaf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b0003020304000d0010000e04030503060302
    03080408050806002d00020101001c00024001003900320408ffffffffffffffff05048000ffff07048000ffff08011001048000753009
    01100f088394c8f03e51570806048000ffff
""")
CLIENT = {  # first bytes of the client's Initial packet, and its tag, which authenticates all between
    1: ("c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11", "e221af44860018ab0856972e194cd934"),
    0x6B3343CF: (
        "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485",
        "a18b2faa745b6fe189cf772a9f84cbfc",
    ),
}
SERVER_HELLO = bytes.fromhex(
    "020000560303eefce7f7b37ba1d1632e96677825ddf73988cfc79825df566dc5430b9a045a1200130100002e00330024001d00209d3c94"
    "0d89690b84d08a60993c144eca684d1081287c834d5311bcf32bb9da1a002b00020304"
)
SERVER = {
    1: "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a5816b6394100f37a1c69797554780bb38cc5a99f5ede"
    "4cf73c3ec2493a1839b3dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84022f8ef4cdd93795d77d06ed"
    "bb7aaf2f58891850abbdca3d20398c276456cbc42158407dd074ee",
    0x6B3343CF: "dc6b3343cf0008f067a5502a4262b5004075d92faaf16f05d8a4398c47089698baeea26b91eb761d9b89237bbf"
    "87263017915358230035f7fd3945d88965cf17f9af6e16886c61bfc703106fbaf3cb4cfa52382dd16a393e42757507698075b2c984c7"
    "07f0a0812d8cd5a6881eaf21ceda98f4bd23f6fe1a3e2c43edd9ce7ca84bed8521e2e140",
}
RETRY = {
    1: "ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba",
    0x6B3343CF: "cf6b3343cf0008f067a5502a4262b5746f6b656ec8646ce8bfe33952d955543665dcc7b6",
}
SECRETS = {
    1: (
        "c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea",
        "3c199828fd139efd216c155ad844cc81fb82fa8d7446fa7d78be803acdda951b",
    ),
    0x6B3343CF: (
        "14ec9d6eb9fd7af83bf5a668bc17a7e283766aade7ecd0891f70f9ff7f4bf47b",
        "0263db1782731bf4588e7e4d93b7463907cb8cd8200b5da55a8bd488eafc37c1",
    ),
    "draft 23": (
        "fda3953aecc040e48b34e27ef87de3a6098ecf0e38b7e032c5c57bcbd5975b84",
        "554366b81912ff90be41f17e8022213090ab17d8149179bcadf222f29ff2ddd5",
    ),
    "draft 29": (
        "0088119288f1d866733ceeed15ff9d50902cf82952eee27e9d4d4918ea371d87",
        "006f881359244dd9ad1acf85f595bad67c13f9f5586f5e64e1acae1d9ea8f616",
    ),
}
SHARED = {  # versions to the one whose samples are theirs
    1: 1,
    0x6B3343CF: 0x6B3343CF,
    **{0xFF000000 + draft: "draft 23" for draft in range(23, 29)},
    **{0xFF000000 + draft: "draft 29" for draft in range(29, 33)},
    **{0xFF000000 + draft: 1 for draft in (33, 34)},
    **{0xFACEB000 + minor: "draft 23" for minor in (2, 0xE, 0x11, 0x12, 0x13)},
}
both = pytest.mark.parametrize("version", [1, 0x6B3343CF])


def client_initial(quic, version):
    payload = quic.crypto(0, CLIENT_HELLO)
    return quic.initial(payload, version=version, origin=ORIGIN, source=b"", number=2, size=4, pad=1162)


@pytest.mark.parametrize("version", SHARED, ids=hex)
def test_the_secrets_are_those_of_the_samples(version):
    keys = InitialKeys(VERSIONS[version], ORIGIN)
    found = [expand_label(keys._secret, label, 32).hex() for label in (b"client in", b"server in")]
    assert tuple(found) == SECRETS[SHARED[version]]


@both
def test_the_tests_own_sender_makes_the_client_packet_of_the_rfc(quic, version):
    packet = client_initial(quic, version)
    begin, tag = CLIENT[version]
    assert len(packet) == 1200
    assert packet[:32].hex() == begin
    assert packet[-16:].hex() == tag


@both
def test_both_initial_packets_of_the_rfc_are_opened(quic, version):
    reader = QuicReader(10_000)
    packet, answer = client_initial(quic, version), bytes.fromhex(SERVER[version])
    assert is_quic(packet, 0, len(packet))
    assert is_quic(answer, 0, len(answer))
    assert reader.feed(0, packet, 1.0, 1) == [(0, CLIENT_HELLO, 1.0, 1)]
    assert reader.feed(1, answer, 2.0, 2) == [(1, SERVER_HELLO, 2.0, 2)]
    assert (reader.version, reader.client, reader.unread, reader.errors) == (version, 0, 0, [])


@both
def test_the_retry_of_the_rfc_is_seen_and_names_the_client(version):
    reader = QuicReader(10_000)
    packet = bytes.fromhex(RETRY[version])
    assert is_quic(packet, 0, len(packet))
    assert reader.feed(1, packet, 1.0, 1) == []
    assert (reader.version, reader.client, reader.retry, reader.errors) == (version, 0, True, [])


def test_the_draft_of_version_2_is_read_as_ngtcp2_0_12_sent_it():
    datagram = (Path(__file__).parent / "recordings" / "ngtcp2-v2-draft.bin").read_bytes()
    reader = QuicReader(1 << 16)
    assert is_quic(datagram, 0, len(datagram))
    hello = b"".join(data for _, data, _, _ in reader.feed(0, datagram, 1.0, 1))
    assert (reader.version, reader.client, reader.unread) == (0x709A50C4, 0, 0)
    assert hello[0] == 1
    assert int.from_bytes(hello[1:4], "big") == len(hello) - 4
    assert b"localhost" in hello
