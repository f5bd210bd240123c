"""A network interface is read as a capture would be. Each test has a network of its own, in which it is root."""

import shutil
import socket
import subprocess
import time
from typing import Any

import pytest

from enricher.config import Config
from enricher.errors import InputError
from enricher.sensor.contract import WireSettings
from enricher.service import privileges
from enricher.service.engine import Engine
from enricher.service.live.sources.interface import Interface
from enricher.service.live.sources.ring import Ring
from own_network import CAPTURE, apart, frames, hello, send, up


@pytest.fixture(scope="session")
def engine() -> Engine:
    return Engine(Config())


def listen(engine: Engine, interface: str = "lo", **more: Any) -> Interface:
    source = Interface(interface, interface, engine.sensor(interface), **{"buffer_mib": 8, "promiscuous": True, **more})
    source.open()
    return source


def read(source: Interface, count: int, seconds: float = 20.0) -> list[Any]:
    """Observations, until there are so many."""
    found: list[Any] = []
    until = time.monotonic() + seconds
    while len(found) < count and time.monotonic() < until:
        found += source.read()
        time.sleep(0.01)
    return found


def expected(engine: Engine) -> list[Any]:
    sensor = engine.sensor("x")
    return [*sensor.feed(CAPTURE.read_bytes()), *sensor.close()]


@pytest.mark.parametrize(
    "tag", [b"", b"\x81\x00\x00\x2a", b"\x88\xa8\x00\x07\x81\x00\x00\x2a"], ids=["none", "one", "two"]
)
@apart
def test_a_captures_packets_give_on_an_interface_what_the_capture_gives_with_and_without_vlan_tags(engine, tag) -> None:
    wanted = expected(engine)
    source = listen(engine)
    send(packet[:12] + tag + packet[12:] for packet in frames())
    found = read(source, len(wanted), 3.0)
    found += source.finish()
    assert wanted
    keys = (
        "orig_h",
        "orig_p",
        "resp_h",
        "resp_p",
        "server_name",
        "ja3",
        "ja4",
        "cipher",
        "cert_chain_fps",
        "established",
    )
    facts = lambda records: sorted(repr([getattr(r, k) for k in keys]) for r in records)  # noqa: E731
    assert facts(found) == facts(wanted)
    count = len(list(frames()))
    assert count <= source.counts()["packets"] < 2 * count  # on loopback, not once more as it goes out
    assert source.counts()["packets_dropped"] == 0
    assert all(abs(record.ts - time.time()) < 60 for record in found)


@apart
def test_packets_are_read_in_order_however_often_the_ring_goes_round() -> None:
    ring = Ring("lo", buffer_mib=3, promiscuous=False)
    packets = [bytes(12) + b"\x88\xb5" + bytes([n]) * 50 for n in range(10)]
    found: list[bytes] = []
    for at, packet in enumerate(packets):
        send([packet])
        until = time.monotonic() + 20
        while len(found) <= at and time.monotonic() < until:
            for block in ring.blocks():
                found += [block.data[start:end] for _, start, end in block.places]
    assert [packet for packet in found if packet[12:14] == b"\x88\xb5"] == packets
    ring.close()


@apart
def test_what_the_kernel_dropped_is_counted_and_told(engine) -> None:
    clock = [1000.0]
    source = listen(engine, buffer_mib=2, clock=lambda: clock[0])
    send([bytes(12) + b"\x08\x00" + bytes(1400)] * 4000)
    source.read()
    dropped = source.counts()["packets_dropped"]
    assert dropped > 500
    (problem,) = source.problems()
    assert f"dropped {dropped} packets" in problem.what
    send([bytes(12) + b"\x08\x00" + bytes(1400)] * 4000)
    source.read()
    assert source.problems() == []  # not at each reading
    clock[0] += 11
    (problem,) = source.problems()
    assert f"dropped {source.counts()['packets_dropped'] - dropped} packets" in problem.what


@apart
def test_a_connection_that_falls_silent_is_told_though_no_packet_comes_any_more(engine) -> None:
    ahead = [0.0]
    source = listen(engine, clock=lambda: time.time() + ahead[0])
    send(hello())
    assert read(source, 1, 1.0) == []
    ahead[0] = WireSettings().idle_timeout + 20
    (record,) = source.read()
    assert record.client_hello_seen


@apart
def test_an_interface_that_goes_down_is_away_until_it_is_up_again(engine) -> None:
    source = listen(engine)
    up("lo", False)
    for _ in range(2):
        with pytest.raises(InputError, match="lo: Network is down"):
            source.read()
    up("lo")
    source.read()
    send(frames())
    assert read(source, 1)


@apart
def test_an_interface_that_is_made_anew_under_its_name_is_listened_to_again(engine) -> None:
    if not shutil.which("ip"):
        pytest.skip("ip makes the interfaces")
    make = ["ip", "link", "add", "one", "type", "veth", "peer", "name", "other"]
    if subprocess.run(make, check=False, stderr=subprocess.DEVNULL).returncode:
        pytest.skip("this kernel has no veth")
    up("one")
    up("other")
    source = listen(engine, "one")
    subprocess.run(["ip", "link", "delete", "one"], check=True)
    with pytest.raises(InputError, match="one: No such device"):
        read(source, 1, 5.0)
    subprocess.run(make, check=True)
    up("one")
    up("other")
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as out:
        out.bind(("other", 0))
        privileges.drop("nobody")  # what is open needs none
        source.read()
        for packet in frames():
            out.send(packet[:1400])
    assert read(source, 1)


@pytest.mark.parametrize("name", ["none", "a-name-that-is-too-long"])
@apart
def test_an_interface_that_is_not_there_is_an_error_in_words(engine, name) -> None:
    with pytest.raises(InputError, match=f"{name}: cannot be listened to .No such device"):
        listen(engine, name)


@apart
def test_who_may_not_is_told_what_it_takes(engine) -> None:
    privileges.drop("nobody")
    with pytest.raises(InputError) as told:
        listen(engine)
    assert "CAP_NET_RAW" in told.value.advice
