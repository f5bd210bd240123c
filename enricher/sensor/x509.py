"""Facts of one certificate (RFC 5280 4.1), in the words of Zeek's x509.log.

A certificate that is flawed still tells what can be read: every field is read on its own, and what is wrong is
noted. The general libraries refuse such certificates as a whole (a negative serial, a date of another form, a name
that is not UTF-8), and those are the ones of interest here.
"""

import calendar
import ipaddress
import re
from types import TracebackType
from typing import Any, Final

from enricher.sensor import distinguished_name, public_key
from enricher.sensor.asn1 import (
    BIT_STRING,
    BOOLEAN,
    GENERALIZED_TIME,
    INTEGER,
    OBJECT_IDENTIFIER,
    OCTET_STRING,
    SEQUENCE,
    UTC_TIME,
    Cursor,
    Element,
    Malformed,
    integer,
    oid,
)
from enricher.sensor.oids import ALGORITHMS
from enricher.sensor.printable import printable

_VERSION, _ISSUER_ID, _SUBJECT_ID, _EXTENSIONS = 0xA0, (0x81, 0xA1), (0x82, 0xA2), 0xA3
_SAN: Final = "2.5.29.17"
_BASIC_CONSTRAINTS: Final = "2.5.29.19"
_DNS_NAME, _IP_ADDRESS = 0x82, 0x87
_MOST_EXTENSIONS: Final = 200
"""That are read. Nobody's certificate has twenty; one made to cost time has thousands."""
_LONGEST_SERIAL: Final = 64
"""Bytes kept; RFC 5280 4.1.2.2 allows 20."""
_CLOCK: Final = rb"(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?(?:[.,]\d+)?(?:Z|([+-])(\d\d)(\d\d))"
_TIMES: Final = {
    UTC_TIME: re.compile(rb"(\d{2})" + _CLOCK),
    GENERALIZED_TIME: re.compile(rb"(\d{4})" + _CLOCK),
}


class Certificate:
    """One certificate's facts, filled as far as it could be read."""

    def __init__(self, der: bytes, max_names: int) -> None:
        self.facts: dict[str, Any] = {}
        """Fields of `model.observation.Observation`."""
        self.common_name: str | None = None
        self.has_alternative_names = False
        self.names_complete = True
        """False: there may be more names than the facts hold."""
        self.flaw: str | None = None
        """The first thing that is wrong with it."""
        self._max_names = max_names
        with self._reading("structure"):
            self._certificate(der)

    def _reading(self, part: str) -> "_Reading":
        return _Reading(self, part)

    def note(self, flaw: str) -> None:
        """Keep the first flaw; those that follow are often its consequence."""
        self.flaw = self.flaw or flaw

    def _certificate(self, der: bytes) -> None:
        outer = Cursor(der)
        whole = outer.take(SEQUENCE, cut=True)
        if whole.missing:
            self.note(f"its last {whole.missing} bytes are missing")
        if outer.left:
            self.note(f"{outer.left} bytes follow it")
        certificate = Cursor(whole.body)
        tbs = Cursor(certificate.take(SEQUENCE, cut=True).body)
        with self._reading("signed part"):
            inner = self._signed_part(tbs)
        algorithm = certificate.take(SEQUENCE)
        with self._reading("signature algorithm"):
            # Zeek (OpenSSL) calls one that it does not know "undefined".
            dotted = oid(Cursor(algorithm.body).take(OBJECT_IDENTIFIER).body)
            self.facts["cert_sig_alg"] = ALGORITHMS.get(dotted, "undefined")
        certificate.take(BIT_STRING)
        if self.flaw is None and inner != algorithm.whole:
            self.note("the signed signature algorithm is another than the outer one")

    def _signed_part(self, tbs: Cursor) -> bytes:
        version = tbs.optional(_VERSION)
        with self._reading("version"):
            number = 1 if version is None else integer(Cursor(version.body).take(INTEGER).body) + 1
            if number not in (1, 2, 3):
                raise Malformed(f"{min(max(number, -999), 999)} does not exist")
            self.facts["cert_version"] = number
        serial = tbs.take(INTEGER).body
        with self._reading("serial number"):
            self._serial(serial)
        algorithm = tbs.take(SEQUENCE).whole
        issuer = tbs.take(SEQUENCE).body
        with self._reading("issuer"):
            self._name("issuer", issuer)
        validity = Cursor(tbs.take(SEQUENCE).body)
        for limit in ("not_valid_before", "not_valid_after"):
            with self._reading(limit):
                self.facts[f"cert_{limit}"] = seconds(validity.next())
        subject = tbs.take(SEQUENCE).body
        with self._reading("subject"):
            self.common_name = self._name("subject", subject)
        key = tbs.take(SEQUENCE).body
        with self._reading("public key"):
            public_key.describe(key, self.facts)
        tbs.optional(*_ISSUER_ID)
        tbs.optional(*_SUBJECT_ID)
        extensions = tbs.optional(_EXTENSIONS)
        if extensions is not None:
            with self._reading("extensions"):
                self._extensions(Cursor(extensions.body).take(SEQUENCE).body)
        if tbs.left:
            raise Malformed(f"tag 0x{tbs.next().tag:02x} at its end")
        return algorithm

    def _serial(self, body: bytes) -> None:
        number = integer(body)
        digits = f"{abs(number):X}"
        sign = "-" if number < 0 else ""
        self.facts["cert_serial"] = sign + digits.zfill(len(digits) + len(digits) % 2)[: 2 * _LONGEST_SERIAL]
        if number < 0:
            raise Malformed("negative")
        if len(body) > _LONGEST_SERIAL:
            raise Malformed(f"{len(body)} bytes")

    def _name(self, which: str, body: bytes) -> str | None:
        name = distinguished_name.read(body)
        self.facts[f"cert_{which}"] = name.text
        if name.flaw:
            self.note(f"{which}: {name.flaw}")
        return name.common_name

    def _extensions(self, body: bytes) -> None:
        seen: set[str] = set()
        for extension in Cursor(body):
            if len(seen) >= _MOST_EXTENSIONS:
                self.names_complete = False
                raise Malformed(f"more than {_MOST_EXTENSIONS}")
            fields = Cursor(extension.body)
            dotted = oid(fields.take(OBJECT_IDENTIFIER).body)
            if dotted in seen:
                self.note(f"extension {dotted} stands twice")
                continue
            seen.add(dotted)
            fields.optional(BOOLEAN)
            if dotted == _SAN:
                self.has_alternative_names, self.names_complete = True, False
                with self._reading("subject alternative name"):
                    self._alternative_names(fields.take(OCTET_STRING).body)
            elif dotted == _BASIC_CONSTRAINTS:
                with self._reading("basic constraints"):
                    self._basic_constraints(fields.take(OCTET_STRING).body)

    def _alternative_names(self, body: bytes) -> None:
        names: list[str] = []
        addresses: list[str] = []
        self.facts["san_dns"] = self.facts["san_ip"] = None
        for name in Cursor(Cursor(body).take(SEQUENCE).body):
            if len(names) + len(addresses) >= self._max_names:
                break
            if name.tag == _DNS_NAME:
                names.append(printable(name.body))
                if not (name.body.isascii() and name.body.decode("ascii").isprintable()):
                    self.note(f"subject alternative name: {names[-1][:64]} is no host name")
            elif name.tag == _IP_ADDRESS:
                if len(name.body) in (4, 16):
                    addresses.append(str(ipaddress.ip_address(name.body)))
                else:
                    self.note(f"subject alternative name: address of {len(name.body)} bytes")
            self.facts["san_dns"] = tuple(names) or None
            self.facts["san_ip"] = tuple(addresses) or None
        else:
            self.names_complete = True

    def _basic_constraints(self, body: bytes) -> None:
        fields = Cursor(Cursor(body).take(SEQUENCE).body)
        authority = fields.optional(BOOLEAN)
        self.facts["basic_constraints_ca"] = authority is not None and any(authority.body)
        if length := fields.optional(INTEGER):
            self.facts["basic_constraints_path_len"] = min(integer(length.body), 2**31 - 1)


class _Reading:
    """Notes what is wrong with one part, and lets the reading of the next go on."""

    def __init__(self, certificate: Certificate, part: str) -> None:
        self._certificate = certificate
        self._part = part

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Malformed):
            return False
        self._certificate.note(f"{self._part}: {error}")
        return True


def seconds(time: Element) -> float:
    """Seconds since 1970 UTC of a UTCTime or GeneralizedTime, also in forms that RFC 5280 4.1.2.5 forbids.

    Raises:
        Malformed: it is no time.
    """
    parts = _TIMES[time.tag].fullmatch(time.body) if time.tag in _TIMES else None
    if parts is None:
        raise Malformed("is no time")
    year, month, day, hour, minute, second = (int(part or 0) for part in parts.groups()[:6])
    if time.tag == UTC_TIME:
        year += 2000 if year < 50 else 1900
    try:
        days = calendar.monthrange(year, month)[1]
    except ValueError:
        days = 0
    if not (year >= 1 and 1 <= day <= days and hour < 24 and minute < 60 and second < 61):
        raise Malformed("is no date that exists")
    offset = int(parts[8] or 0) * 3600 + int(parts[9] or 0) * 60
    return float(
        calendar.timegm((year, month, day, hour, minute, second, 0, 0, 0)) + (offset if parts[7] == b"-" else -offset)
    )
