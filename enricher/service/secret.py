"""Secrets come from where the configuration says that they are. No message holds one."""

import os
from pathlib import Path
from typing import Final

from enricher.errors import ConfigError
from enricher.service.inputs import why
from enricher.sinks.settings import Secret

_LONGEST: Final = 1 << 16
"""Bytes of a secret, more than any server takes in a header."""


def reveal(secret: Secret) -> str:
    """The secret itself.

    Raises:
        ConfigError: it is not there, empty, or holds what no header can carry.
    """
    value = _from_file(secret.file) if secret.file is not None else os.environ.get(secret.env or "")
    if value is None:
        raise ConfigError(f"the environment variable {secret.env} is not set", "set it, or name a file")
    if not value or not value.isascii() or not value.isprintable():
        raise ConfigError(
            f"the secret in {secret.file or secret.env} cannot be used", "it must be one line of printable ASCII"
        )
    return value


def _from_file(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            found = file.read(_LONGEST + 1)
    except OSError as error:
        raise ConfigError(f"{path}: {why(error)}", "check the path of the secret") from error
    if len(found) > _LONGEST:
        raise ConfigError(f"{path}: longer than {_LONGEST >> 10} KiB", "check the path of the secret")
    return found.decode("latin-1").removesuffix("\n").removesuffix("\r")
