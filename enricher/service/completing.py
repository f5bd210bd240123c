"""What a log holds unread (certificates, codes) is read by the sensor, so that it is judged as what was captured is."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from enricher.model.observation import Observation, Unread
from enricher.model.problem import Problem
from enricher.model.record import Record
from enricher.sensor.contract import CertificateReader
from enricher.sensor.names import cipher_name
from enricher.service.reading import Reader

_BY_LEAF_ALONE: Final = (0, 18)
"""Codes of OpenSSL that the leaf alone can earn: trusted, self-signed. Others may be for want of the rest."""


def complete(records: Sequence[Record], certificates: CertificateReader) -> Sequence[Record]:
    """The records, with what they hold unread."""
    if not any(isinstance(record, Unread) for record in records):
        return records
    return [_read(record, certificates) if isinstance(record, Unread) else record for record in records]


def _read(record: Unread, certificates: CertificateReader) -> Observation:
    known = {name: getattr(record, name) for name in Observation.__struct_fields__}
    facts = certificates.facts(record.chain, record.server_name, record.ts)
    if not record.chain_is_whole and facts.get("validation_code") not in _BY_LEAF_ALONE:
        facts.pop("validation_code", None)
        facts.pop("validation_status", None)
    if record.cipher_code is not None:
        facts["cipher"] = cipher_name(record.cipher_code)
    return Observation(**known | {name: value for name, value in facts.items() if value is not None})


class Completing:
    """A reader whose records are complete."""

    def __init__(self, reader: Reader, complete: Callable[[Sequence[Record]], Sequence[Record]]) -> None:
        self._reader = reader
        self._complete = complete

    @property
    def problems(self) -> list[Problem]:
        """See `Reader`."""
        return self._reader.problems

    @property
    def skipped(self) -> Mapping[str, int]:
        """See `Reader`."""
        return self._reader.skipped

    def feed(self, data: bytes) -> Sequence[Record]:
        """See `Reader`."""
        return self._complete(self._reader.feed(data))

    def close(self) -> Sequence[Record]:
        """See `Reader`."""
        return self._complete(self._reader.close())
