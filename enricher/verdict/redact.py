"""Takes secrets out of command lines; what remains still tells what was done."""

import re
from typing import Final

MARK: Final = "[redacted]"

_VALUE: Final = r"""("[^"]*"|'[^']*'|[^\s"'&;|]+)"""
_NAME: Final = (
    r"[\w.\-]{0,40}"
    r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|(?:api|access|private)[_-]?key|credential|sas)"
)

_RULES: Final = (
    # password=x, /password:x, --token x, "apiKey": "x". A value must follow by = or :, or after an option by a space.
    (re.compile(rf"""(?i)(?<![\w.\-])({_NAME}["']?\s*[=:]\s*){_VALUE}"""), rf"\1{MARK}"),
    (re.compile(rf"(?i)((?:^|\s)(?:--?|/){_NAME}\s+)(?![-/]){_VALUE}"), rf"\1{MARK}"),
    (re.compile(r"(?i)(authorization\s*[:=]\s*(?:basic|bearer|negotiate|ntlm)?\s*)[^\s\"']+"), rf"\1{MARK}"),
    (re.compile(r"(?i)(\bbearer\s+)[\w.~+/\-]+=*"), rf"\1{MARK}"),
    (re.compile(r"(?i)([a-z][a-z0-9+.\-]{0,20}://[^\s/:@\"']*:)[^\s/@\"']+(?=@)"), rf"\1{MARK}"),
    # -p SECRET, -pw SECRET; up to five digits are a port.
    (re.compile(rf"((?:^|\s)-p[wW]?[ =])(?![-/]|\d{{1,5}}(?:\s|$)){_VALUE}"), rf"\1{MARK}"),
    # user%password and -u user:password, as curl and smbclient take them.
    (re.compile(r"((?:^|\s)(?:-u|-U|--user|--proxy-user)[ =]?[^\s:%\"']+[:%])[^\s\"']+"), rf"\1{MARK}"),
)


def redact(command_line: str) -> str:
    """Replace the values of options and assignments whose name says secret, and credentials in URLs.

    A guess by name: a secret given as a bare argument is not recognised.
    """
    for pattern, replacement in _RULES:
        command_line = pattern.sub(replacement, command_line)
    return command_line
