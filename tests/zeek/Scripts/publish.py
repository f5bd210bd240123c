"""Publishes two notices as the enricher does, to the port given, and prints what went wrong."""

import sys

import msgspec

from enricher.config import ZeekConfig
from enricher.model.verdict import Legs, Notice, NoticeServer, NoticeSession
from enricher.service.feedback import Feedback

port = sys.argv[1].partition("/")[0]
unknown = dict.fromkeys(("community_id", "ja3", "ja4", "method"))
ends = {"orig_h": "10.0.0.1", "orig_p": 50000, "resp_h": "203.0.113.1", "resp_p": 443}
notices = [
    Notice(
        id=f"AN1496-{number}",
        revision=1,
        severity="high",
        score=60,
        summary=f"summary {number}",
        first=1.0,
        last=1.0,
        count=1,
        host="ws-1",
        client=("10.0.0.1",),
        process=None,
        candidates=(),
        server=NoticeServer(
            **dict.fromkeys(f.name for f in msgspec.structs.fields(NoticeServer) if f.required) | {"port": 443}
        ),
        sessions=(NoticeSession(uid=f"C{number}", ts=1.0, anomalies=(), **ends, **unknown),),
        legs=Legs(process="present", library="present", session="present"),
        evidence=(),
        clock=None,
        unseen=(),
    )
    for number in (1, 2)
]
problems = Feedback(ZeekConfig(url=f"ws://127.0.0.1:{port}")).publish(notices)
sys.stdout.writelines(f"{problem}\n" for problem in problems)
