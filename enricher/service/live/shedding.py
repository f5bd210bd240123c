"""What is let go while a source is too far behind, where the operator allows it: sessions without anomalies."""

from collections.abc import Sequence

from enricher.errors import An1496Error
from enricher.model.observation import Observation
from enricher.model.record import Record
from enricher.service.engine import Engine
from enricher.service.live.sources._source import Source


def shed(records: Sequence[Record], engine: Engine) -> list[Record]:
    """The records without those of sessions in which nothing is abnormal, as far as is known without rarity.

    What endpoints tell always stays: it may concern any session.
    """
    return [r for r in records if not isinstance(r, Observation) or engine.judge(r, None).anomalies]


def behind(source: Source, limit: int | None) -> bool:
    """Whether a source is farther behind than allowed; one that does not know is not."""
    if limit is None:
        return False
    try:
        lag = source.lag()
    except An1496Error:  # the next reading tells whether it is away
        return False
    return lag is not None and lag > limit
