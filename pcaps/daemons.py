"""Servers that want a configuration file: mailbox, database, proxies. Each gives its command line."""

import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent / "programs"


def mail(address: str, port: int, cert: str) -> list[str]:
    """SMTP with STARTTLS."""
    return ["python3", str(HERE / "mail.py"), address, str(port), f"{cert}.pem", f"{cert}.key"]


def mailbox(work: Path, address: str, port: int, cert: str) -> list[str]:
    """IMAP of Dovecot with STARTTLS."""
    lines = (
        "protocols = imap",
        f"listen = {address}",
        "ssl = required",
        f"ssl_cert = <{work}/{cert}.pem",
        f"ssl_key = <{work}/{cert}.key",
        f"base_dir = {work}/dovecot",
        f"log_path = {work}/dovecot.log",
        "mail_location = maildir:/nonexistent",
        "passdb {\n driver = static\n args = nopassword=y\n}",
        f"service imap-login {{\n inet_listener imap {{\n port = {port}\n }}\n inet_listener imaps {{\n port = 0\n }}\n}}",
    )
    (work / "dovecot.conf").write_text("\n".join(lines) + "\n")
    return ["dovecot", "-F", "-c", f"{work}/dovecot.conf"]


def database(work: Path, address: str, port: int, cert: str) -> list[str]:
    """PostgreSQL, which negotiates TLS by SSLRequest. Its data lie in `work`, open to its own user."""
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"))
    data = work / "postgres"
    work.chmod(0o711)
    data.mkdir()
    shutil.chown(data, "postgres")
    initdb = ["runuser", "-u", "postgres", "--", programs / "initdb", "-D", data, "-A", "trust", "--no-sync"]
    subprocess.run(initdb, check=True, capture_output=True, cwd="/")
    for suffix in ("pem", "key"):
        shutil.copy(work / f"{cert}.{suffix}", data / f"server.{suffix}")
        shutil.chown(data / f"server.{suffix}", "postgres")
        (data / f"server.{suffix}").chmod(0o600)
    with (data / "pg_hba.conf").open("a") as rules:
        rules.write("hostssl all all 10.20.0.0/16 trust\n")
    with (data / "postgresql.conf").open("a") as settings:
        settings.write(
            f"listen_addresses = '{address}'\nport = {port}\nunix_socket_directories = ''\nssl = on\n"
            "ssl_cert_file = 'server.pem'\nssl_key_file = 'server.key'\n"
        )
    return ["runuser", "-u", "postgres", "--", str(programs / "postgres"), "-D", str(data)]


def web_proxy(work: Path, address: str, port: int) -> list[str]:
    """HTTP CONNECT, by tinyproxy."""
    (work / "tinyproxy.conf").write_text(f"Port {port}\nListen {address}\nAllow 10.20.0.0/16\nConnectPort 443\n")
    return ["tinyproxy", "-d", "-c", f"{work}/tinyproxy.conf"]


def socks_proxy(address: str, port: int) -> list[str]:
    return ["microsocks", "-i", address, "-p", str(port)]
