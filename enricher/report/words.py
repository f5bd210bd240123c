"""Times, places and layout that every report shares."""

import re
import textwrap
from datetime import UTC, datetime, timedelta
from typing import Final

WIDTH: Final = 100
"""Columns of a plain-text page."""

_SEPARATOR: Final = re.compile(r"\\(?!x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def moment(ts: float) -> str:
    """Seconds since 1970 as `2022-04-21 18:01:02.345 UTC`; what no calendar holds, as the number itself."""
    try:
        return f"{_EPOCH + timedelta(seconds=ts):%Y-%m-%d %H:%M:%S.%f}"[:-3] + " UTC"
    except (OverflowError, ValueError):
        return f"{ts} s since 1970"


def last_part(path: str) -> str:
    r"""The last component of a Windows path or of `DOMAIN\user`, in text already made visible.

    What looks like an escape is taken for one: better a folder too many than half an escape.
    """
    return _SEPARATOR.split(path)[-1]


def place(address: str, port: int) -> str:
    """`address:port`, with brackets around IPv6."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def wrapped(text: str, indent: str = "", hanging: str | None = None) -> list[str]:
    """Lines of at most `WIDTH` columns; the first begins with `indent`, the others with `hanging`."""
    following = indent if hanging is None else hanging
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=following,
        break_on_hyphens=False,
        drop_whitespace=True,
    ) or [indent.rstrip()]
