"""`fuzz_one.py TARGET FOLDER SECONDS`: one target under libFuzzer; fails where it raises, hangs or eats memory."""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["enricher"]):
    from targets import TARGETS

LIMITS = ("-rss_limit_mb=1024", "-timeout=10")


def main(name: str, folder: str, seconds: str) -> None:
    target = TARGETS[name]
    flags = [f"-max_total_time={seconds}", f"-max_len={target.max_len}", f"-artifact_prefix={folder}/", *LIMITS]
    atheris.Setup([sys.argv[0], str(Path(folder) / "corpus"), *flags, "-print_final_stats=1"], target.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
