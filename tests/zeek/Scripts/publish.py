"""Publishes two notices as a replay does, to the port given, and prints what went wrong."""

import sys
from pathlib import Path

from enricher.config import Config
from enricher.model.verdict import Legs, Notice, NoticeServer, NoticeSession
from enricher.service.delivery import Outlets
from enricher.service.delivery.once import deliver


def notice(number: int) -> Notice:
    """A notice."""
    session = NoticeSession(
        uid=f"C{number}",
        ts=1.0,
        orig_h="10.0.0.1",
        orig_p=50000,
        resp_h="203.0.113.1",
        resp_p=443,
        community_id=None,
        anomalies=(),
        ja3=None,
        ja4="t13d",
        method=None,
    )
    return Notice(
        id=f"AN1496-{number}",
        revision=1,
        severity="high",
        score=60,
        summary=f"summary {number}",
        first=1795493274.25,
        last=1795493275.0,
        count=1,
        host="ws-1",
        client=("10.0.0.1",),
        process=None,
        candidates=("viewer.exe",),
        server=NoticeServer(
            address="203.0.113.1", port=443, name=None, subject=None, issuer=None, cert_sha256=None, ja3s=None
        ),
        sessions=(session,),
        legs=Legs(process="present", library="present", session="present"),
        evidence=(),
        clock=None,
        unseen=(),
    )


def main() -> None:
    """Publish."""
    port = sys.argv[1].partition("/")[0]
    config = Config().with_options(ca_bundle=None, redis_url=None, zeek_url=f"ws://127.0.0.1:{port}")
    problems = deliver([notice(1), notice(2)], Outlets(config), Path())
    sys.stdout.writelines(f"{problem}\n" for problem in problems)


if __name__ == "__main__":
    main()
