"""What is shipped: a line as it can be read alone, and what its order is kept by."""

from typing import NamedTuple

from enricher.model.observation import CertificateRecord, ConnectionRecord, Observation
from enricher.model.record import Record


class Line(NamedTuple):
    """One line of a log."""

    key: str
    """Host of an endpoint's event, uid of a connection, fingerprint of a certificate."""
    payload: bytes


def line(record: Record, payload: bytes) -> Line:
    """The line that a record stands on."""
    if isinstance(record, CertificateRecord):
        return Line(record.fingerprint, payload)
    return Line(record.uid if isinstance(record, Observation | ConnectionRecord) else record.host, payload)
