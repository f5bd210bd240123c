"""Prints the sessions that Zeek publishes, as the service reads them. Arguments: port, how many, seconds at most."""

import sys
import time

from enricher.config import ZeekSource
from enricher.errors import InputError
from enricher.model.observation import Observation
from enricher.service.live.sources.zeek import ZeekSessions

PAUSE = 0.1
LINGER = 0.5
"""Seconds after the last in which no other may come."""


def main() -> None:
    """Listen until all are there, and no others."""
    port, wanted, seconds = sys.argv[1].partition("/")[0], int(sys.argv[2]), float(sys.argv[3])
    source = ZeekSessions("zeek", ZeekSource(url=f"ws://127.0.0.1:{port}"), most=100)
    found: list[str] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            records = source.read()
        except InputError:  # it does not listen yet
            time.sleep(PAUSE)
            continue
        for each in records:
            assert isinstance(each, Observation)
            found.append(
                f"{each.uid} {each.orig_h}:{each.orig_p} {each.server_name} {each.cert_subject} {each.anomalies}"
            )
        if records and len(found) >= wanted:
            until = min(until, time.monotonic() + LINGER)
    source.close()
    sys.stdout.writelines(f"{line}\n" for line in sorted(found))
    sys.stdout.writelines(f"{problem}\n" for problem in source.problems())
    sys.stdout.write(f"{len(found)} sessions\n")


if __name__ == "__main__":
    main()
