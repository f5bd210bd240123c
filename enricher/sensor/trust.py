"""Is there a way from a certificate to an issuer we trust? OpenSSL builds and checks the chain; dates are ours.

The answer must not change with today's date, so OpenSSL leaves the dates out and the chain it found is judged at
the time of the capture. Local policy (security levels, purposes) has no say: the question is who vouches.
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final, NamedTuple, TypeVar

from OpenSSL import crypto

from enricher.errors import ConfigError
from enricher.sensor import validation
from enricher.sensor.x509 import Certificate

_NO_CHECK_TIME: Final = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME, which pyOpenSSL does not name."""
_FLAGS: Final = _NO_CHECK_TIME | crypto.X509StoreFlags.PARTIAL_CHAIN | crypto.X509StoreFlags.IGNORE_CRITICAL
_PEM: Final = re.compile(rb"-----BEGIN (?:X509 )?CERTIFICATE-----.*?-----END (?:X509 )?CERTIFICATE-----", re.DOTALL)
_AUTHORITIES: Final = 128
"""Certificates remembered because many servers send them: as many as there are public roots."""
_LARGEST_AUTHORITY: Final = 8192
"""Bytes. The largest public root has 2,007; larger ones are read each time, so that nobody can fill memory."""

T = TypeVar("T")


def remembered(read: Callable[[bytes], T]) -> Callable[[bytes], T]:
    """`read` for certificates (DER) that come again in the chains of others, which remembers what it has read."""
    known = lru_cache(_AUTHORITIES)(read)
    return lambda der: known(der) if len(der) <= _LARGEST_AUTHORITY else read(der)


class Validation(NamedTuple):
    """The verdict on one chain."""

    code: int
    """X509_V_ERR_*, dates left out."""
    status: str
    """Its meaning, with the dates of every certificate of the built chain judged at the time asked for."""


class Path(NamedTuple):
    """What OpenSSL found: a way to a trusted certificate, or why there is none."""

    code: int
    """X509_V_ERR_*, dates left out."""
    not_before: float = float("-inf")
    """Latest start on the way."""
    not_after: float = float("inf")
    """Earliest end on the way."""

    def at(self, ts: float) -> Validation:
        """The verdict at `ts`, seconds since 1970."""
        if self.code == validation.OK and ts > self.not_after:
            return Validation(self.code, validation.EXPIRED)
        if self.code == validation.OK and ts < self.not_before:
            return Validation(self.code, validation.NOT_YET_VALID)
        return Validation(self.code, validation.meaning(self.code))


class Trust:
    """A set of trusted certificates. Any of them ends a chain, whether it is a root or not."""

    def __init__(self, anchors: Iterable[crypto.X509]) -> None:
        self._store = _store(anchors, _FLAGS)
        self._load = remembered(_load)
        self._validity = remembered(_validity)

    @classmethod
    def from_pem(cls, pem: bytes, name: str = "CA bundle") -> "Trust":
        """Trust the certificates of a PEM bundle; those that OpenSSL cannot read are left out.

        Raises:
            ConfigError: no certificate in it can be read.
        """
        anchors = [anchor for block in _PEM.findall(pem) if (anchor := _load(block, crypto.FILETYPE_PEM)) is not None]
        if not anchors:
            raise ConfigError(f"{name}: holds no certificate in PEM form", "give a file of BEGIN CERTIFICATE blocks")
        return cls(anchors)

    def path(self, chain: tuple[bytes, ...]) -> Path | None:
        """Look for a way from a chain's leaf (DER, leaf first, the rest in any order); None: OpenSSL cannot read it."""
        leaf = _load(chain[0]) if chain else None
        if leaf is None:
            return None
        others = [other for der in chain[1:] if (other := self._load(der)) is not None]
        context = crypto.X509StoreContext(self._store, leaf, others)
        try:
            return self._way(context.get_verified_chain())
        except crypto.X509StoreContextError as error:
            code = int(error.errors[0])
        except crypto.Error:
            return None
        if code == validation.SELF_SIGNED and not _signs_itself(leaf):
            # Equal names, but another key signed: the issuer is somebody of the same name whom we do not know.
            code = validation.NO_LOCAL_ISSUER
        return Path(code)

    def _way(self, found: list[crypto.X509]) -> Path:
        """When every certificate of a way is valid, the leaf first."""
        leaf, *others = (crypto.dump_certificate(crypto.FILETYPE_ASN1, one) for one in found)
        starts, ends = zip(_validity(leaf), *map(self._validity, others), strict=True)
        return Path(validation.OK, max(starts), min(ends))


def _validity(der: bytes) -> tuple[float, float]:
    """First and last moment of a certificate; what cannot be read of them bounds nothing."""
    facts = Certificate(der, 0).facts
    return facts.get("cert_not_valid_before", float("-inf")), facts.get("cert_not_valid_after", float("inf"))


def _signs_itself(certificate: crypto.X509) -> bool:
    store = _store([certificate], _NO_CHECK_TIME | crypto.X509StoreFlags.CHECK_SS_SIGNATURE)
    try:
        crypto.X509StoreContext(store, certificate).verify_certificate()
    except (crypto.X509StoreContextError, crypto.Error):
        return False
    return True


def _store(anchors: Iterable[crypto.X509], flags: int) -> crypto.X509Store:
    store = crypto.X509Store()
    store.set_flags(flags)
    for anchor in anchors:
        store.add_cert(anchor)
    return store


def _load(data: bytes, kind: int = crypto.FILETYPE_ASN1) -> crypto.X509 | None:
    try:
        return crypto.load_certificate(kind, data)
    except (crypto.Error, ValueError):
        return None
