"""What is the same on every simulated host: programs, libraries, servers, and how often what happens.

Where a rate comes from stands beside it; what nobody measured for us says so, and can be changed.
"""

import json
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

BUSY = (1, 1, 1, 1, 1, 1, 1, 5, 15, 20, 15, 12, 8, 10, 9, 7, 5, 3, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5)
"""Weight of each hour of a working day. The peak is four times the mean, as measured on two production systems
(Salman et al., PhelkStat, Virginia Tech: "the maximum workload is about four times the average workload")."""


@dataclass(frozen=True)
class Habits:
    """Rates of one host, and shares."""

    sessions: float = 1000.0
    """TLS sessions a day. An assumption: published is a floor, 64 certificate chains a machine and day that browsers
    were shown (Oakes et al., TMA 2019: 23 billion of 2 million machines in 6 months), without resumption and without
    other programs. All figures are linear in it."""
    starts: float = 210.0
    """Processes a day: half of 426 million start and stop events of 17,684 computers in 58 days (Kent, LANL 2015)."""
    others: float = 0.5
    """Other TCP connections that Sysmon reports for each TLS session. An assumption; DNS (most of event 3 in a log of
    the Security-Datasets, 838 of 889) is left out by the recommended filter."""
    loads: float = 0.44
    """Share of processes that load crypto libraries (measured on real telemetry: 44 % load crypt32)."""
    created: float = 0.27
    """Share of sessions whose process has a creation record (measured: 73 % of processes with connections have none)."""
    reused: float = 0.04
    """Share of processes whose pid another had within minutes (measured)."""
    spread: float = 1.0
    """Hosts differ: sigma of a log-normal. An assumption: p90 is 3.6 times the median (module loads: measured 10)."""
    abnormal: float = 0.003
    """Share of sessions whose chain nobody vouches for (Oakes et al.: 99.7 % of chains shown to clients are valid)."""
    attacks: float = 0.0001
    """Share of sessions that a new, unsigned program opens to a server with a certificate of its own. An assumption."""
    tls13: float = 0.7
    """Share of full handshakes that hide their certificate. An assumption."""
    resumed: float = 0.3
    """Share of the others that resume. An assumption."""
    agentless: float = 0.05
    """Share of hosts without an endpoint agent. An assumption, as are the shares and rates below."""
    nat: float = 0.02
    """Share of hosts behind NAT, between them and the sensor."""
    lost: float = 0.01
    """Share of connection records that never come."""
    moves: float = 0.5
    """New addresses a host and day (DHCP); who had one last comes to have it again later."""
    stalls: float = 2.0
    """Times a host and day that the agent sends nothing for 30 to 300 s, and all of it then."""
    wrong_clocks: float = 0.05
    """Share of hosts whose clock for event 3 is off by hours or days (measured: happens); 15 % are off by seconds."""
    drift: float = 20e-6
    """Sigma of clock drift, s/s: what quartz without synchronisation does."""


class Program(NamedTuple):
    """An executable."""

    image: str
    company: str
    weight: float
    """How often it starts, or connects, beside the others."""
    ja4: str


_FILES = r"C:\Program Files"
RESIDENT = (
    Program(rf"{_FILES}\Google\Chrome\Application\chrome.exe", "Google LLC", 30, "t13d1516h2_8daaf6152771_02713d6af862"),
    Program(r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe", "Microsoft Corporation", 25, "t13d1516h2_8daaf6152771_e5627efa2ab1"),
    Program(r"C:\Windows\System32\svchost.exe", "Microsoft Corporation", 20, "t12d190700_d83cc789557e_16bbda4055b2"),
    Program(rf"{_FILES}\Microsoft OneDrive\OneDrive.exe", "Microsoft Corporation", 10, "t13d1715h2_5b57614c22b0_3d5424432f57"),
    Program(r"C:\ProgramData\Microsoft\Windows Defender\Platform\4.18.24090.11-0\MsMpEng.exe", "Microsoft Corporation", 3, "t12d190700_d83cc789557e_16bbda4055b2"),
    Program(rf"{_FILES}\Vendor\Agent\agent.exe", "Vendor Inc", 12, "t13d190900_9dc949149365_97f8aa674fd9"),
)  # fmt: skip
"""Run since before the log began."""
PASSING = (
    Program(rf"{_FILES}\Microsoft Office\root\Office16\OUTLOOK.EXE", "Microsoft Corporation", 10, "t12d190700_d83cc789557e_16bbda4055b2"),
    Program(r"C:\Windows\System32\backgroundTaskHost.exe", "Microsoft Corporation", 25, "t12d190700_d83cc789557e_16bbda4055b2"),
    Program(rf"{_FILES}\Git\mingw64\bin\git-remote-https.exe", "", 4, "t13d3112h2_e8f1e7e78f70_b26ce05bbdd6"),
    Program(r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe", "Microsoft Corporation", 6, "t12d190700_d83cc789557e_16bbda4055b2"),
    Program(r"C:\Windows\System32\conhost.exe", "Microsoft Corporation", 40, "t12d190700_d83cc789557e_16bbda4055b2"),
)  # fmt: skip
"""Come and go."""
INTRUDER = Program(r"C:\Users\ann\Downloads\invoice_viewer.exe", "", 0, "t13d1312h1_f57a46bbacb6_ab7e3b40a677")

LIBRARIES = ("crypt32", "bcrypt", "cryptsp", "rsaenh", "schannel", "ncryptsslp")
"""In the order in which a first handshake loads them; a process loads the first few."""

_TLS13 = {
    "version": "TLSv13",
    "cipher": "TLS_AES_128_GCM_SHA256",
    "curve": "x25519",
    "ssl_history": "CsiI",
    "cert_visible": False,
}
_TLS12 = {"version": "TLSv12", "cipher": "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "curve": "secp256r1"}
_RAW = (
    "771,4865-4866-4867-49195-49199-49196-49200-52393-52392-49171-49172-156-157-47-53,0-23-65281-10-11-35-16-5-13-18-51-45-43-27-17513-21,"
    "29-23-24,0"
)
_JA4_RAW = (
    "t13d1516h2_002f,0035,009c,009d,1301,1302,1303,c013,c014,c02b,c02c,c02f,c030,cca8,cca9_0005,000a,000b,000d,0012,0015,0017,001b,0023,002b,002d,0033,"
    "4469,ff01_0403,0804,0401,0503,0805,0501,0806,0601"
)
_DAY = 86400.0


class Server(NamedTuple):
    """One that sites of the simulated hosts talk to."""

    name: str
    address: str
    own: bool
    """Its certificate is one of its own making."""


def servers(rng: Random, count: int = 600) -> list[Server]:
    """Servers with public certificates."""
    return [
        Server(f"www{n}.example{n % 97}.com", f"{rng.choice((23, 34, 52, 104, 142))}.{n >> 8}.{n & 255}.{rng.randrange(1, 255)}", own=False)
        for n in range(count)
    ]  # fmt: skip


def own_servers(rng: Random, count: int = 40) -> list[Server]:
    """Servers whose certificates nobody vouches for."""
    return [Server(f"device{n}.example.net", f"198.18.{n}.{rng.randrange(1, 255)}", own=True) for n in range(count)]


def facts(rng: Random, program: Program, server: Server, habits: Habits, now: float) -> bytes:
    """What Zeek's row says of a session, without its connection, as the inside of a JSON object."""
    row: dict[str, object] = {"server_name": server.name, "established": True, "client_hello_seen": True}
    if not server.own and rng.random() < habits.tls13:
        row |= _TLS13 | {"resumed": rng.random() < habits.resumed}
    elif not server.own and rng.random() < habits.resumed:
        row |= _TLS12 | {"resumed": True, "ssl_history": "CsiI", "cert_visible": False}
    else:
        row |= _TLS12 | {"resumed": False, "ssl_history": "CsxknGIi"} | _certificate(server, now)
    row |= {
        "ja3": "cd08e31494f9531f560d64c695473da9",
        "ja3_raw": _RAW,
        "ja3s": "eb1d94daa7e0344597e756a1fb6e7054",
        "ja3s_raw": "771,4865,51-43",
    }
    row |= {
        "ja4": program.ja4,
        "ja4_raw": _JA4_RAW,
        "anomalies": ["self_signed"] if server.own else [],
        "anomaly_facts": ["18"] if server.own else [],
    }
    if server.own:
        del row["server_name"]
    return json.dumps(row, separators=(",", ":")).encode()[1:-1]


def _certificate(server: Server, now: float) -> dict[str, object]:
    whose = f"CN={server.name},O=Example Org,C=US"
    rest = (
        {"validation_code": 18, "validation_status": "self-signed certificate"}
        if server.own
        else {"validation_code": 0, "validation_status": "ok"}
    )
    digest = server.name.encode().hex().ljust(64, "0")[:64]
    return {
        "cert_visible": True,
        "cert_chain_fps": [digest] if server.own else [digest, "d" * 64],
        "certificate.version": 3,
        "certificate.serial": "0A" * 16,
        "certificate.subject": whose,
        "certificate.issuer": whose if server.own else "CN=R11,O=Example Trust,C=US",
        "certificate.not_valid_before": now // _DAY * _DAY - 30 * _DAY,
        "certificate.not_valid_after": now // _DAY * _DAY + 60 * _DAY,
        "certificate.key_alg": "rsaEncryption",
        "certificate.sig_alg": "sha256WithRSAEncryption",
        "certificate.key_type": "rsa",
        "certificate.key_length": 2048,
        "certificate.exponent": "65537",
        "san.dns": [server.name],
        "sni_matches_cert": True,
        **rest,
    }  # fmt: skip
