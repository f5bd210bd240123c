"""Facts of a certificate chain as a TLS server sent it (RFC 8446 4.4.2, RFC 5246 7.4.2)."""

import hashlib
from collections import OrderedDict
from typing import Any, NamedTuple

import msgspec

from enricher.sensor.hostname import matches
from enricher.sensor.trust import Trust
from enricher.sensor.x509 import Certificate


class CertificateSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds on what one server can make us read and remember."""

    max_chain_length: int = 20
    """Certificates of a chain that are looked at; the longest real ones have six."""
    max_certificate_bytes: int = 65536
    """Larger certificates are hashed only; hash-based post-quantum signatures need 50 KB."""
    max_names: int = 500
    """Subject alternative names that are kept of a certificate, as Zeek logs them."""
    max_cached_chains: int = 1024
    """Chains whose facts are remembered."""


class _Chain(NamedTuple):
    facts: dict[str, Any]
    """Fields that depend on the chain alone."""
    names: tuple[str, ...]
    """What the leaf is good for: its DNS names, or where it has no alternative names its common name."""
    names_complete: bool
    readable: tuple[bytes, ...]


class Certificates:
    """Reads chains; remembers the last ones, as servers repeat theirs."""

    def __init__(self, trust: Trust | None, settings: CertificateSettings | None = None) -> None:
        self._trust = trust
        self._settings = settings or CertificateSettings()
        self._chains: OrderedDict[tuple[str, ...], _Chain] = OrderedDict()

    def facts(self, chain: tuple[bytes, ...], server_name: str | None, ts: float) -> dict[str, Any]:
        """Fields of `model.observation.Observation` for a chain (DER, leaf first); nothing for an empty one.

        Dates are judged at `ts` (seconds since 1970 UTC). What could not be read is left out; why stands in
        `certificate_error`.
        """
        if not chain:
            return {}
        known = self._chain(chain)
        facts = dict(known.facts)
        if self._trust and known.readable:
            verdict = self._trust.validate(known.readable, ts)
            if verdict:
                facts["validation_code"], facts["validation_status"] = verdict
            else:
                facts["certificate_error"] = facts["certificate_error"] or "certificate 0: OpenSSL cannot read it"
        if server_name:
            covered = matches(server_name, known.names, facts.get("san_ip") or ())
            facts["sni_matches_cert"] = covered if covered or known.names_complete else None
        return facts

    def _chain(self, chain: tuple[bytes, ...]) -> _Chain:
        looked_at = chain[: self._settings.max_chain_length]
        fingerprints = tuple(hashlib.sha256(der).hexdigest() for der in looked_at)
        key = (*fingerprints, str(len(chain)))
        if key not in self._chains:
            self._chains[key] = self._read(looked_at, fingerprints, len(chain))
            if len(self._chains) > self._settings.max_cached_chains:
                self._chains.popitem(last=False)
        self._chains.move_to_end(key)
        return self._chains[key]

    def _read(self, chain: tuple[bytes, ...], fingerprints: tuple[str, ...], sent: int) -> _Chain:
        limit = self._settings.max_certificate_bytes
        leaf = Certificate(chain[0], self._settings.max_names) if len(chain[0]) <= limit else None
        facts = dict(leaf.facts) if leaf else {}
        facts["cert_chain_fps"] = fingerprints
        facts["cert_chain_sha1s"] = tuple(hashlib.sha1(der, usedforsecurity=False).hexdigest() for der in chain)
        facts["certificate_error"] = self._error(chain, leaf, sent)
        names: tuple[str, ...] = ()
        if leaf and leaf.has_alternative_names:
            names = facts.get("san_dns") or ()
        elif leaf and leaf.common_name:
            names = (leaf.common_name,)
        readable = tuple(der for der in chain if len(der) <= limit) if leaf else ()
        return _Chain(facts, names, leaf is not None and leaf.names_complete and "cert_subject" in facts, readable)

    def _error(self, chain: tuple[bytes, ...], leaf: Certificate | None, sent: int) -> str | None:
        for position, der in enumerate(chain):
            if len(der) > self._settings.max_certificate_bytes:
                return f"certificate {position}: its {len(der)} bytes are more than are read"
            certificate = leaf if leaf and position == 0 else Certificate(der, 0)
            if certificate.flaw:
                return f"certificate {position}: {certificate.flaw}"
        return f"chain: {len(chain)} of {sent} certificates were read" if sent > len(chain) else None
