"""Figures of one worker, and a page for whoever scrapes them."""

import json
import threading
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Mapping, Sized
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from enricher.errors import ConfigError
from enricher.model.record import Record
from enricher.model.verdict import LedgerRow
from enricher.service.delivery import Statistics

_PATIENCE: Final = 10.0
"""Seconds that who asks may take."""
_OFFSETS: Final = (0.1, 1.0, 10.0, 60.0, 600.0, 3600.0, 43200.0, 86400.0)
_SINK_COUNTS: Final = ("given", "delivered", "dead", "lost")


class Metrics:
    """All figures, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._records = self._counter("records", "Records taken, by source and type", "source", "type")
        self._rows = self._counter("ledger_rows", "Ledger rows written, revisions too, by disposition", "disposition")
        self._notices = self._counter("notices", "Notices given to the sinks, revisions too")
        self._failures = self._counter("failures", "Rounds and readings that failed and were tried again", "what")
        self._problems = self._counter("problems", "What in a source could not be read", "source")
        self._shed = self._counter("shed_sessions", "Sessions without anomalies let go because of overload", "source")
        self._lag = self._gauge("source_lag", "Unread bytes of a file, unread entries of a list or stream", "source")
        self._packets = self._gauge("interface", "Packets of an interface, and what of them was lost", "source", "what")
        self._open = self._gauge("buckets", "Connections whose sessions wait, are not settled, notices untold", "state")
        self._sinks = self._gauge("sink_notices", "Notices by sink and what became of them", "sink", "outcome")
        self._away = self._gauge("sink_away", "1: the last try of a sink was in vain", "sink")
        self._retries = self._gauge("sink_retries", "Batches tried again, by sink", "sink")
        self._dropped = self._gauge("dropped", "Records the store could not keep", "what")
        self._offsets = Histogram(
            "an1496_clock_offset_seconds",
            "How wrong the endpoint clocks were by which sessions were matched, ledger rows with revisions",
            buckets=_OFFSETS,
            registry=self.registry,
        )
        self._last = self._gauge("last_round_timestamp_seconds", "When the last round was safe")
        self._took = Histogram("an1496_round_seconds", "How long rounds take", registry=self.registry)

    def round(self, batches: Iterable[tuple[str, Iterable[Record]]], seconds: float, now: float) -> None:
        """A round is safe."""
        for source, records in batches:
            for kind, count in Tally(map(type, records)).items():
                self._records.labels(source, kind.__name__).inc(count)
        self._took.observe(seconds)
        self._last.set(now)

    def told(self, rows: Iterable[LedgerRow], notices: Sized) -> None:
        """Rows and notices are out."""
        self._notices.inc(len(notices))
        for row in rows:
            self._rows.labels(row.disposition).inc()
            if row.clock_offset is not None:
                self._offsets.observe(abs(row.clock_offset))

    def failed(self, what: str) -> None:
        """Something is tried again."""
        self._failures.labels(what).inc()

    def problem(self, source: str) -> None:
        """Something could not be read."""
        self._problems.labels(source).inc()

    def shed(self, source: str, count: int) -> None:
        """Sessions of an overloaded source were let go."""
        self._shed.labels(source).inc(count)

    def lag(self, source: str, lag: float | None) -> None:
        """How far a source is behind."""
        self._lag.labels(source).set(float("nan") if lag is None else lag)

    def capture(self, source: str, counts: Mapping[str, int]) -> None:
        """What came from an interface."""
        for what, count in counts.items():
            self._packets.labels(source, what).set(count)

    def standing(self, counts: Mapping[str, int], dropped: Mapping[str, int]) -> None:
        """How things stand."""
        for state, count in counts.items():
            self._open.labels(state).set(count)
        for what, count in dropped.items():
            self._dropped.labels(what).set(count)

    def sink(self, name: str, each: Statistics) -> None:
        """How a sink does."""
        for outcome in _SINK_COUNTS:
            self._sinks.labels(name, outcome).set(getattr(each, outcome))
        self._away.labels(name).set(each.trouble is not None)
        self._retries.labels(name).set(each.retries)

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        return Counter(f"an1496_{name}", what, labels, registry=self.registry)

    def _gauge(self, name: str, what: str, *labels: str) -> Gauge:
        return Gauge(f"an1496_{name}", what, labels, registry=self.registry)


class Page:
    """`/metrics` and `/health`, in a thread of its own."""

    def __init__(self, host: str, port: int, metrics: Metrics, health: Callable[[], Mapping[str, Any]]) -> None:
        """Listen.

        Raises:
            ConfigError: the address is taken, or none of ours.
        """

        class Handler(BaseHTTPRequestHandler):
            """One request."""

            timeout = _PATIENCE

            def do_GET(self) -> None:
                """Answer."""
                if self.path == "/metrics":
                    self._answer(200, "text/plain; version=0.0.4; charset=utf-8", generate_latest(metrics.registry))
                elif self.path == "/health":
                    state = health()
                    self._answer(200 if state["ok"] else 503, "application/json", json.dumps(state).encode())
                else:
                    self._answer(404, "text/plain", b"known are /metrics and /health\n")

            def _answer(self, status: int, kind: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        try:
            self._server = ThreadingHTTPServer((host, port), Handler)
        except OSError as error:
            raise ConfigError(
                f"live.metrics_port: cannot listen on {host}:{port} ({error.strerror})", "give another port"
            ) from error
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Listen no longer."""
        self._server.shutdown()
        self._server.server_close()
