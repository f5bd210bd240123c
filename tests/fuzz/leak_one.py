"""`leak_one.py TARGET CORPUS`: feed a corpus again and again; once all is warm, nothing more may stay in memory."""

import gc
import sys
import tracemalloc
from pathlib import Path

from targets import TARGETS

MOST_INPUTS = 100
LEAK = 64 << 10
"""Bytes that one more pass may still hold: the allocator's noise, far below one byte for each byte fed."""


def main(name: str, corpus: str) -> None:
    inputs = [path.read_bytes() for path in sorted(Path(corpus).iterdir())[:MOST_INPUTS]]
    tracemalloc.start()
    held = []
    for _ in range(3):
        for data in inputs:
            TARGETS[name].check(data)
        gc.collect()
        held.append(tracemalloc.get_traced_memory()[0])
    if held[2] - held[1] > LEAK:
        sys.exit(f"{name}: {held[2] - held[1]} more bytes stay in memory after each pass over {len(inputs)} inputs")


if __name__ == "__main__":
    main(*sys.argv[1:])
