"""Protocols of command and reply lines.

RFC 3207 (SMTP, LMTP), 4217 (FTP), 2595 (POP3, IMAP), 4642 (NNTP), 5804 (Sieve); IRCv3 `tls` with its numeric 670.
"""

import re
import string
from typing import Final

from enricher.sensor.starttls._protocol import Role, Upgrade, line

_ALNUM: Final = (string.ascii_letters + string.digits).encode("ascii")


def _role(first: bytes, opening: bytes, turn: bytes) -> Role:
    return Role(
        first + first.swapcase(),
        re.compile(rb"(?is:" + opening + rb"\b.*)"),
        re.compile(rb"(?i:" + turn + rb")[ \t]*\r?\n"),
        line,
    )


PROTOCOLS: Final[dict[str, Upgrade]] = {
    "smtp": Upgrade(
        _role(b"EHLS", rb"(?:EHLO|HELO|LHLO|STARTTLS)", rb"STARTTLS"),
        _role(b"2", rb"220", rb"220(?: [^\n]*)?"),
    ),
    "ftp": Upgrade(
        _role(b"AFHOSU", rb"(?:AUTH|FEAT|HOST|OPTS|SYST|USER)", rb"AUTH +(?:TLS|TLS-C|TLS-P|SSL)"),
        _role(b"2", rb"220", rb"[23]34(?: [^\n]*)?"),
    ),
    "pop3": Upgrade(
        _role(b"ACSU", rb"(?:APOP|AUTH|CAPA|STLS|USER)", rb"STLS"),
        _role(b"+", rb"\+OK", rb"\+OK(?: [^\n]*)?"),
    ),
    "imap": Upgrade(
        _role(_ALNUM + b".", rb"[^\s*+]{1,64} (?:CAPABILITY|ID|NOOP|STARTTLS)", rb"[^\s*+]{1,64} STARTTLS"),
        _role(b"*", rb"\* (?:OK|PREAUTH)", rb"[^\s*+]{1,64} OK(?: [^\n]*)?"),
    ),
    "irc": Upgrade(
        _role(b"CNPSU", rb"(?:CAP|NICK|PASS|STARTTLS|USER) ?", rb"STARTTLS"),
        _role(b":@CNP", rb"(?:@\S+ )?(?::\S+ )?(?:CAP|NOTICE|PING|\d{3})", rb"(?:@\S+ )?:?[^\s:]+ 670 [^\n]*"),
    ),
    "nntp": Upgrade(
        _role(b"CLMS", rb"(?:CAPABILITIES|LIST|MODE READER|STARTTLS)", rb"STARTTLS"),
        _role(b"2", rb"20[01]", rb"382(?: [^\n]*)?"),
    ),
    "sieve": Upgrade(
        _role(b"CNS", rb"(?:CAPABILITY|NOOP|STARTTLS)", rb"STARTTLS"),
        _role(b'"', rb'"IMPLEMENTATION', rb"OK(?: [^\n]*)?"),
    ),
}
