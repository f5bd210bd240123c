"""TLS towards whoever is told: verified, always."""

import ssl

import certifi

from enricher.errors import ConfigError


def context(ca_file: str | None, certificate: str | None = None, key: str | None = None) -> ssl.SSLContext:
    """What a client needs: the roots it trusts, and its own certificate where it has one.

    Raises:
        ConfigError: a file cannot be used.
    """
    path = ca_file or certifi.where()
    try:
        made = ssl.create_default_context(cafile=path)
        made.minimum_version = ssl.TLSVersion.TLSv1_2  # a Python built for its system's defaults may have a lower one
        if certificate is not None:
            path = certificate
            made.load_cert_chain(certificate, key)
    except OSError as error:
        what = error.reason if isinstance(error, ssl.SSLError) else error.strerror
        raise ConfigError(f"{path} cannot be used ({what})", "give PEM files of certificates and key") from error
    return made


def explain(error: ssl.SSLError) -> str:
    """Why there is no TLS, in OpenSSL's words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted ({error.verify_message})"
    return f"no TLS ({error.reason or 'connection closed'})"
