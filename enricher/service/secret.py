"""Secrets come from where the configuration says that they are. No message holds one."""

import os
from pathlib import Path

from enricher.errors import ConfigError
from enricher.service.inputs import why
from enricher.sinks.settings import Secret


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
        return Path(path).read_bytes().decode("latin-1").removesuffix("\n").removesuffix("\r")
    except OSError as error:
        raise ConfigError(f"{path}: {why(error)}", "check the path of the secret") from error
