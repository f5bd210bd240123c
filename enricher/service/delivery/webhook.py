"""Any HTTP server: one POST for each notice.

A receiver that has the signing key computes HMAC-SHA-256 over the header `X-AN1496-Timestamp`, a full stop and the
body as it came, compares it with `X-AN1496-Signature` (`sha256=` and hex), and refuses what is too old.
"""

import hashlib
import hmac
from collections.abc import Sequence

from enricher.service.delivery.http import Http
from enricher.service.delivery.writer import Clock, Record, Sent, one_by_one
from enricher.service.secret import reveal
from enricher.sinks.encoding import ENCODINGS
from enricher.sinks.settings import Secret, WebhookSink


class Webhook:
    """One receiver."""

    def __init__(self, sink: WebhookSink, clock: Clock) -> None:
        """Check what can be checked without talking to it.

        Raises:
            ConfigError: address, roots or secrets cannot be used.
        """
        self.encoding = ENCODINGS[sink.format]
        url = reveal(sink.url) if isinstance(sink.url, Secret) else sink.url
        self._http = Http(url, sink.ca_file, sink.timeout_seconds, clock, gzipped=sink.gzip)
        self._key = reveal(sink.signing_key).encode() if sink.signing_key else None
        self._token = reveal(sink.token) if sink.token else None
        self._clock = clock

    def send(self, records: Sequence[Record]) -> Sent:
        """One request each; the first that finds nobody ends the batch."""
        return one_by_one(records, self._post)

    def _post(self, record: Record) -> None:
        self._http.post("", record.payload, self._headers(record))

    def _headers(self, record: Record) -> dict[str, str]:
        notice = record.notice
        headers = {
            "Content-Type": self.encoding.content_type,
            "X-AN1496-Notice": notice.id,
            "X-AN1496-Revision": str(notice.revision),
        }
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        if self._key is not None:
            now = str(int(self._clock.wall()))
            signature = hmac.digest(self._key, f"{now}.".encode() + record.payload, hashlib.sha256).hex()
            headers |= {"X-AN1496-Timestamp": now, "X-AN1496-Signature": f"sha256={signature}"}
        return headers

    def close(self) -> None:
        """Hang up."""
        self._http.close()
