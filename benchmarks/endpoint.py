"""Speed of reading endpoint logs, side by side with the fastest way to merely decode them.

    python benchmarks/endpoint.py [--size 1G] [--log FILE]... [--rounds 3]

Flat JSON against `orjson.loads` on every line; EVTX against bare iteration by `evtx`. Our side produces every record.
Without `--log` a flat JSON log of a busy host is made up (an EVTX log cannot be: give one). A log smaller than `--size`
is repeated. Both sides read the same file from the page cache, in turns; the best round of each counts.
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
from evtx import PyEvtxParser

from enricher import formats
from enricher.service import inputs, runtime

UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
EVTX_HEADER, EVTX_CHUNK = 4096, 1 << 16
TARGETS = {"flat_json": ("orjson.loads", 1.5), "evtx": ("evtx records_json", 0.7)}

MIX = {10: 600, 7: 250, 12: 65, 13: 45, 11: 40, 3: 18, 22: 12, 1: 4, 5: 4}
"""Events by id, of a thousand: two thirds of the bytes are event 10, a quarter event 7."""

DLLS = [
    f"{a}{b}.dll" for a in ("kernel", "user", "gdi", "combase", "rpc", "shell", "policy", "twin") for b in range(24)
]
TLS_DLLS = ["crypt32.dll", "bcrypt.dll", "rsaenh.dll", "cryptsp.dll", "schannel.dll", "ncryptsslp.dll"]
IMAGES = [rf"C:\Windows\System32\{n}.exe" for n in ("svchost", "lsass", "wermgr", "taskhostw", "SearchIndexer")] + [
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
    r"C:\Users\ann\AppData\Local\Temp\updater.exe",
]


def event(rnd: random.Random, event_id: int) -> bytes:
    """One line of a made-up log, in the shape and size that NXLog ships."""
    image, pid = rnd.choice(IMAGES), str(rnd.randrange(4, 20000, 4))
    guid = f"{{ec2b781c-{rnd.randrange(1 << 16):04x}-64f8-{rnd.randrange(1 << 16):04x}-000000000500}}"
    now = f"2026-03-01 10:{rnd.randrange(60):02}:{rnd.randrange(60):02}.{rnd.randrange(1000):03}"
    hashes = f"SHA1={rnd.randbytes(20).hex().upper()},SHA256={rnd.randbytes(32).hex().upper()}"
    dll = rnd.choice(TLS_DLLS) if rnd.random() < 0.04 else rnd.choice(DLLS)
    trace = "|".join(rf"C:\Windows\System32\{rnd.choice(DLLS)}+{rnd.randrange(1 << 20):x}" for _ in range(12))
    process = {"UtcTime": now, "ProcessGuid": guid, "ProcessId": pid, "Image": image}
    data = {
        1: process
        | {"CommandLine": f'"{image}" --type=renderer --id={pid}', "Hashes": hashes, "ParentProcessId": "664"}
        | {"ParentImage": IMAGES[0], "ParentCommandLine": IMAGES[0], "User": r"CORP\ann", "IntegrityLevel": "Medium"},
        3: process
        | {
            "Protocol": "tcp",
            "Initiated": "true",
            "SourceIp": "192.0.2.7",
            "SourcePort": str(rnd.randrange(49152, 65535)),
        }
        | {"DestinationIp": f"198.51.100.{rnd.randrange(255)}", "DestinationPort": "443", "DestinationHostname": "-"},
        7: process
        | {"ImageLoaded": rf"C:\Windows\System32\{dll}", "FileVersion": "10.0.19041.1865 (WinBuild.160101.0800)"}
        | {"Description": "A library", "Product": "Microsoft® Windows® Operating System", "OriginalFileName": dll}
        | {"Company": "Microsoft Corporation", "Hashes": hashes, "Signed": "true", "Signature": "Microsoft Windows"}
        | {"SignatureStatus": "Valid", "User": r"NT AUTHORITY\SYSTEM"},
        10: {"UtcTime": now, "SourceProcessGUID": guid, "SourceProcessId": pid, "SourceImage": image}
        | {"TargetProcessGUID": guid, "TargetProcessId": pid, "TargetImage": IMAGES[0], "GrantedAccess": "0x1000"}
        | {"CallTrace": trace, "SourceUser": r"CORP\ann", "TargetUser": r"NT AUTHORITY\SYSTEM"},
        12: process | {"EventType": "CreateKey", "TargetObject": r"HKLM\System\CurrentControlSet\Services\x"},
        13: process | {"EventType": "SetValue", "TargetObject": r"HKLM\Software\x", "Details": "DWORD (0x00000001)"},
        22: process | {"QueryName": "www.example.com", "QueryStatus": "0", "QueryResults": "198.51.100.9;"},
    }.get(event_id, process)
    header = {
        "SourceName": "Microsoft-Windows-Sysmon",
        "ProviderGuid": "{5770385f-c22a-43e0-bf4c-06f5698ffbd9}",
        "Level": "4",
        "Keywords": "0x8000000000000000",
        "Channel": "Microsoft-Windows-Sysmon/Operational",
        "Hostname": "WS7.corp.example",
        "TimeCreated": "2026-03-01T10:00:00.000Z",
        "@timestamp": "2026-03-01T10:00:00.000Z",
        "EventID": event_id,
        "Message": "An event:\r\n" + "\r\n".join(f"{k}: {v}" for k, v in data.items()),
        "Task": str(event_id),
    }
    return json.dumps(header | data, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def made_up() -> bytes:
    """Some 40 MB of events."""
    rnd = random.Random(1496)
    return b"".join(event(rnd, id_) for id_ in rnd.choices(list(MIX), list(MIX.values()), k=24_000))


def content(log: Path) -> bytes:
    """A log's bytes; of a zip archive, its first member's."""
    if not zipfile.is_zipfile(log):
        return log.read_bytes()
    with zipfile.ZipFile(log) as archive:
        return archive.read(archive.namelist()[0])


@contextmanager
def of_size(data: bytes, format_id: str, size: int) -> Iterator[Path]:
    """A temporary file of the log, repeated up to a size. An EVTX file is repeated by its used chunks."""
    head = data[:EVTX_HEADER] if format_id == "evtx" else b""
    body = data[len(head) :]
    if format_id == "evtx":
        chunks = [body[at : at + EVTX_CHUNK] for at in range(0, len(body), EVTX_CHUNK)]
        body = b"".join(c for c in chunks if c.startswith(b"ElfChnk"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        with path.open("wb") as out:
            out.write(head)
            for _ in range(max(1, -(-size // len(body)))):
                out.write(body)
        yield path


def decode_json(path: Path) -> int:
    """The peer: decode every line, keep nothing."""
    count = 0
    with path.open("rb") as lines:
        for line in lines:
            orjson.loads(line)
            count += 1
    return count


def iterate_evtx(path: Path) -> int:
    """The peer: render every record, keep nothing."""
    return sum(1 for _ in PyEvtxParser(str(path), number_of_threads=1).records_json())


def read(path: Path) -> int:
    """Ours, as the service drives it: every record is produced, a chunk's at a time."""
    with path.open("rb") as file:
        head = file.read(1 << 16)
        reader = formats.reader(str(formats.recognise(head)), "log")
        file.seek(0)
        produced = 0
        while data := file.read(inputs.CHUNK):
            produced += len(reader.feed(data))
        return produced + len(reader.close())


def timed(work: Callable[[Path], int], path: Path) -> tuple[float, int]:
    """Seconds, and what the work counted."""
    start = time.perf_counter()
    count = work(path)
    return time.perf_counter() - start, count


def compare(data: bytes, size: int, rounds: int) -> None:
    """Print both speeds and their ratio."""
    format_id = formats.recognise(data[: 1 << 16])
    if format_id not in TARGETS:
        sys.exit(f"neither flat JSON nor EVTX, but {format_id}")
    peer_name, target = TARGETS[format_id]
    peer = iterate_evtx if format_id == "evtx" else decode_json
    with of_size(data, format_id, size) as path:
        megabytes = path.stat().st_size / 1e6
        peers, ours = [], []
        for _ in range(rounds):
            peers.append(timed(peer, path))
            ours.append(timed(read, path))
        fast_peer, fast = min(peers), min(ours)
        print(f"{format_id}: {megabytes:.0f} MB, {fast_peer[1]} events, {fast[1]} records, best of {rounds}")
        print(f"  {peer_name:<20} {megabytes / fast_peer[0]:7.0f} MB/s")
        print(f"  {'an1496':<20} {megabytes / fast[0]:7.0f} MB/s   {fast_peer[0] / fast[0]:.2f}x (target {target}x)")


def main() -> None:
    """Read the arguments and compare."""
    runtime.prepare()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="1G", help="bytes to read at least, with K, M or G")
    parser.add_argument("--log", action="append", type=Path, default=[], help="flat JSON or EVTX, may be zipped")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    unit = UNITS.get(options.size[-1:].upper())
    size = int(options.size[:-1]) * unit if unit else int(options.size)
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < 2 * size:
        sys.exit(f"{tempfile.gettempdir()} has {free >> 20} MiB free: choose a smaller --size, or another TMPDIR")
    for log in options.log:
        compare(content(log), size, options.rounds)
    if not options.log:
        compare(made_up(), size, options.rounds)


if __name__ == "__main__":
    main()
