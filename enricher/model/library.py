"""Windows modules that tell of TLS, and how much each tells.

Measured on real telemetry as precision among processes that then open TLS: crypt32, bcrypt or rsaenh 2 %, rsaenh
alone 8 %, schannel 26 %, ncryptsslp or mskeyprotect 36 %. bcryptprimitives, sspicli and secur32 say nothing.
"""

import re
from typing import Final, Literal

Tier = Literal["stack", "provider", "foreign", "context"]
"""stack: Windows' TLS itself; provider: its key operations, loaded in a handshake; foreign: a TLS stack brought along;
context: crypto in general, the analytic's own words, weak alone."""

_WINDOWS: Final[dict[str, Tier]] = {
    "schannel.dll": "stack",
    "ncryptsslp.dll": "provider",
    "mskeyprotect.dll": "provider",
    "rsaenh.dll": "context",
    "crypt32.dll": "context",
    "cryptsp.dll": "context",
    "bcrypt.dll": "context",
    "ncrypt.dll": "context",
}

_FOREIGN: Final = re.compile(
    r"(?:lib)?(?:ssl|crypto|ssleay32|libeay32|gnutls|nss3|ssl3|mbedtls|mbedcrypto|wolfssl|boringssl|tls|cyassl|polarssl|matrixssl|botan)"
    r"(?:[-_.]?\d[\w.\-]*|-x64|-openssl)?\.dll"
)

FOREIGN_HINTS: Final = ("ssl", "crypto", "tls", "eay32", "nss3", "botan")
"""Substrings, one of which every foreign name holds: a cheap first sieve."""


def file_name(path: str) -> str:
    """The last component of a Windows path, lower case."""
    return path.rpartition("\\")[2].rpartition("/")[2].lower()


def tier(path: str) -> Tier | None:
    """How much the module at this path tells about TLS; None: nothing."""
    name = file_name(path)
    known = _WINDOWS.get(name)
    if known is not None:
        return known
    return "foreign" if _FOREIGN.fullmatch(name) else None
