"""What an evidence found, before it is weighed."""

from typing import NamedTuple


class Finding(NamedTuple):
    """One sentence, and the record that proves it."""

    text: str
    ts: float | None = None
    """Time of that record by its own clock."""
    offset: float | None = None
    """Seconds to add to `ts` to get network time; None: not known."""
    source: str | None = None
