"""`rediss://`: TLS before the embedded server, which always runs, and a real redis-server where one is installed."""

import asyncio
import contextlib
import datetime as dt
import ipaddress
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import redis
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from enricher.errors import ConfigError, StoreError
from enricher.join.resolve import resolve
from enricher.join.server import EmbeddedServer
from enricher.join.settings import StoreSettings
from enricher.join.store import Store

PCAPS = Path(__file__).resolve().parents[2] / "pcaps"
LOOPBACK = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))

Issued = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]
Running = SimpleNamespace
"""A server behind TLS: `port`, and `socket`, the way in for its administrator."""


def issue(
    file: Path, by: Issued | None = None, name: x509.GeneralName = LOOPBACK, start: int = -1, days: int = 9
) -> Issued:
    """A certificate, an authority's when nobody else signs it, and its key into one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    begin = dt.datetime.now(dt.UTC) + dt.timedelta(days=start)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, file.stem)])
    issuer, signer = (by[0].subject, by[1]) if by else (subject, key)
    certificate = (
        x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + dt.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([name]), critical=False)
        # Python 3.13 asks for these (RFC 5280 section 4.2.1).
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .add_extension(x509.KeyUsage(True, *[False] * 4, by is None, by is None, False, False), critical=True)
        .sign(signer, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    file.write_bytes(certificate.public_bytes(pem) + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return certificate, key


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ca, unknown_ca, and what ca issued: good, expired, future, elsewhere."""
    folder = tmp_path_factory.mktemp("pki")
    ca = issue(folder / "ca.pem")
    issue(folder / "unknown_ca.pem")
    issue(folder / "good.pem", ca)
    issue(folder / "expired.pem", ca, start=-20)
    issue(folder / "future.pem", ca, start=5)
    issue(folder / "elsewhere.pem", ca, x509.DNSName("redis.elsewhere.example"))
    return folder


async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await source.read(1 << 16):
            target.write(chunk)
            await target.drain()
    target.close()


@contextlib.contextmanager
def bridge(behind: Path, certificate: Path | None) -> Iterator[int]:
    """A port of 127.0.0.1 in front of a unix socket: with TLS, or plain where there is no certificate."""
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_unix_connection(behind)
        await asyncio.gather(copy(reader, inner_writer), copy(inner_reader, writer))

    async def run(started: Callable[[int], None], stop: asyncio.Event) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # refused handshakes are what is tested
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        started(server.sockets[0].getsockname()[1])
        await stop.wait()
        server.close()

    loop, stop, ports, ready = asyncio.new_event_loop(), asyncio.Event(), [], threading.Event()
    thread = threading.Thread(
        target=lambda: loop.run_until_complete(run(lambda port: (ports.append(port), ready.set()), stop))  # type: ignore[func-returns-value]
    )
    thread.start()
    try:
        assert ready.wait(10)
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


@contextlib.contextmanager
def terminator(certificate: Path, _folder: Path) -> Iterator[Running]:
    with EmbeddedServer() as server, bridge(server.socket, certificate) as port:
        yield SimpleNamespace(port=port, socket=server.socket)


@contextlib.contextmanager
def real_server(certificate: Path, folder: Path) -> Iterator[Running]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = {
        "port": "0",
        "tls-port": str(port),
        "bind": "127.0.0.1",
        "tls-cert-file": str(certificate),
        "tls-key-file": str(certificate),
        "tls-auth-clients": "no",
        "tls-ca-cert-file": str(certificate.with_name("ca.pem")),
        "unixsocket": str(folder / "s"),
        "dir": str(folder),
        "save": "",
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    with subprocess.Popen(["redis-server", *words], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            log = ""
            while "Ready to accept connections" not in log:
                line = process.stdout.readline()
                assert line, log
                log += line
            yield SimpleNamespace(port=port, socket=folder / "s")
        finally:
            process.kill()


needs_redis = pytest.mark.skipif(shutil.which("redis-server") is None, reason="needs redis-server on PATH")


@pytest.fixture(params=[terminator, pytest.param(real_server, marks=needs_redis)], ids=["terminator", "redis-server"])
def serve(request: pytest.FixtureRequest, pki: Path, tmp_path: Path) -> Callable[[str], Running]:
    """Start a server that shows this certificate."""
    with contextlib.ExitStack() as stack:
        yield lambda name: stack.enter_context(request.param(pki / f"{name}.pem", tmp_path))


def settings(pki: Path, ca: str = "ca") -> StoreSettings:
    return StoreSettings(ca_file=str(pki / f"{ca}.pem"), timeout_seconds=5)


def test_a_store_works_over_tls_with_a_server_that_our_ca_signed(serve, pki, make):
    with Store.open(f"rediss://127.0.0.1:{serve('good').port}", settings(pki)) as store:
        store.put(record for port in range(1024, 3024) for record in (make.observe(port=port), make.connect(port=port)))
        assert [s.disposition for s in resolve(store)] == ["matched"] * 2000


@pytest.mark.parametrize(
    ("shown", "ca", "told"),
    [
        ("good", "unknown_ca", "issuer|self-signed certificate in"),
        ("elsewhere", "ca", "mismatch"),
        ("expired", "ca", "expired"),
        ("future", "ca", "not yet valid"),
    ],
)
def test_a_certificate_that_is_not_accepted_is_named_with_its_reason(serve, pki, shown, ca, told):
    server = serve(shown)
    with pytest.raises(StoreError, match=told) as caught:
        Store.open(f"rediss://user:s3cret@127.0.0.1:{server.port}", settings(pki, ca))
    assert "certificate of Redis at rediss://127.0.0.1" in caught.value.message
    assert "ca_file" in caught.value.advice
    assert "s3cret" not in str(caught.value)


def test_without_a_ca_file_the_systems_authorities_decide(serve):
    with pytest.raises(StoreError, match="certificate of Redis"):
        Store.open(f"rediss://127.0.0.1:{serve('good').port}", StoreSettings(timeout_seconds=5))


def test_no_password_is_sent_to_a_server_whose_certificate_is_not_accepted(serve, pki):
    server = serve("elsewhere")
    with pytest.raises(StoreError, match="certificate"):
        Store.open(f"rediss://user:s3cret@127.0.0.1:{server.port}", settings(pki))
    with contextlib.closing(redis.Redis(unix_socket_path=str(server.socket))) as admin:
        assert admin.acl_log() == []


def test_a_tls_server_behind_a_plain_url_is_asked_for_by_its_scheme(serve, pki):
    with pytest.raises(StoreError) as caught:
        Store.open(f"redis://127.0.0.1:{serve('good').port}", settings(pki))
    assert "rediss://" in caught.value.advice


def test_a_plain_server_behind_a_tls_url_is_said_to_have_no_tls(server, pki):
    with bridge(server.socket, None) as port, pytest.raises(StoreError, match="TLS") as caught:
        Store.open(f"rediss://127.0.0.1:{port}", StoreSettings(ca_file=str(pki / "ca.pem"), timeout_seconds=1))
    assert f"rediss://127.0.0.1:{port}" in caught.value.message


def test_a_user_with_a_password_is_let_in_over_tls_and_a_wrong_one_is_not(serve, pki, make):
    server = serve("good")
    with contextlib.closing(redis.Redis(unix_socket_path=str(server.socket))) as admin:
        admin.execute_command("ACL", "SETUSER", "enricher", "on", ">s3cret", "~an1496:*", "+@all")
        admin.execute_command("ACL", "SETUSER", "default", "off")
    with Store.open(f"rediss://enricher:s3cret@127.0.0.1:{server.port}", settings(pki)) as store:
        store.put([make.observe(), make.connect()])
        assert [s.disposition for s in resolve(store)] == ["matched"]
    for user in ("", "enricher:wr0ng@"):
        with pytest.raises(StoreError, match="password") as caught:
            Store.open(f"rediss://{user}127.0.0.1:{server.port}", settings(pki))
        assert "wr0ng" not in str(caught.value)


@pytest.mark.parametrize("content", [None, b"no certificate", b""])
def test_a_ca_file_without_certificates_is_an_error_of_the_configuration(tmp_path, content):
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match="ca_file cannot be used"):
        Store.open("rediss://127.0.0.1:1", StoreSettings(ca_file=str(file)))


def replay(folder: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "enricher", "replay", "demo", "--ca-bundle", "ca.pem", "--json"]
    command += [*words, "--out", str(folder / "out")]
    return subprocess.run(command, cwd=PCAPS, capture_output=True, check=False, timeout=120)


def test_a_whole_replay_over_tls_gives_the_bytes_of_the_embedded_server(serve, pki, tmp_path):
    url = f"rediss://127.0.0.1:{serve('good').port}"
    (tmp_path / "an1496.toml").write_text(f'[store]\nca_file = "{pki / "ca.pem"}"\n')
    embedded = replay(tmp_path)
    remote = replay(tmp_path, "--redis", url, "--config", str(tmp_path / "an1496.toml"))
    assert (remote.returncode, remote.stderr) == (0, b"")
    assert remote.stdout == embedded.stdout != b""


def test_a_replay_with_an_unknown_authority_is_one_line_and_exit_code_one(serve, pki, tmp_path):
    (tmp_path / "an1496.toml").write_text(f'[store]\nca_file = "{pki / "unknown_ca.pem"}"\n')
    url = f"rediss://127.0.0.1:{serve('good').port}"
    done = replay(tmp_path, "--redis", url, "--config", str(tmp_path / "an1496.toml"))
    assert (done.returncode, done.stdout) == (1, b"")
    (line,) = done.stderr.decode().splitlines()
    assert "certificate of Redis" in line
    assert "ca_file" in line
