#!/usr/bin/env python3
"""Makes every capture, endpoint log and manifest.toml in this folder, from real TLS stacks in network namespaces.

Needs root, Linux, Debian 12 and:

    apt-get install iproute2 tcpdump openssl gnutls-bin curl golang-go \\
        openjdk-17-jdk-headless nodejs chromium libnss3-tools python3-cryptography ngtcp2-client \\
        ngtcp2-server python3-aiosmtpd dovecot-imapd postgresql tinyproxy microsocks

    python3 pcaps/make.py [--out DIR] [SCENARIO ...]

Traffic stays inside the namespaces. Private keys live in a temporary directory and are gone afterwards. SCENARIOs are
for trying out some of them in another folder.
"""

import argparse
import importlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

import manifest
import stacks
from lab import Lab
from pki import Pki

HERE = Path(__file__).resolve().parent
SCENARIOS = ("demo", "clocks", "late", "injection", "reuse", "certificates", "handshakes", "wire", "rarity", "benign")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HERE)
    parser.add_argument("scenario", nargs="*")
    args = parser.parse_args()
    if args.scenario and args.out == HERE:
        parser.error("some scenarios alone would leave a manifest without the others: give --out")
    if os.geteuid() != 0:
        sys.exit("network namespaces need root")
    work = Path(tempfile.mkdtemp(prefix="an1496-pcaps-"))
    args.out.mkdir(parents=True, exist_ok=True)
    pki = Pki(work)
    stacks.build(work)
    cases = []
    lab = None
    try:
        for name in args.scenario or SCENARIOS:
            print(name, flush=True)
            lab = Lab(work)
            cases += importlib.import_module(f"scenarios.{name}").make(lab, pki)
            lab.close()
        for case in cases:
            shutil.rmtree(args.out / case["name"], ignore_errors=True)
            shutil.copytree(work / case["name"], args.out / case["name"])
        shutil.copy(work / "ca.pem", args.out / "ca.pem")
        manifest.write(args.out / "manifest.toml", stacks.versions(), cases)
    finally:
        if lab:
            lab.close()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
