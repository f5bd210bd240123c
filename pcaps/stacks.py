"""Command lines of the real TLS stacks: servers and clients."""

import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent / "programs"
LEGACY = "ALL:eNULL:@SECLEVEL=0"


def openssl_server(address: str, port: int, cert: str, *options: str, chain: bool = False) -> list[str]:
    """With `chain`, sends the issuing CA's certificate too."""
    where = f"[{address}]" if ":" in address else address
    certificates = ["-cert", f"{cert}.pem", "-key", f"{cert}.key", *(["-cert_chain", "issuing.pem"] if chain else [])]
    return ["openssl", "s_server", "-accept", f"{where}:{port}", *certificates, "-www", *options]


def openssl_client(address: str, port: int, *options: str, sni: str | None = None) -> list[str]:
    where = f"[{address}]" if ":" in address else address
    name = ["-servername", sni] if sni else ["-noservername"]
    return ["openssl", "s_client", "-connect", f"{where}:{port}", *name, "-ign_eof", *options]


def gnutls_server(port: int, cert: str, priority: str = "NORMAL") -> list[str]:
    """Listens on every address."""
    return [
        "gnutls-serv",
        "--disable-client-cert",
        "--quiet",
        "--http",
        "-p",
        str(port),
        f"--x509certfile={cert}.pem",
        f"--x509keyfile={cert}.key",
        f"--priority={priority}",
    ]


def gnutls_client(
    address: str, port: int, *options: str, sni: str | None = None, priority: str = "NORMAL"
) -> list[str]:
    name = [f"--sni-hostname={sni}"] if sni else ["--disable-sni"]
    return ["gnutls-cli", "--insecure", "-p", str(port), f"--priority={priority}", *name, *options, address]


def openssl_datagram_server(address: str, port: int, cert: str, *, chain: bool = False) -> list[str]:
    """DTLS 1.2."""
    return [w for w in openssl_server(address, port, cert, "-dtls1_2", "-quiet", chain=chain) if w != "-www"]


def openssl_datagram_client(address: str, port: int, *options: str, sni: str | None = None) -> list[str]:
    """DTLS 1.2; hangs up when its input ends."""
    return [w for w in openssl_client(address, port, "-dtls1_2", *options, sni=sni) if w != "-ign_eof"]


def gnutls_datagram_server(port: int, cert: str, priority: str) -> list[str]:
    return [w if w != "--http" else "--echo" for w in gnutls_server(port, cert, priority)] + ["--udp"]


def gnutls_datagram_client(address: str, port: int, sni: str, priority: str) -> list[str]:
    """Says a line and hangs up a moment later: when its input ends at once it waits for ever."""
    command = gnutls_client(address, port, "--udp", sni=sni, priority=priority)
    return ["sh", "-c", '(echo hello; sleep 0.3) | "$@"', "sh", *command]


def quic_server(address: str, port: int, cert: str) -> list[str]:
    """HTTP/3 of ngtcp2 on GnuTLS; serves the folder `www`."""
    return ["gtlsserver", "--quiet", "--htdocs=www", address, str(port), f"{cert}.key", f"{cert}.pem"]


def quic_client(name: str, port: int) -> list[str]:
    """Fetches a page; fails where none comes, which the client itself does not mind."""
    client = f"gtlsclient --quiet --exit-on-all-streams-close --download=. {name} {port} https://{name}/index.html"
    return ["sh", "-c", f"rm -f index.html; {client} && grep -q Welcome index.html"]


def node_site(address: str, port: int, cert: str, max_version: str = "TLSv1.3") -> list[str]:
    return ["node", str(HERE / "site.mjs"), address, str(port), f"{cert}.pem", f"{cert}.key", max_version]


def raw_server(address: str, port: int, *options: str) -> list[str]:
    return ["python3", str(HERE / "raw.py"), address, str(port), *options]


def python_client(address: str, port: int, *options: str) -> list[str]:
    return ["python3", str(HERE / "client.py"), address, str(port), *options]


def curl(url: str, *options: str) -> list[str]:
    return ["curl", "-sS", "-o", "/dev/null", "--cacert", "ca.pem", *options, url]


def node_client(name: str, port: int = 443) -> list[str]:
    return ["env", "NODE_EXTRA_CA_CERTS=ca.pem", "node", str(HERE / "client.mjs"), name, str(port)]


def go_client(name: str, port: int = 443) -> list[str]:
    return ["env", "SSL_CERT_FILE=ca.pem", "./go-client", name, str(port)]


def java_client(name: str, port: int = 443) -> list[str]:
    return [
        "java",
        "-Djavax.net.ssl.trustStore=trust.p12",
        "-Djavax.net.ssl.trustStorePassword=changeit",
        "-cp",
        ".",
        "Client",
        name,
        str(port),
    ]


def chromium(*urls: str) -> list[str]:
    """Opens each URL in a new process and profile, which trusts ca.pem; fails unless a server of ours answers."""
    flags = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync --disable-extensions --timeout=4000 --dump-dom"
    )
    script = f"""
        for url in "$@"; do
            export HOME=$(mktemp -d)
            mkdir -p "$HOME/.pki/nssdb"
            certutil -d "sql:$HOME/.pki/nssdb" -N --empty-password
            certutil -d "sql:$HOME/.pki/nssdb" -A -t C,, -n root -i ca.pem
            chromium {flags} --user-data-dir="$HOME/profile" "$url" | grep -q -e Welcome -e GnuTLS || exit 1
            rm -rf "$HOME"
        done"""
    return ["sh", "-c", script, "sh", *urls]


def build(work: Path) -> None:
    """Compile the Go and Java clients and make Java's trust store."""
    go = {
        "GO111MODULE": "off",
        "GOCACHE": str(work / "gocache"),
        "HOME": str(work),
        "PATH": "/usr/bin:/bin",
        "GOPATH": str(work / "go"),
    }
    subprocess.run(["go", "build", "-o", str(work / "go-client"), str(HERE / "client.go")], check=True, env=go)
    subprocess.run(["javac", "-d", str(work), str(HERE / "Client.java")], check=True)
    subprocess.run(
        [
            "keytool",
            "-importcert",
            "-noprompt",
            "-alias",
            "root",
            "-file",
            "ca.pem",
            "-keystore",
            "trust.p12",
            "-storetype",
            "PKCS12",
            "-storepass",
            "changeit",
        ],
        cwd=work,
        check=True,
        capture_output=True,
    )


def versions() -> dict[str, str]:
    """What each stack calls itself, for the manifest."""
    commands = {
        "openssl": "openssl version",
        "gnutls": "gnutls-cli --version",
        "curl": "curl --version",
        "java": "java --version",
        "node": "node --version",
        "python": "python3 -c 'import ssl,sys;print(sys.version.split()[0],ssl.OPENSSL_VERSION)'",
        "go": "go version",
        "chromium": "chromium --version 2>/dev/null",
        "ngtcp2": "dpkg-query -f 'ngtcp2 ${Version}' -W ngtcp2-client",
        "aiosmtpd": "dpkg-query -f 'aiosmtpd ${Version}' -W python3-aiosmtpd",
        "dovecot": "dovecot --version",
        "postgresql": "psql --version",
        "tinyproxy": "tinyproxy -v",
        "tcpdump": "tcpdump --version",
    }
    return {
        k: subprocess.run(c, shell=True, capture_output=True, text=True, check=True).stdout.splitlines()[0]
        for k, c in commands.items()
    }
