"""`an1496 run`: a service from a configuration file, with its log and its signals."""

from pathlib import Path

from enricher.errors import An1496Error
from enricher.service.engine import Engine
from enricher.service.live.log import logger
from enricher.service.live.service import Service
from enricher.service.live.signals import Signals


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
        stop = signals.stopping(seconds)
        if signals.reloading():
            try:
                service.reload(opened())
            except An1496Error as error:
                log.error("not reloaded; the old lists and thresholds hold", error=error.message, advice=error.advice)
        return stop

    engine = opened()
    signals = Signals(engine.config.live.stop_seconds)
    with Service(engine, log, stopping) as service:
        service.run(once=once)


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
