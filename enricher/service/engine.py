"""The rooms, made ready by one configuration: readers, judge, verdict, store."""

import shutil
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import certifi
import msgspec

from enricher import formats
from enricher.config import Config, SensorChoice, SensorConfig
from enricher.errors import ConfigError
from enricher.model.observation import Observation, Prevalence
from enricher.model.problem import Problem
from enricher.model.record import Record
from enricher.model.session import Session
from enricher.model.verdict import Verdict
from enricher.sensor.anomalies import judge
from enricher.sensor.capture import Sensor
from enricher.sensor.certificate import Certificates
from enricher.sensor.lists import Lists, parse_list
from enricher.sensor.thresholds import Thresholds
from enricher.sensor.trust import Trust
from enricher.service.completing import Completing, complete
from enricher.service.inputs import CAPTURE, why
from enricher.service.reading import Reader
from enricher.service.zeek_sensor import ZeekSensor
from enricher.verdict import VerdictSettings, parse_programs, parse_weights
from enricher.verdict import judge as weigh

if TYPE_CHECKING:
    from enricher.join.store import Store


_LARGEST: Final = 64 << 20
"""Bytes of a file of settings, roots or lists."""


class Engine:
    """What turns bytes into records and sessions into verdicts, for one configuration.

    Raises:
        ConfigError: a file that the configuration names cannot be read or used, or the Zeek that it wants is not there.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.problems: list[Problem] = []
        """Lines of the user's lists that could not be used."""
        self._roots = config.sensor.ca_bundle or certifi.where()
        trust = Trust.from_pem(_bytes(self._roots), self._roots)
        self._zeek = _zeek(config.sensor.use)
        self._certificates = Certificates(trust, config.sensor.certificate)
        self._thresholds = _thresholds(config.sensor)
        self._lists = self._read_lists()
        self.verdict_settings = VerdictSettings(
            weights=parse_weights(_packaged("weights.toml"), config.verdict.weights),
            programs=parse_programs(_packaged("known_programs.toml"), config.verdict.programs),
            options=config.verdict,
        )

    @classmethod
    def open(
        cls,
        config_file: Path | None,
        *,
        ca_bundle: Path | None = None,
        redis_url: str | None = None,
        zeek_url: str | None = None,
        sensor: SensorChoice | None = None,
    ) -> Self:
        """Make one from a configuration file and the command line's options."""
        config = Config() if config_file is None else configuration(config_file)
        roots = str(ca_bundle) if ca_bundle else None
        return cls(config.with_options(ca_bundle=roots, redis_url=redis_url, zeek_url=zeek_url, sensor=sensor))

    def reader_for(self, kind: str, name: str) -> Reader:
        """A fresh reader for one input of a recognised kind."""
        if kind == CAPTURE and self._zeek is not None:
            return ZeekSensor(name, self._zeek, self._roots)
        if kind == CAPTURE:
            return Sensor(name, self.config.sensor.wire, self._certificates)
        return Completing(formats.reader(kind, name), self.complete)

    def complete(self, records: Sequence[Record]) -> Sequence[Record]:
        """Records of a log, with what they hold unread."""
        return complete(records, self._certificates)

    def sensor(self, name: str) -> Sensor:
        """A fresh embedded sensor; `name`: what its observations' `source` begins with."""
        return Sensor(name, self.config.sensor.wire, self._certificates)

    def open_store(self) -> "Store":
        """The store: the user's server, or one of our own for as long as it is open."""
        from enricher.join.store import Store  # noqa: PLC0415  # Redis' client takes long to load; only a join needs it
        from enricher.service.redis_url import store_url  # noqa: PLC0415

        return Store.open(store_url(self.config.store), self.config.store)

    def judge(self, observation: Observation, prevalence: Prevalence | None) -> Observation:
        """Say what is abnormal about an observation."""
        return judge(observation, self._thresholds, self._lists, prevalence)

    def verdict(self, session: Session) -> Verdict:
        """Weigh the evidence on a session."""
        return weigh(session, self.verdict_settings)

    @property
    def reasons(self) -> dict[str, str]:
        """Why each evidence weighs what it does, by its id."""
        return {name: weight.reason for name, weight in self.verdict_settings.weights.evidence.items()}

    def _read_lists(self) -> Lists:
        parts = []
        for name in self.config.sensor.known_bad:
            entries, problems = parse_list(_bytes(name), name)
            parts.append(entries)
            self.problems += problems
        return Lists.of(*parts)


def configuration(file: Path) -> Config:
    """What a configuration file says.

    Raises:
        ConfigError: it cannot be read or used.
    """
    return Config.parse(_bytes(str(file)), str(file))


def _zeek(choice: SensorChoice) -> str | None:
    """The Zeek that reads captures; None: the embedded sensor does."""
    program = None if choice == "embedded" else shutil.which("zeek")
    if program is None and choice == "zeek":
        raise ConfigError("zeek is not on PATH", "install Zeek 8, or take --sensor embedded")
    return program


def _thresholds(config: SensorConfig) -> Thresholds:
    """Settle what depends on whose roots are trusted."""
    if config.thresholds.public_validity_limits is not None:
        return config.thresholds
    return msgspec.structs.replace(config.thresholds, public_validity_limits=config.ca_bundle is None)


def _bytes(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise ConfigError(f"{path}: {why(error)}", "check the path") from error
    if len(data) > _LARGEST:
        raise ConfigError(f"{path}: larger than {_LARGEST >> 20} MiB", "check that it is the file that is meant")
    return data


def _packaged(name: str) -> bytes:
    return resources.files("enricher.verdict").joinpath(name).read_bytes()
