"""Suricata's EVE log, JSON lines: `tls` events as Observations, `flow` events of TLS as connection records.

Suricata says little of how a handshake went, so much stays unknown: whether it was finished, the curve, the client's
hello where no fingerprints are switched on. Source: "Eve JSON Format" in Suricata's user guide, and its JSON schema.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec

from enricher.formats._json import Decoder, has_key
from enricher.formats._lines import LineReader
from enricher.formats._reader import Format
from enricher.formats._shipped import beginning, unpacked
from enricher.formats._suricata_names import alternative_names, rfc2253
from enricher.formats._values import Values, number, port, text
from enricher.model.observation import ConnectionRecord, Observation, Unread
from enricher.model.record import Record

_DECODER: Final = Decoder(msgspec.json.Decoder(dict[str, Any]))
_TYPE: Final = re.compile(rb'"event_type"\s*:\s*"([a-z0-9_]{1,32})"')
_TLS_FLOW: Final = re.compile(rb'"app_proto"\s*:\s*"tls"')
_JA3_PARTS: Final = 5
_SERVER_NAME: Final = 0
"""The extension's number (RFC 6066 section 3)."""
_LARGEST_FLOW: Final = (1 << 64) - 1
_SHA1: Final = re.compile(r"[0-9a-f]{40}")
_MD5: Final = re.compile(r"[0-9a-f]{32}")
_JA4: Final = re.compile(r"[tqd][0-9s][0-9][di][0-9]{4}[0-9A-Za-z]{2}_[0-9a-f]{12}_[0-9a-f]{12}")
_SERIAL: Final = re.compile(r"[0-9A-F]{2,128}")
_VERSIONS: Final = MappingProxyType(
    {
        "SSLv2": "SSLv2",
        "SSLv3": "SSLv3",
        "TLSv1": "TLSv10",
        "TLS 1.0": "TLSv10",
        "TLS 1.1": "TLSv11",
        "TLS 1.2": "TLSv12",
        "TLS 1.3": "TLSv13",
    }
)
"""Suricata's names of versions, and Zeek's. Drafts of TLS 1.3 begin with its name."""
_FROM_SERVER: Final = ("subject", "issuerdn", "fingerprint", "certificate", "chain", "ja3s", "server_handshake")
"""What is there only if the server's answer was seen: without it, `version` may be the client's."""


class SuricataReader(LineReader):
    """Reads EVE lines, also as shippers hold them."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._values = Values()

    def _line(self, line: bytes, out: list[Record]) -> None:
        line = line.strip()
        if not line:
            return
        self.records += 1
        line = unpacked(line)
        kinds = _TYPE.findall(line)
        if kinds and not {b"tls", b"flow"} & set(kinds):
            self.skipped[f"{kinds[0].decode()}: not needed"] += 1
            return
        if b"tls" not in kinds and b"flow" in kinds and not _TLS_FLOW.search(line):
            self.skipped["flow: not TLS"] += 1
            return
        try:
            event: dict[str, Any] = _DECODER.decode(line)
        except ValueError:
            self.skipped["not an event"] += 1
            what = "the input ends within a record" if self._last else "not valid JSON"
            self._problem(self._number, what, "the file may still be written" if self._last else "")
            return
        found = self._event(event)
        if isinstance(found, str):
            self.skipped[found] += 1
        else:
            out.append(found)

    def _event(self, event: Mapping[str, Any]) -> Record | str:
        kind = event.get("event_type")
        if kind == "tls":
            return self._tls(event)
        if kind == "flow":
            return self._flow(event)
        return "another event: not needed"

    def _tls(self, event: Mapping[str, Any]) -> Record | str:
        tls, ends = event.get("tls"), self._ends(event)
        ts = self._values.time(event.get("timestamp"))
        if ends is None or ts is None or not isinstance(tls, dict):
            return "tls: no usable addresses, time or facts"
        common: dict[str, Any] = {
            "ts": ts,
            "uid": _uid(event, ends),
            "orig_h": ends[1],
            "orig_p": ends[2],
            "resp_h": ends[3],
            "resp_p": ends[4],
            "proto": ends[0],
            "community_id": text(event.get("community_id")),
            "sensor": "suricata",
            "source": self._source(),
        }
        chain, whole = _chain(tls)
        common |= _handshake(tls) | _certificate(tls, self._values)
        cipher = _cipher(tls)
        if not chain and cipher is None:
            return Observation(**common)
        return Unread(**common, chain=chain, chain_is_whole=whole, cipher_code=cipher)

    def _flow(self, event: Mapping[str, Any]) -> Record | str:
        flow, ends = event.get("flow"), self._ends(event)
        ts = self._values.time(flow.get("start")) if isinstance(flow, dict) else None
        if ends is None or ts is None or event.get("app_proto") != "tls":
            return "flow: not TLS"
        community_id = text(event.get("community_id"))
        return ConnectionRecord(
            uid=_uid(event, ends), ts=ts, proto=ends[0], community_id=community_id, source=self._source()
        )

    def _ends(self, event: Mapping[str, Any]) -> tuple[Any, str, int, str, int] | None:
        """Protocol, client and server; in these events Suricata puts the client first."""
        proto = str(event.get("proto")).lower()
        client, server = self._values.address(event.get("src_ip")), self._values.address(event.get("dest_ip"))
        client_port, server_port = port(event.get("src_port")), port(event.get("dest_port"))
        if proto not in ("tcp", "udp") or client is None or server is None:
            return None
        return None if client_port is None or server_port is None else (proto, client, client_port, server, server_port)


def _uid(event: Mapping[str, Any], ends: tuple[Any, ...]) -> str:
    """`S` and 17 hex digits, the same for all events of a flow: from Suricata's flow_id, protocol, addresses and ports.

    A flow_id alone is too short: it has 51 bits, 32 of them a hash of the addresses, and every sensor has its own.
    """
    known = (number(event.get("flow_id"), _LARGEST_FLOW), *ends)
    return "S" + hashlib.blake2b(repr(known).encode(), digest_size=9).hexdigest()[:17]


def _handshake(tls: Mapping[str, Any]) -> dict[str, Any]:
    version = text(tls.get("version")) or ""
    named = _VERSIONS.get(version, "TLSv13" if version.startswith("TLS 1.3") else None)
    seen = any(key in tls for key in _FROM_SERVER) or named == "TLSv13" or tls.get("session_resumed") is True
    ja3, ja3s, ja4 = _hashed(tls.get("ja3")), _hashed(tls.get("ja3s")), text(tls.get("ja4"))
    ja4 = ja4 if ja4 and _JA4.fullmatch(ja4) else None
    sni = text(tls.get("sni"))
    alpns = tls.get("server_alpns")
    return {
        "version": named if seen else None,
        "server_name": sni,
        "next_protocol": text(alpns[0]) if isinstance(alpns, list) and alpns else None,
        "client_hello_seen": True if sni or _names_no_server(tls, ja3[1], ja4) else None,
        "ja3": ja3[0],
        "ja3_raw": ja3[1],
        "ja3s": ja3s[0],
        "ja3s_raw": ja3s[1],
        "ja4": ja4,
        **_visibility(tls, named if seen else None),
    }


def _names_no_server(tls: Mapping[str, Any], ja3_raw: str | None, ja4: str | None) -> bool:
    """Whether the client is known to have named no server; `sni` is also missing where it is not switched on."""
    hello = tls.get("client_handshake")
    sent = hello.get("exts") if isinstance(hello, dict) else None
    if isinstance(sent, list):
        return _SERVER_NAME not in sent
    if ja4 is not None:
        return ja4[3] == "i"
    parts = (ja3_raw or "").split(",")
    return len(parts) == _JA3_PARTS and str(_SERVER_NAME) not in parts[2].split("-")


def _visibility(tls: Mapping[str, Any], version: str | None) -> dict[str, Any]:
    """Whether the session was resumed, and its certificate visible. One in the clear means a full handshake."""
    if any(tls.get(key) for key in ("subject", "issuerdn", "fingerprint", "certificate", "chain")):
        return {"cert_visible": True, "resumed": False}
    if tls.get("session_resumed") is True:
        return {"cert_visible": False, "resumed": True}
    return {"cert_visible": False if version == "TLSv13" else None}


def _hashed(value: Any) -> tuple[str | None, str | None]:
    """JA3 or JA3S with the text that it is the hash of."""
    if not isinstance(value, dict):
        return None, None
    digest = (text(value.get("hash")) or "").lower()
    return (digest, text(value.get("string"))) if _MD5.fullmatch(digest) else (None, None)


def _certificate(tls: Mapping[str, Any], values: Values) -> dict[str, Any]:
    """What Suricata says of the leaf, in Zeek's words."""
    serial = (text(tls.get("serial")) or "").replace(":", "").upper()
    sha1 = (text(tls.get("fingerprint")) or "").replace(":", "").lower()
    san_dns, san_ip = alternative_names(tls.get("subjectaltname"), values)
    return {
        "cert_subject": rfc2253(text(tls.get("subject"))),
        "cert_issuer": rfc2253(text(tls.get("issuerdn"))),
        "cert_serial": (serial.removeprefix("00") or serial) if _SERIAL.fullmatch(serial) else None,
        "cert_not_valid_before": values.time(tls.get("notbefore")),
        "cert_not_valid_after": values.time(tls.get("notafter")),
        "cert_chain_sha1s": (sha1,) if _SHA1.fullmatch(sha1) else None,
        "san_dns": san_dns,
        "san_ip": san_ip,
    }


def _chain(tls: Mapping[str, Any]) -> tuple[tuple[bytes, ...], bool]:
    """The certificates themselves (DER, leaf first), and whether these are all that were sent."""
    sent = tls.get("chain")
    whole = isinstance(sent, list) and bool(sent)
    texts = sent if isinstance(sent, list) and sent else [tls.get("certificate")]
    try:
        chain = tuple(base64.b64decode(str(each or "-"), validate=True) for each in texts)
    except (binascii.Error, TypeError, ValueError):
        return (), False
    return (chain, whole) if all(chain) else ((), False)


def _cipher(tls: Mapping[str, Any]) -> int | None:
    """The code of the chosen cipher; Suricata writes 0 also where it knows none."""
    handshake = tls.get("server_handshake")
    return number(handshake.get("cipher"), 0xFFFF) or None if isinstance(handshake, dict) else None


def recognises(head: bytes) -> bool:
    """An object with an event's type and time, as all of EVE's have; also one that holds such an object as a text."""
    start = beginning(head.lstrip())
    return start[:1] == b"{" and _TYPE.search(start) is not None and has_key(start, "timestamp")


FORMAT: Final = Format("suricata", recognises, SuricataReader)
