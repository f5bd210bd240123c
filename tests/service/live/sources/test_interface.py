"""A network interface is read as a capture would be. Each test has a network of its own, in which it is root."""

import ctypes
import fcntl
import functools
import json
import os
import pwd
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from enricher.cli import cli
from enricher.config import Config
from enricher.errors import ConfigError, InputError
from enricher.join.server import EmbeddedServer
from enricher.sensor.contract import WireSettings
from enricher.service import privileges
from enricher.service.engine import Engine
from enricher.service.live.service import Service
from enricher.service.live.sources.interface import Interface
from enricher.service.live.sources.ring import Ring
from enricher.service.log import logger
from shown import typed

PCAPS = Path(__file__).resolve().parents[4] / "pcaps"
CAPTURE = PCAPS / "demo" / "capture.pcap"
_NEW_NETWORK = 0x40000000
_SKIPPED = 77
LIBC = ctypes.CDLL(None, use_errno=True)


def up(interface: str, yes: bool = True) -> None:
    with socket.socket() as any_:
        request = struct.pack("16sH22x", interface.encode(), 0)
        (flags,) = struct.unpack_from("16xH", fcntl.ioctl(any_, 0x8913, request))
        flags = flags | 1 if yes else flags & ~1
        fcntl.ioctl(any_, 0x8914, struct.pack("16sH22x", interface.encode(), flags))


def apart(test: Callable[..., None]) -> Callable[..., None]:
    """Run a test in a process with a network of its own, which ends with it. Takes root."""

    @functools.wraps(test)
    def run(*args: Any, **more: Any) -> None:
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            code = 1
            try:
                signal.alarm(90)
                if LIBC.unshare(_NEW_NETWORK):
                    code = _SKIPPED
                    os.write(writing, b"takes root, to make a network")
                else:
                    up("lo")
                    test(*args, **more)
                    code = 0
            except pytest.skip.Exception as skipped:
                code = _SKIPPED
                os.write(writing, str(skipped).encode())
            except BaseException:
                os.write(writing, traceback.format_exc().encode()[-60_000:])
            finally:
                os._exit(code)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            told = pipe.read().decode()
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code == _SKIPPED:
            pytest.skip(told)
        assert code == 0, told or f"ended with {code}"

    return run


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


def frames() -> Iterator[bytes]:
    """The packets of a capture."""
    data, at = CAPTURE.read_bytes(), 24
    assert data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1")
    while at < len(data):
        (size,) = struct.unpack_from("<8xI", data, at)
        yield data[at + 16 : at + 16 + size]
        at += 16 + size


def send(packets: Any, interface: str = "lo") -> None:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as out:
        out.bind((interface, 0))
        for packet in packets:
            out.send(packet)


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


def hello() -> list[bytes]:
    """The packets of a connection up to its ClientHello."""
    first = next(f for f in frames() if f[12:14] == b"\x08\x00" and f[23] == 6 and f[47] & 2)
    for at, packet in enumerate(found := [f for f in frames() if f[26:38] == first[26:38]]):
        if packet[14 + 20 + (packet[46] >> 2 & 0x3C) :][:1] == b"\x16":
            return found[: at + 1]
    raise AssertionError


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


@apart
def test_privileges_are_gone_for_good() -> None:
    with pytest.raises(ConfigError, match="nobody is called no-such-user"):
        privileges.drop("no-such-user")
    with pytest.raises(ConfigError, match="is root"):
        privileges.drop("root")
    os.setgroups([0, 1])
    privileges.drop("nobody")
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":" in line)
    assert status["NoNewPrivs"].strip() == "1"
    for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(status[kind], 16) == 0
    assert set(status["Uid"].split()) == {str(pwd.getpwnam("nobody").pw_uid)}
    assert status["Groups"].split() == [str(pwd.getpwnam("nobody").pw_gid)]
    assert "0" not in status["Gid"].split()
    with pytest.raises(PermissionError):
        os.setuid(0)
    privileges.drop("nobody")
    with pytest.raises(ConfigError, match="may not become"):
        privileges.drop("daemon")


@apart
def test_a_capability_that_was_given_to_a_user_is_given_up_too() -> None:
    LIBC.prctl(8, 1, 0, 0, 0)  # PR_SET_KEEPCAPS
    nobody = pwd.getpwnam("nobody").pw_uid
    os.setresuid(nobody, nobody, nobody)
    mask = 1 << 13  # CAP_NET_RAW
    LIBC.capset((ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0))
    LIBC.prctl(47, 2, 13, 0, 0)
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()
    privileges.drop(None)
    status = Path("/proc/self/status").read_text()
    assert status.count("0000000000000000") >= 4
    with pytest.raises(PermissionError):
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)


def handshake(tmp_path: Path, name: str) -> None:
    """A real one, between two ends of our own."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with listening.accept()[0] as raw, server.wrap_socket(raw, server_side=True) as end:
                end.recv(1)

        thread = threading.Thread(target=serve)
        thread.start()
        with (
            socket.create_connection(listening.getsockname()) as raw,
            client.wrap_socket(raw, server_hostname=name) as end,
        ):
            end.sendall(b"x")
        thread.join()


@pytest.fixture
def certified(tmp_path: Path) -> Path:
    if not shutil.which("openssl"):
        pytest.skip("openssl makes the certificate")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 3 -subj /CN=c2.example"
    subprocess.run(command.split(), check=True, cwd=tmp_path, stderr=subprocess.DEVNULL)
    return tmp_path


@apart
def test_the_command_tells_a_real_handshake_while_it_listens_and_ends_when_asked(certified: Path) -> None:
    (shown,) = [each for each in typed("docs/live.md") if each.startswith("an1496 sense --interface ")]
    ours = {"an1496": "nobody", "eth1": "lo"}
    command = [sys.executable, "-m", "enricher", *(ours.get(word, word) for word in shown.split()[1:])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        until, status = time.monotonic() + 30, Path(f"/proc/{running.pid}/status")
        while "NoNewPrivs:\t1" not in status.read_text() and time.monotonic() < until:
            time.sleep(0.05)
        user = re.findall(r"^Uid:\t(\d+)", status.read_text(), re.MULTILINE)
        handshake(certified, "c2.example")
        assert running.stdout is not None
        told = json.loads(running.stdout.readline())
        send(hello())
        time.sleep(1)  # the kernel hands them over, and they are read
        running.send_signal(signal.SIGINT)
        rest, complaints = running.communicate(timeout=20)
    assert (told["server_name"], told["version"], told["certificate.subject"]) == (
        "c2.example",
        "TLSv12",
        "CN=c2.example",
    )
    assert "self_signed" in told["anomalies"]
    assert user == [str(pwd.getpwnam("nobody").pw_uid)]
    assert (complaints, running.returncode) == (b"", 0)
    (still_open,) = map(json.loads, rest.splitlines())
    assert still_open["client_hello_seen"]


@apart
def test_the_service_judges_what_it_hears(certified: Path) -> None:
    with EmbeddedServer() as server:
        (certified / "an1496.toml").write_text(
            f'store = {{ url = "{server.url}" }}\nlive = {{ ledger = "{certified}/ledger.jsonl", wait_seconds = 0 }}\n'
            'sources = [{ type = "interface", interface = "lo" }]\n'
        )
        command = [sys.executable, "-m", "enricher", "run", "-c", str(certified / "an1496.toml")]
        with subprocess.Popen(command, stderr=subprocess.PIPE) as running:
            assert running.stderr is not None
            said = [running.stderr.readline(), running.stderr.readline()]
            handshake(certified, "c2.example")
            until = time.monotonic() + 30
            while not (certified / "ledger.jsonl").exists() and time.monotonic() < until:
                time.sleep(0.05)
            time.sleep(0.2)
            running.send_signal(signal.SIGTERM)
            assert running.wait(20) == 0
    assert b"still root" in said[0]
    assert b"started" in said[1]
    row = json.loads((certified / "ledger.jsonl").read_bytes().splitlines()[-1])
    assert (row["server_name"], row["disposition"]) == ("c2.example", "host_unseen")
    assert "self_signed" in row["anomalies"]


@apart
def test_the_metrics_show_what_came_from_an_interface(tmp_path: Path) -> None:
    with EmbeddedServer() as server:
        text = f'store = {{ url = "{server.url}" }}\nlive = {{ metrics_port = 0 }}\n'
        text += 'sources = [{ type = "interface", interface = "lo", name = "tap" }]'
        sent, until = threading.Event(), time.monotonic() + 3

        def stopping(seconds: float) -> bool:
            if seconds and not sent.is_set():
                send(frames())
                sent.set()
            time.sleep(seconds / 4)
            return time.monotonic() > until

        with Service(Engine(Config.parse(text.encode(), "t")), logger(), stopping) as service:
            service.run()
            shown = service.metrics.registry.get_sample_value
            assert shown("an1496_interface", {"source": "tap", "what": "packets"}) >= len(list(frames()))
            assert shown("an1496_interface", {"source": "tap", "what": "packets_dropped"}) == 0


@pytest.mark.parametrize(
    ("sources", "what"),
    [
        ('[{ type = "interface", interface = "a", format = "zeek" }]', "interface:a has none"),
        (
            '[{ type = "interface", interface = "a", user = "u" }, { type = "interface", interface = "b" }]',
            "different users",
        ),
    ],
)
def test_what_cannot_be_is_refused(sources: str, what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        Config.parse(f"sources = {sources}".encode(), "t")


def test_the_service_is_checked_without_listening(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(
        'store.url = "redis://h"\nsources = [{ type = "interface", interface = "none" }]\n'
    )
    done = CliRunner().invoke(cli, ["check-config", str(tmp_path / "c.toml")])
    assert "reads interface:none" in done.output


@pytest.mark.parametrize("arguments", [[], ["x.pcap", "--interface", "lo"]])
def test_captures_or_an_interface_are_given(arguments: list[str]) -> None:
    assert CliRunner().invoke(cli, ["sense", *arguments]).exit_code == 2
