"""TLS to the server: what is checked of its certificate, and every way that it can fail in words."""

import ssl
from typing import Any

from enricher.errors import ConfigError, StoreError


def verification(ca_file: str | None) -> dict[str, Any]:
    """The client's options for `rediss://`. Said in full, because its defaults did not always check the host name.

    Raises:
        ConfigError: `ca_file` holds no certificates.
    """
    try:
        ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        what = error.reason if isinstance(error, ssl.SSLError) else error.strerror
        raise ConfigError(f"ca_file cannot be used ({what})", "give a PEM file of CA certificates") from None
    checks = {"ssl_cert_reqs": "required", "ssl_check_hostname": True}
    return checks if ca_file is None else {**checks, "ssl_ca_certs": ca_file}


def explain(failure: ssl.SSLError, where: str) -> StoreError:
    """Why the server at `where` gives no TLS, in OpenSSL's own words (unknown issuer, wrong name, past date)."""
    if isinstance(failure, ssl.SSLCertVerificationError):
        return StoreError(
            f"the certificate of Redis at {where} is not accepted ({failure.verify_message})",
            "give the CA that issued it in ca_file, and a host name that it is valid for in the URL",
        )
    return StoreError(
        f"no TLS with Redis at {where} ({failure.reason or 'connection closed'})",
        "check that this port speaks TLS; one that does not takes redis://",
    )
