"""Syslog by strict receivers of our own, and by rsyslogd where it is installed."""

import json
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from enricher.service.delivery.courier import Courier
from enricher.service.delivery.syslog import Syslog
from enricher.service.delivery.writer import SystemClock, UnavailableError
from enricher.sinks.encoding import ENCODINGS
from enricher.sinks.settings import SyslogSink

PATIENCE = 30.0
RSYSLOGD = shutil.which("rsyslogd", path="/usr/sbin:/sbin:/usr/bin")


def until(done: Callable[[], bool]) -> bool:
    """Whether it comes true in time."""
    deadline = time.monotonic() + PATIENCE
    while not done() and time.monotonic() < deadline:
        time.sleep(0.01)
    return done()


class Receiver:
    """Takes connections one after another, and octet-counted messages from each (RFC 6587 3.4.1)."""

    def __init__(self, context: ssl.SSLContext | None = None, *, hangs_up: int = 0) -> None:
        self.messages: list[bytes] = []
        self.faults: list[bytes] = []
        self.connections = 0
        self._hangs_up = hangs_up
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            try:
                self._serve(self._context.wrap_socket(peer, server_side=True) if self._context else peer)
            except OSError:
                peer.close()

    def _serve(self, peer: socket.socket) -> None:
        held = b""
        with peer:
            if self.connections <= self._hangs_up:
                return
            while piece := peer.recv(65536):
                held += piece
                while b" " in held:
                    length, _, rest = held.partition(b" ")
                    if not length.isdigit() or length.startswith(b"0"):
                        self.faults.append(held)
                        return
                    if len(rest) < int(length):
                        break
                    self.messages.append(rest[: int(length)])
                    held = rest[int(length) :]

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def receivers() -> Iterator[Callable[..., Receiver]]:
    made: list[Receiver] = []

    def build(*words: Any, **more: Any) -> Receiver:
        made.append(Receiver(*words, **more))
        return made[-1]

    yield build
    for each in made:
        each.close()


@pytest.fixture
def syslog(make: Any) -> Iterator[Callable[..., Syslog]]:
    made: list[Syslog] = []

    def build(port: int, **changes: Any) -> Syslog:
        sink = SyslogSink(**{"host": "localhost", "port": port, "timeout_seconds": 5.0, **changes})
        made.append(Syslog(sink, make.origin, SystemClock()))
        return made[-1]

    yield build
    for each in made:
        each.close()


def test_over_tcp_octets_are_counted(receivers: Any, syslog: Any, make: Any) -> None:
    receiver, records = receivers(), make.records(20, "rfc5424")
    writer = syslog(receiver.port, transport="tcp")
    writer.send(records[:10])
    writer.send(records[10:])
    assert until(lambda: len(receiver.messages) == 20)
    assert receiver.messages == [record.payload for record in records]
    assert (receiver.connections, receiver.faults) == (2, [])


def test_over_tls_the_same_and_the_server_is_verified(receivers: Any, syslog: Any, make: Any, pki: Any) -> None:
    receiver, records = receivers(pki.context()), make.records(3, "rfc5424")
    with pytest.raises(UnavailableError, match="its certificate is not accepted"):
        syslog(receiver.port).send(records)
    with pytest.raises(UnavailableError, match="its certificate is not accepted"):
        syslog(receiver.port, host="127.0.0.1", ca_file=str(pki.certificate)).send(records)
    assert receiver.messages == []
    syslog(receiver.port, ca_file=str(pki.certificate)).send(records)
    assert until(lambda: len(receiver.messages) == 3) and receiver.faults == []


def test_over_udp_each_message_is_a_datagram(syslog: Any, make: Any) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(PATIENCE)
        records = make.records(3, "rfc5424")
        syslog(receiver.getsockname()[1], host="127.0.0.1", transport="udp").send(records)
        assert [receiver.recv(65536) for _ in records] == [record.payload for record in records]


def test_cef_is_carried_as_the_message(receivers: Any, syslog: Any, make: Any) -> None:
    receiver, records = receivers(), make.records(1, "cef")
    syslog(receiver.port, transport="tcp", format="cef").send(records)
    assert until(lambda: len(receiver.messages) == 1)
    header, _, message = receiver.messages[0].partition(b" an1496 - AN1496 - ")
    assert header.startswith(b"<129>1 2022-04-15T") and message == records[0].payload


@pytest.mark.parametrize("transport", ["tcp", "tls", "udp"])
def test_nobody_there_is_said_in_one_line(syslog: Any, make: Any, closed_port: int, transport: str) -> None:
    writer = syslog(closed_port, transport=transport, host="127.0.0.1")
    with pytest.raises(UnavailableError, match=f"syslog at 127.0.0.1:{closed_port}/{transport}: connection refused"):
        for _ in range(100):  # of UDP only the second datagram learns of it
            writer.send(make.records(1, "rfc5424"))


@pytest.mark.parametrize("secure", [False, True])
def test_a_receiver_that_hangs_up_before_it_has_read_gets_the_batch_again(
    receivers: Any, syslog: Any, make: Any, dead: Any, pki: Any, secure: bool
) -> None:
    receiver = receivers(pki.context() if secure else None, hangs_up=5)
    transport = {"transport": "tls", "ca_file": str(pki.certificate)} if secure else {"transport": "tcp"}
    courier = Courier("syslog", syslog(receiver.port, **transport), 60.0, make.origin, dead, SystemClock())
    notices = make.notices(8)
    for at in range(0, 8, 4):
        courier.deliver(notices[at : at + 4], lambda seconds: time.sleep(min(seconds, 0.01)) or False)
    assert receiver.messages == [ENCODINGS["rfc5424"].encode(notice, make.origin) for notice in notices]
    assert (courier.statistics.delivered, courier.statistics.retries, receiver.connections) == (8, 5, 7)


def test_what_is_delivered_over_tcp_has_been_read(receivers: Any, syslog: Any, make: Any, pki: Any) -> None:
    for receiver, transport in ((receivers(), "tcp"), (receivers(pki.context()), "tls")):
        syslog(receiver.port, transport=transport, ca_file=str(pki.certificate)).send(make.records(500, "rfc5424"))
        assert len(receiver.messages) == 500


def test_a_peer_that_takes_nothing_more_has_not_got_it(syslog: Any, make: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        writer = syslog(listener.getsockname()[1], transport="tcp", timeout_seconds=0.3)
        with pytest.raises(UnavailableError, match="timed out"):
            for _ in range(200):
                writer.send(make.records(100, "rfc5424"))


def test_an_end_that_came_before_our_bytes_were_acknowledged_is_no_delivery(
    receivers: Any, syslog: Any, make: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr("enricher.service.delivery.syslog.fcntl.ioctl", lambda *_: (7).to_bytes(4, sys.byteorder))
    with pytest.raises(UnavailableError, match="hung up before it had all"):
        syslog(receivers().port, transport="tcp").send(make.records(1, "rfc5424"))


@pytest.fixture
def rsyslogd(tmp_path: Path, pki: Any) -> Iterator[Any]:
    """Starts rsyslogd with the given input; gives its port and what it has written, as JSON."""
    if RSYSLOGD is None:
        pytest.skip("rsyslogd is not installed")
    started = []

    def start(kind: str, options: str = "") -> tuple[int, Callable[[], list[Any]]]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if kind == "imudp" else socket.SOCK_STREAM) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        out = tmp_path / "messages"
        names = ("hostname", "app-name", "msgid", "structured-data", "msg", "pri")
        lines = [
            'constant(value="{")',
            *(f'property(outname="{n}" name="{n}" format="jsonf") constant(value=",")' for n in names),
        ]
        (tmp_path / "conf").write_text(
            f'global(workDirectory="{tmp_path}" {options})\nmodule(load="{kind}" '
            + ('StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.AuthMode="anon"' if options else "")
            + f')\ntemplate(name="json" type="list") {{ {" ".join(lines)} constant(value="\\"end\\":1}}\\n") }}\n'
            f'input(type="{kind}" address="127.0.0.1" port="{port}")\n'
            f'action(type="omfile" file="{out}" template="json")\n'
        )
        process = subprocess.Popen(
            [RSYSLOGD, "-n", "-f", tmp_path / "conf", "-i", tmp_path / "pid"], stderr=subprocess.PIPE
        )
        started.append(process)
        assert until(lambda: _is_bound(kind, port)), "rsyslogd does not start"
        return port, lambda: [json.loads(line) for line in out.read_bytes().splitlines()] if out.exists() else []

    yield start
    for process in started:
        process.kill()
        process.communicate()


def _is_bound(kind: str, port: int) -> bool:
    table = Path("/proc/net/udp" if kind == "imudp" else "/proc/net/tcp").read_text()
    return any(f":{port:04X} " in line for line in table.splitlines())


@pytest.mark.parametrize("way", ["udp", "tcp", "tls"])
def test_rsyslogd_reads_every_part_of_a_message(rsyslogd: Any, syslog: Any, make: Any, pki: Any, way: str) -> None:
    drivers = (
        f'DefaultNetstreamDriverCAFile="{pki.certificate}" DefaultNetstreamDriverCertFile="{pki.certificate}" '
        f'DefaultNetstreamDriverKeyFile="{pki.key}"'
    )
    if way == "tls" and not list(Path("/usr/lib").glob("**/rsyslog/lmnsd_gtls.so")):
        pytest.skip("rsyslog-gnutls is not installed")
    port, written = rsyslogd("imudp" if way == "udp" else "imtcp", drivers if way == "tls" else "")
    hostile = make.notice(1, host='x"] [forged@1 a="b\\', summary="one\nCEF:0|forged", unseen=("A" * 2000,) * 9)
    huge = ENCODINGS["rfc5424"].encode(hostile, make.origin)
    records = [*make.records(5, "rfc5424"), make.records(1)[0]._replace(notice=hostile, payload=huge)]
    host = "localhost" if way == "tls" else "127.0.0.1"
    syslog(port, transport=way, host=host, ca_file=str(pki.certificate) if way == "tls" else None).send(records)
    assert until(lambda: len(written()) == 6)
    plain, last = written()[0], written()[-1]
    assert (plain["hostname"], plain["app-name"], plain["msgid"], plain["pri"]) == (
        "sensor-1.example",
        "an1496",
        "AN1496",
        "129",
    )
    assert plain["structured-data"].startswith(f'[an1496@32473 id="{make.notice().id}" revision="1"')
    assert plain["msg"].lstrip("\ufeff ") == make.notice().summary
    assert len(huge) > 7000
    assert last["structured-data"].endswith("]") and 'cut="' in last["structured-data"]
    assert last["msg"].lstrip("\ufeff ") == "one\\x0aCEF:0|forged"
