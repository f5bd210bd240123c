import tracemalloc

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.sensor import fingerprint, handshake
from enricher.sensor.hellos import Hellos

KINDS = st.sampled_from([0, 5, 10, 11, 13, 16, 21, 23, 35, 43, 44, 45, 51, 57, 0x0A0A, 0xFE0D, 0xFF01])


def facts(hello):
    """All that is known of a hello, and its fingerprints."""
    if hello is None:
        return None
    if isinstance(hello, handshake.ServerHello):
        made = fingerprint.of_server(hello)
    else:
        made = fingerprint.of_client(hello, "tls"), fingerprint.of_client(hello, "quic")
    return msgspec.structs.replace(hello, fingerprints={}), made


def agree(hellos, *bodies):
    for body in bodies:
        assert facts(hellos.client(body)) == facts(handshake.client_hello(body))
        assert facts(hellos.server(body)) == facts(handshake.server_hello(body))


def bodies(wire, number, version):
    """A program's hello and a server's answer, as they are in one of its connections."""
    own, end = bytes([number]) * 32, bytes(number)
    ech = b"\0" + wire.shorts(1, 3) + b"\7" + wire.vector(2, own) + wire.vector(2, own + end)
    told = [
        wire.extension(0x0A00 | number),
        wire.server_name(b"host%d.example" % 10**number),
        wire.extension(10, wire.vector(2, wire.shorts(29, 23))),
        wire.extension(11, b"\1\0"),
        wire.extension(13, wire.vector(2, wire.shorts(0x0403, 0x0804))),
        wire.extension(16, wire.vector(2, b"\2h2")),
        wire.extension(35, end),
        wire.extension(43, wire.vector(1, wire.shorts(0x0304, 0x0303))),
        wire.extension(51, wire.vector(2, wire.shorts(29) + wire.vector(2, own + end))),
        wire.extension(0xFE0D, ech),
        wire.extension(21, end),
    ]
    hello = wire.client_hello(version=version, session=own[:number], random=own, extensions=told)[4:]
    if version in handshake.DTLS:
        at = 35 + number
        hello = hello[:at] + wire.vector(1, end) + hello[at:]
    chosen = [
        wire.extension(43, wire.shorts(0x0304)),
        wire.extension(51, wire.shorts(29 + number % 2) + wire.vector(2, own)),
        wire.extension(44, wire.vector(2, end)),
    ]
    return hello, wire.server_hello(version=version, session=own[:number], random=own, extensions=chosen)[4:]


@pytest.mark.parametrize("version", [0x0303, 0xFEFD])
def test_hellos_of_a_program_are_known_again_whatever_is_their_own(wire, version, monkeypatch):
    hellos = Hellos()
    agree(hellos, *bodies(wire, 1, version))
    parsed = []
    for reads in (handshake.client_hello, handshake.server_hello):
        monkeypatch.setattr(handshake, reads.__name__, lambda body, reads=reads: parsed.append(body) or reads(body))
    first, second = (hellos.client(bodies(wire, number, version)[0]) for number in (1, 1))
    assert not parsed
    assert first.fingerprints is second.fingerprints
    assert hellos.server(bodies(wire, 3, version)[1]).group == 30
    assert not parsed


@pytest.mark.parametrize("version", [0x0301, 0x0303, 0xFEFD])
def test_a_hello_like_an_earlier_one_is_read_as_if_it_were_the_first(wire, version):
    agree(Hellos(), *(body for number in (1, 2, 3, 1, 7, 8, 32) for body in bodies(wire, number, version)))


def test_a_name_is_not_left_behind_for_hellos_that_have_none(wire):
    hellos = Hellos()
    for name in (wire.server_name(b"a.example"), wire.extension(0, wire.vector(2, b"\1" + wire.vector(2, b"b")))):
        agree(hellos, wire.client_hello(extensions=[name, wire.extension(23)])[4:])


def test_what_is_wrong_with_a_hellos_own_fields_is_told_of_one_that_is_known_too(wire):
    hellos, (good, answer) = Hellos(), bodies(wire, 32, 0x0303)
    agree(hellos, good, answer)
    for hello in (good, answer):
        agree(hellos, hello[:34] + b"\x21\0" + hello[35:])
    name = wire.server_name()
    for wrong in (name, wire.extension(0, name[4:] + b"\0"), wire.extension(0)):
        agree(hellos, wire.client_hello(extensions=[wrong])[4:])


def test_programs_that_draw_grease_are_not_remembered(wire):
    hellos = Hellos()
    for code in (0x0A0A, 0x1A1A, 0xFAFA):
        agree(hellos, wire.client_hello(ciphers=(code, 0x1301))[4:])
    assert not hellos._clients


def test_what_is_remembered_has_an_end(wire):
    hellos = Hellos()
    tracemalloc.start()
    for number in range(2500):
        ciphers = tuple(range(number, number + 270))
        facts(hellos.client(wire.client_hello(ciphers=ciphers)[4:]))
        facts(hellos.server(wire.server_hello(cipher=number, extensions=[wire.extension(16, bytes(500))])[4:]))
    for number in range(20):
        huge = wire.shorts(*range(number, 30_000))
        facts(hellos.client(wire.client_hello(extensions=[wire.extension(13, wire.vector(2, huge))])[4:]))
        facts(hellos.client(wire.client_hello(ciphers=range(number, 30_000))[4:]))
        facts(hellos.server(wire.server_hello(extensions=[wire.extension(number, bytes(60_000))])[4:]))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 20_000_000
    assert 0 < len(hellos._clients) <= 1000


@settings(max_examples=300)
@given(st.data())
def test_hellos_are_read_alike_whatever_was_read_before(wire, data):
    hellos = Hellos()
    bodied = [body for number in (1, 2) for version in (0x0303, 0xFEFD) for body in bodies(wire, number, version)]
    agree(hellos, *bodied)
    for _ in range(3):
        body = bytearray(data.draw(st.sampled_from(bodied)))
        at = data.draw(st.integers(0, len(body) - 1))
        how = data.draw(st.sampled_from(["set", "cut", "put", "twist"]))
        if how == "set":
            body[at] = data.draw(st.integers(0, 255))
        elif how == "cut":
            del body[at : at + data.draw(st.integers(1, 9))]
        elif how == "put":
            body[at:at] = data.draw(st.binary(min_size=1, max_size=9))
        else:
            body[at : at + 2] = data.draw(KINDS).to_bytes(2, "big")
        agree(hellos, bytes(body), bytes(body))


@settings(max_examples=200)
@given(st.lists(st.tuples(KINDS, st.binary(max_size=12)), max_size=6), st.integers(0, 40))
def test_hellos_of_any_extensions_are_read_alike_the_second_time(wire, fields, size):
    hellos = Hellos()
    told = [wire.extension(kind, body) for kind, body in fields]
    for _ in (1, 2):
        agree(hellos, wire.client_hello(extensions=told, session=bytes(size))[4:])
        agree(hellos, wire.server_hello(extensions=told, session=bytes(size))[4:])
