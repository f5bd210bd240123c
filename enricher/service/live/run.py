"""`an1496 run`: a service from a configuration file, with its log and its signals."""

import os
from pathlib import Path

from enricher.config import Config, InterfaceSource
from enricher.errors import An1496Error
from enricher.service import privileges
from enricher.service.engine import Engine
from enricher.service.live.service import Service
from enricher.service.live.sources.interface import Interface
from enricher.service.log import Log, logger
from enricher.service.signals import Signals
from enricher.service.systemd import Notifier


def run(config_file: Path, *, once: bool = False) -> None:
    """Work until a signal ends it, or its sources do; `once`: until all that is there is read and told.

    Raises:
        ConfigError: it can never work as it is configured.
    """
    log = logger()

    def opened() -> Engine:
        engine = Engine.open(config_file)
        for problem in engine.problems:
            log.warning("not used", problem=str(problem))
        return engine

    def stopping(seconds: float) -> bool:
        stop = heard(seconds)
        if signals.reloading():
            try:
                service.reload(opened())
            except An1496Error as error:
                log.error("not reloaded; the old lists and thresholds hold", error=error.message, advice=error.advice)
        return stop

    engine = opened()
    signals = Signals(engine.config.live.stop_seconds)
    manager = Notifier()
    heard = manager.hearing(signals.stopping)
    with Service(engine, log, stopping) as service:
        _listen(service, engine.config, log)
        manager.ready()
        service.run(once=once)


def _listen(service: Service, config: Config, log: Log) -> None:
    """Open what takes privileges, and give them up before anything else is opened."""
    listening = [source for source in service.sources if isinstance(source, Interface)]
    if not listening:
        return
    for interface in listening:
        interface.open()
    privileges.drop(next(source.user for source in config.sources if isinstance(source, InterfaceSource)))
    if os.getuid() == 0:
        log.warning("still root after the interface was opened", advice="name a user of the interface's source")


def check(config_file: Path) -> list[str]:
    """What a service of this configuration would do, in words; talks to nobody.

    Raises:
        ConfigError: it could never work; says why.
    """
    engine = Engine.open(config_file)
    service = Service(engine, logger(), lambda _seconds: True)
    config = engine.config
    lines = [f"reads {source.name}" for source in service.sources]
    lines += [f"tells {sink.name or type(sink).__struct_config__.tag}" for sink in config.sinks]
    lines.append(f"keeps its ledger in {config.live.ledger}" if config.live.ledger else "keeps no ledger file")
    return [*lines, *(f"not used: {problem}" for problem in engine.problems)]
