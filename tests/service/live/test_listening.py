"""What service and command do with a network interface. Each test has a network of its own, in which it is root."""

import json
import pwd
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from enricher.cli import cli
from enricher.config import Config
from enricher.errors import ConfigError
from enricher.join.server import EmbeddedServer
from enricher.service.engine import Engine
from enricher.service.live.service import Service
from enricher.service.log import logger
from own_network import apart, frames, hello, send
from shown import typed


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
