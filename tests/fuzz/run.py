"""Coverage-guided fuzzing: `run.py [TARGET…]`, all where none is named, FUZZ_SECONDS each. Needs the extra `fuzz`.

Each target runs in a process of its own, with limits of memory and of time for one input, and is then asked what it
leaves in memory. What it finds stays in build/fuzz; an input that failed belongs, once mended, into regressions/.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from targets import TARGETS

HERE = Path(__file__).resolve().parent
FOUND = HERE.parents[1] / "build" / "fuzz"


def main() -> None:
    words = argparse.ArgumentParser(description="Fuzz the entry points of the program.")
    words.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}; all where none is named")
    words.add_argument("--seconds", type=int, default=int(os.environ.get("FUZZ_SECONDS", "30")), help="for each")
    given = words.parse_args()
    if unknown := set(given.targets) - TARGETS.keys():
        words.error(f"there is no target {', '.join(sorted(unknown))}")
    failed = [name for name in given.targets or TARGETS if not passes(name, given.seconds)]
    if failed:
        sys.exit(f"fuzzing failed: {', '.join(failed)}; log and inputs are in {FOUND}")


def passes(name: str, seconds: int) -> bool:
    """Fuzz one target and look for leaks; print one line of figures, and the end of the log where it failed."""
    place = FOUND / name
    shutil.rmtree(place, ignore_errors=True)
    corpus = place / "corpus"
    corpus.mkdir(parents=True)
    for number, seed in enumerate(TARGETS[name].seeds()):
        (corpus / f"seed-{number:04}").write_bytes(seed[: TARGETS[name].max_len])
    for path in (HERE / "regressions" / name).glob("*"):
        shutil.copy(path, corpus)
    with (place / "log").open("w") as log:
        well = all(
            subprocess.run([sys.executable, HERE / script, name, *rest], stdout=log, stderr=log, check=False).returncode
            == 0
            for script, *rest in (("fuzz_one.py", str(place), str(seconds)), ("leak_one.py", str(corpus)))
        )
    told = (place / "log").read_text(errors="replace").splitlines()
    figures = [line.removeprefix("stat::").split(":") for line in told if line.startswith("stat::")]
    figures += [("edges", line.split("cov:")[1].split()[0]) for line in told if " cov: " in line][-1:]
    shown = "  ".join(f"{what} {value.strip()}" for what, value in figures)
    sys.stdout.write(f"{name:14} {'ok' if well else 'FAILED'}  {shown}\n")
    if not well:
        sys.stdout.write("\n".join(told[-40:]) + "\n")
    sys.stdout.flush()
    return well


if __name__ == "__main__":
    main()
