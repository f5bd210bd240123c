"""How the sinks do, for log and metrics; dead letters that are sent again."""

from collections import Counter
from collections.abc import Callable

from enricher.errors import DeliveryError
from enricher.service.delivery import Delivery
from enricher.service.live.metrics import Metrics
from enricher.service.log import Log
from enricher.service.patience import Patience


class Sinks:
    """All sinks of a service."""

    def __init__(self, log: Log, metrics: Metrics, patience: Patience) -> None:
        self.delivery: Delivery | None = None
        """Once there is one."""
        self.asked = False
        """Dead letters are to be sent again."""
        self._log = log
        self._metrics = metrics
        self._patience = patience
        self._dead: Counter[str] = Counter()
        """Sink → notices that were told to have become dead letters."""

    def hear(self) -> None:
        """Say which sinks are away and why, and what became a dead letter."""
        for name, each in self.delivery.report().sinks.items() if self.delivery is not None else ():
            self._metrics.sink(name, each)
            if each.trouble is None:
                self._patience.back(f"sink {name}")
            else:
                self._patience.away(f"sink {name}", DeliveryError(each.trouble, each.advice))
            if more := each.dead - self._dead[name]:
                self._dead[name] = each.dead
                self._log.warning("dead letters", sink=name, notices=more, reason=each.reason)

    def again_if_asked(self, beat: Callable[[], None]) -> None:
        """Send dead letters again; `beat` is called every few seconds."""
        if not self.asked or self.delivery is None:
            return
        self.asked = False
        self._log.info("sending dead letters again")
        try:
            self.delivery.again(beat)
        except DeliveryError as error:
            self._log.error("not all dead letters were sent again", error=error.message, advice=error.advice)
        self.hear()

    def close(self) -> None:
        """Hang up."""
        if self.delivery is not None:
            self.delivery.close()
