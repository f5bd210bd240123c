"""Rows of Zeek's ssl.log, x509.log and conn.log, and of our own an1496.log, to records."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, get_args, get_origin

import msgspec

from enricher.formats._values import Values, number, text
from enricher.formats._zeek_rows import Row, boolean, seconds, strings
from enricher.model.observation import CertificateRecord, ConnectionRecord, Observation
from enricher.model.record import Record

LogMapper = Callable[[Row, str, Values], Record | str]
"""Gives the record (from row, source, conversions), or why there is none."""

_SHA256_DIGITS: Final = 64
_LARGEST: Final = 1 << 53
_TLS_SERVICES: Final = ("ssl", "quic", "dtls", "tls")

_VALIDATION: Final = MappingProxyType(
    {
        "ok": 0,
        "unable to get issuer certificate": 2,
        "certificate signature failure": 7,
        "self signed certificate": 18,
        "self-signed certificate": 18,
        "self signed certificate in certificate chain": 19,
        "self-signed certificate in certificate chain": 19,
        "unable to get local issuer certificate": 20,
        "unable to verify the first certificate": 21,
        "certificate chain too long": 22,
        "certificate revoked": 23,
        "invalid CA certificate": 24,
        "path length constraint exceeded": 25,
        "unsupported certificate purpose": 26,
        "unsuitable certificate purpose": 26,
        "certificate not trusted": 27,
        "certificate rejected": 28,
    }
)
"""OpenSSL's X509_V_ERR_* by their texts before and since 3.0. Those of dates are left out: codes are time-free."""

_OLD_COLUMNS: Final = MappingProxyType({"cert_subject": "subject", "cert_issuer": "issuer"})
"""Columns of ssl.log before Zeek 4.1."""

_Conversion = Callable[[Any, Values], Any]
_CONVERSIONS: Final[Mapping[Any, _Conversion]] = MappingProxyType(
    {
        float: seconds,
        int: lambda value, _: number(value, _LARGEST),
        bool: lambda value, _: boolean(value),
        tuple: lambda value, _: strings(value),
    }
)


class _Plan(msgspec.Struct, frozen=True):
    """How a log's columns become a record's fields: field, column, conversion by the field's type."""

    columns: tuple[tuple[str, str, _Conversion], ...]

    def fields(self, row: Row, values: Values) -> dict[str, Any]:
        """The record's fields that the row has."""
        found = ((name, convert(row[column], values)) for name, column, convert in self.columns if column in row)
        return {name: value for name, value in found if value is not None}


def _plan(record: type[msgspec.Struct], columns: Mapping[str, str]) -> _Plan:
    return _Plan(
        tuple((f.name, columns.get(f.name, f.encode_name), _conversion(f.type)) for f in msgspec.structs.fields(record))
    )


def _conversion(kind: Any) -> _Conversion:
    for alternative in get_args(kind) or (kind,):
        found = _CONVERSIONS.get(get_origin(alternative) or alternative)
        if found is not None:
            return found
    return lambda value, _: text(value)


_ZEEK_NAMES: Final = {f.name: f.encode_name for f in msgspec.structs.fields(Observation)}
_OBSERVATION: Final = _plan(Observation, {})
_OLD_SSL: Final = _Plan(tuple(c for c in _plan(Observation, _OLD_COLUMNS).columns if c[0] in _OLD_COLUMNS))
_CERTIFICATE: Final = _plan(CertificateRecord, _ZEEK_NAMES)
_CONNECTION: Final = _plan(ConnectionRecord, {})


_REQUIRED: Final[Mapping[type[Any], tuple[tuple[str, str], ...]]] = MappingProxyType(
    {
        record: tuple((f.name, f.encode_name) for f in msgspec.structs.fields(record) if f.required)
        for record in (Observation, CertificateRecord, ConnectionRecord)
    }
)
"""What a record cannot do without: our name, and the log's."""


def _record(record: type[Any], fields: dict[str, Any]) -> Any:
    """The record, or the first field it cannot do without."""
    missing = next((column for name, column in _REQUIRED[record] if name not in fields), None)
    return record(**fields) if missing is None else f"no usable {missing}"


def _observed(row: Row, source: str, values: Values) -> dict[str, Any]:
    fields = _OBSERVATION.fields(row, values)
    for name in ("orig_h", "resp_h"):
        if name in fields:
            fields[name] = values.address(fields[name]) or fields[name]
    if fields.get("proto") not in ("tcp", "udp"):
        fields.pop("proto", None)
    fields["source"] = source
    return fields


def observation(row: Row, source: str, values: Values) -> Record | str:
    """an1496.log, or Observations that we wrote ourselves: taken as they are."""
    fields = _observed(row, source, values)
    fields.setdefault("sensor", "an1496.log")
    result: Record | str = _record(Observation, fields)
    return result


def ssl(row: Row, source: str, values: Values) -> Record | str:
    """ssl.log: facts only, nothing judged."""
    fields = _OLD_SSL.fields(row, values) | _observed(row, source, values)
    fields |= {"sensor": "ssl.log", "anomalies": None, "anomaly_facts": None}
    history = fields.get("ssl_history", "")
    client_seen, server_seen = history.lower() != history, history.upper() != history
    if str(fields.get("version", "")).startswith("DTLS"):
        fields["proto"] = "udp"
    if history:
        fields["client_hello_seen"] = "C" in history
    if fields.get("established") is False and not (client_seen and server_seen):
        del fields["established"]
    fields["cert_visible"] = _cert_visible(row, fields)
    if "validation_status" in fields:
        fields["validation_code"] = _VALIDATION.get(fields["validation_status"])
    result: Record | str = _record(Observation, fields)
    return result


def _cert_visible(row: Row, fields: Mapping[str, Any]) -> bool | None:
    """Whether the certificate was seen; None where it may have been sent unseen."""
    if fields.get("cert_chain_fps") or strings(row.get("cert_chain_fuids")):
        return True
    hidden = fields.get("version") in ("TLSv13", "DTLSv13") or fields.get("resumed") or fields.get("established")
    return False if hidden else None


def certificate(row: Row, source: str, values: Values) -> Record | str:
    """x509.log since Zeek 4.1, whose fingerprints ssl.log refers to."""
    fields = _CERTIFICATE.fields(row, values)
    fingerprint = fields.get("fingerprint", "").lower()
    if len(fingerprint) != _SHA256_DIGITS:
        return "no SHA-256 fingerprint"
    fields |= {"fingerprint": fingerprint, "source": source}
    result: Record | str = _record(CertificateRecord, fields)
    return result


def connection(row: Row, source: str, values: Values) -> Record | str:
    """conn.log: what can be TLS.

    Half a conversation has no service, and a wrong guess (`irc`) may stand beside TLS, so every TCP connection counts;
    of UDP those that Zeek took for nothing else.
    """
    service = str(row.get("service", "ssl"))
    if row.get("proto") == "udp" and not any(name in service for name in _TLS_SERVICES):
        return "cannot be TLS"
    if row.get("proto") not in ("tcp", "udp"):
        return "neither TCP nor UDP"
    fields = _CONNECTION.fields(row, values)
    fields["source"] = source
    result: Record | str = _record(ConnectionRecord, fields)
    return result


LOGS: Final[Mapping[str, LogMapper]] = MappingProxyType(
    {"an1496": observation, "ssl": ssl, "x509": certificate, "conn": connection}
)


def path_of(row: Row) -> str:
    """Which log a JSON row is of, by its keys; empty where that is unclear."""
    path = row.get("_path")
    if isinstance(path, str):
        return path
    if "fingerprint" in row and ("certificate.subject" in row or "certificate.serial" in row):
        return "x509"
    if "uid" not in row or "id.orig_h" not in row:
        return ""
    if "conn_state" in row:
        return "conn"
    if "anomalies" in row or "sensor" in row:
        return "an1496"
    return "ssl" if any(key in row for key in ("ssl_history", "established", "resumed", "cipher")) else ""
