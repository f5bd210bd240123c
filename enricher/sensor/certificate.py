"""Facts of a certificate chain as a TLS server sent it (RFC 8446 4.4.2, RFC 5246 7.4.2)."""

import hashlib
from collections import OrderedDict
from typing import Any, NamedTuple

import msgspec

from enricher.sensor.hostname import matches
from enricher.sensor.trust import Path, Trust, remembered
from enricher.sensor.x509 import Certificate


class CertificateSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds on what one server can make us read and remember."""

    max_chain_length: int = 20
    """Certificates of a chain that are looked at; the longest real ones have six."""
    max_certificate_bytes: int = 65536
    """Larger certificates are hashed only; hash-based post-quantum signatures need 50 KB."""
    max_names: int = 500
    """Subject alternative names that are kept of a certificate, as Zeek logs them."""
    max_cached_bytes: int = 4 << 20
    """Size of the certificates whose facts are remembered; these take up to ten times as much."""


class _Chain(NamedTuple):
    facts: dict[str, Any]
    """Fields that depend on the chain alone."""
    names: tuple[str, ...]
    """What the leaf is good for: its DNS names, or where it has no alternative names its common name."""
    names_complete: bool
    path: Path | None
    """None: nobody looked for one, or OpenSSL cannot read the leaf."""
    size: int
    """Bytes of the certificates."""


class Certificates:
    """Reads chains; remembers the last ones, as servers repeat theirs."""

    def __init__(self, trust: Trust | None, settings: CertificateSettings | None = None) -> None:
        self._trust = trust
        self._settings = settings or CertificateSettings()
        self._chains: OrderedDict[tuple[tuple[bytes, ...], int], _Chain] = OrderedDict()
        """By what was looked at, and how many were sent."""
        self._cached_bytes = 0
        self._flaw = remembered(lambda der: Certificate(der, 0).flaw)

    def facts(self, chain: tuple[bytes, ...], server_name: str | None, ts: float) -> dict[str, Any]:
        """Fields of `model.observation.Observation` for a chain (DER, leaf first); nothing for an empty one.

        Dates are judged at `ts` (seconds since 1970 UTC). What could not be read is left out; why stands in
        `certificate_error`.
        """
        if not chain:
            return {}
        known = self._chain(chain)
        facts = dict(known.facts)
        if known.path is not None:
            facts["validation_code"], facts["validation_status"] = known.path.at(ts)
        if server_name:
            covered = matches(server_name, known.names, facts.get("san_ip") or ())
            facts["sni_matches_cert"] = covered if covered or known.names_complete else None
        return facts

    def _chain(self, chain: tuple[bytes, ...]) -> _Chain:
        looked_at = chain[: self._settings.max_chain_length]
        key = looked_at, len(chain)
        known = self._chains.get(key)
        if known is None:
            known = self._chains[key] = self._read(looked_at, len(chain))
            self._cached_bytes += known.size
            while self._cached_bytes > self._settings.max_cached_bytes:
                self._cached_bytes -= self._chains.popitem(last=False)[1].size
        else:
            self._chains.move_to_end(key)
        return known

    def _read(self, chain: tuple[bytes, ...], sent: int) -> _Chain:
        limit = self._settings.max_certificate_bytes
        leaf = Certificate(chain[0], self._settings.max_names) if len(chain[0]) <= limit else None
        facts = dict(leaf.facts) if leaf else {}
        facts["cert_chain_fps"] = tuple(hashlib.sha256(der).hexdigest() for der in chain)
        facts["cert_chain_sha1s"] = tuple(hashlib.sha1(der, usedforsecurity=False).hexdigest() for der in chain)
        facts["certificate_error"] = self._error(chain, leaf, sent)
        names: tuple[str, ...] = ()
        if leaf and leaf.has_alternative_names:
            names = facts.get("san_dns") or ()
        elif leaf and leaf.common_name:
            names = (leaf.common_name,)
        path = None
        if self._trust and leaf:
            path = self._trust.path(tuple(der for der in chain if len(der) <= limit))
            if path is None:
                facts["certificate_error"] = facts["certificate_error"] or "certificate 0: OpenSSL cannot read it"
        complete = leaf is not None and leaf.names_complete and "cert_subject" in facts
        return _Chain(facts, names, complete, path, sum(map(len, chain)))

    def _error(self, chain: tuple[bytes, ...], leaf: Certificate | None, sent: int) -> str | None:
        for position, der in enumerate(chain):
            if len(der) > self._settings.max_certificate_bytes:
                return f"certificate {position}: its {len(der)} bytes are more than are read"
            flaw = leaf.flaw if leaf and position == 0 else self._flaw(der)
            if flaw:
                return f"certificate {position}: {flaw}"
        return f"chain: {len(chain)} of {sent} certificates were read" if sent > len(chain) else None
