"""The service's log: one JSON object a line on standard error, with its priority where that is the journal."""

import sys
from typing import Any

import structlog

from enricher.service.systemd import prefix
from enricher.sinks import jsonl

Log = structlog.typing.FilteringBoundLogger


def logger(**bound: Any) -> Log:
    """A log whose every line carries `bound`."""
    log: Log = structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            lambda _logger, level, event: prefix(level, sys.stderr) + jsonl.encode(event).decode(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(20),
        **bound,
    )
    return log
