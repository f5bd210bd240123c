"""Is there a way from a certificate to an issuer we trust? OpenSSL builds and checks the chain; dates are ours.

The answer must not change with today's date, so OpenSSL leaves the dates out and the chain it found is judged at
the time of the capture. Local policy (security levels, purposes) has no say: the question is who vouches.
"""

import hashlib
import re
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec
from OpenSSL import crypto

from enricher.errors import ConfigError
from enricher.sensor import validation
from enricher.sensor.x509 import Certificate

_NO_CHECK_TIME: Final = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME, which pyOpenSSL does not name."""
_FLAGS: Final = _NO_CHECK_TIME | crypto.X509StoreFlags.PARTIAL_CHAIN | crypto.X509StoreFlags.IGNORE_CRITICAL
_PEM: Final = re.compile(rb"-----BEGIN (?:X509 )?CERTIFICATE-----.*?-----END (?:X509 )?CERTIFICATE-----", re.DOTALL)


class TrustSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds of the verification."""

    max_cached_chains: int = 4096
    """Chains whose verification is remembered, about 300 bytes each."""


class Validation(NamedTuple):
    """The verdict on one chain."""

    code: int
    """X509_V_ERR_*, dates left out."""
    status: str
    """Its meaning, with the dates of every certificate of the built chain judged at the time asked for."""


class _Built(NamedTuple):
    code: int
    not_before: float
    """Latest start in the built chain."""
    not_after: float
    """Earliest end in the built chain."""


class Trust:
    """A set of trusted certificates. Any of them ends a chain, whether it is a root or not."""

    def __init__(self, anchors: Iterable[crypto.X509], settings: TrustSettings | None = None) -> None:
        self._store = _store(anchors, _FLAGS)
        self._settings = settings or TrustSettings()
        self._built: OrderedDict[tuple[bytes, ...], _Built | None] = OrderedDict()

    @classmethod
    def from_pem(cls, pem: bytes, name: str = "CA bundle", settings: TrustSettings | None = None) -> "Trust":
        """Trust the certificates of a PEM bundle; those that OpenSSL cannot read are left out.

        Raises:
            ConfigError: no certificate in it can be read.
        """
        anchors = [anchor for block in _PEM.findall(pem) if (anchor := _load(crypto.FILETYPE_PEM, block)) is not None]
        if not anchors:
            raise ConfigError(f"{name}: holds no certificate in PEM form", "give a file of BEGIN CERTIFICATE blocks")
        return cls(anchors, settings)

    def validate(self, chain: tuple[bytes, ...], ts: float) -> Validation | None:
        """Judge a chain (DER, leaf first, the rest in any order) at `ts`; None: OpenSSL cannot read the leaf."""
        key = tuple(hashlib.sha256(der).digest() for der in chain)
        if key in self._built:
            self._built.move_to_end(key)
        else:
            self._built[key] = self._build(chain)
            if len(self._built) > self._settings.max_cached_chains:
                self._built.popitem(last=False)
        built = self._built[key]
        if built is None:
            return None
        if built.code == validation.OK and ts > built.not_after:
            return Validation(built.code, validation.EXPIRED)
        if built.code == validation.OK and ts < built.not_before:
            return Validation(built.code, validation.NOT_YET_VALID)
        return Validation(built.code, validation.meaning(built.code))

    def _build(self, chain: tuple[bytes, ...]) -> _Built | None:
        leaf, *others = (_load(crypto.FILETYPE_ASN1, der) for der in chain) if chain else (None,)
        if leaf is None:
            return None
        context = crypto.X509StoreContext(self._store, leaf, [other for other in others if other is not None])
        try:
            return _window(context.get_verified_chain())
        except crypto.X509StoreContextError as error:
            code = int(error.errors[0])
        except crypto.Error:
            return None
        if code == validation.SELF_SIGNED and not _signs_itself(leaf):
            # Equal names, but another key signed: the issuer is somebody of the same name whom we do not know.
            code = validation.NO_LOCAL_ISSUER
        return _Built(code, float("-inf"), float("inf"))


def _window(chain: list[crypto.X509]) -> _Built:
    """When every certificate of a chain is valid."""
    facts = [Certificate(crypto.dump_certificate(crypto.FILETYPE_ASN1, one), 0).facts for one in chain]
    return _Built(
        validation.OK,
        max(one.get("cert_not_valid_before", float("-inf")) for one in facts),
        min(one.get("cert_not_valid_after", float("inf")) for one in facts),
    )


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


def _load(kind: int, data: bytes) -> crypto.X509 | None:
    try:
        return crypto.load_certificate(kind, data)
    except (crypto.Error, ValueError):
        return None
