"""How far each log was read, in a file that is either as it was or as it should be, whatever happens meanwhile."""

import fcntl
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from enricher.errors import ConfigError, OutputError
from enricher.service.inputs import why


class _State(msgspec.Struct, forbid_unknown_fields=True):
    positions: dict[str, bytes]


class Positions:
    """The file, held for as long as it is open: two forwarders with one file would send everything twice."""

    def __init__(self, path: Path) -> None:
        """Read it.

        Raises:
            ConfigError: it cannot be used, or another forwarder uses it.
        """
        self._path = path
        try:
            self._lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ConfigError(f"ship.state: {path}.lock: {why(error)}", "its folder must be there, and ours") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._positions = self._read()
        except BlockingIOError as error:
            os.close(self._lock)
            raise ConfigError(f"ship.state: {path} is in use", "give each forwarder a file of its own") from error
        except BaseException:
            os.close(self._lock)
            raise

    def _read(self) -> dict[str, bytes]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=_State).positions
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.DecodeError) as error:
            what = why(error) if isinstance(error, OSError) else "holds no positions"
            raise ConfigError(f"ship.state: {self._path}: {what}", "without it all logs are sent again") from error

    def get(self, name: str) -> bytes | None:
        """How far a log was read."""
        return self._positions.get(name)

    def save(self, positions: Mapping[str, bytes]) -> None:
        """From now on it is so far, also after a loss of power. Those of other logs stay.

        Raises:
            OutputError: it cannot be written.
        """
        changed = {**self._positions, **positions}
        if changed == self._positions:
            return
        beside = self._path.with_name(f"{self._path.name}.new")
        try:
            with beside.open("wb") as file:
                file.write(msgspec.json.encode(_State(changed)))
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._path)
            folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise OutputError(f"{self._path}: {why(error)}", "make room, or see who may write there") from error
        self._positions = changed

    def close(self) -> None:
        """Let it go."""
        os.close(self._lock)
