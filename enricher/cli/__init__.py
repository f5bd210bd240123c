"""Arguments, exit codes; the only printer.

A command loads itself what only it needs: Redis, the sinks and the service take longer to load than the rest to start.
"""

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NoReturn, get_args

import click
import msgspec

from enricher import __version__
from enricher.cli import terminal
from enricher.config import Config, SensorChoice
from enricher.errors import An1496Error, OutputError
from enricher.model.schema import OUTPUTS, schema
from enricher.model.text import visible
from enricher.report.story import story
from enricher.service import alone, outputs, parallel, runtime
from enricher.service.engine import Engine, configuration
from enricher.service.inputs import find, why
from enricher.service.reading import Tally
from enricher.service.signals import Signals
from enricher.service.watch import watch
from enricher.sinks import jsonl

OUT: Final = "an1496-out"
_SCHEMAS: Final = {**OUTPUTS, "config": Config}

_Inputs = click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
_CaBundle = click.option(
    "--ca-bundle", type=click.Path(path_type=Path), help="Trusted roots (PEM) instead of certifi's."
)
_ConfigFile = click.option("--config", "config_file", type=click.Path(path_type=Path), help="Settings (TOML).")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="an1496")
def cli() -> None:
    """Tell which process on which Windows host opened each abnormal TLS session, with proof.

    Implements MITRE ATT&CK analytic AN1496. Exit codes: 0 all read, 1 something could not be read or written, 2 usage.
    """


@cli.command()
@_Inputs
@click.option("--endpoint", multiple=True, metavar="LOG", help="An endpoint log or a folder of them; any number.")
@click.option("--out", type=click.Path(path_type=Path), default=OUT, show_default=True, help="Folder for the results.")
@click.option("--redis", "redis_url", metavar="URL", help="Use this server; without it one is started and removed.")
@click.option(
    "--sensor",
    type=click.Choice(get_args(SensorChoice)),
    help="Who reads captures: our own sensor (the default), or Zeek with our package; auto: Zeek where there is one.",
)
@click.option("--zeek", "zeek_url", metavar="URL", help="Tell this Zeek of the notices (ws:// or wss://).")
@_CaBundle
@_ConfigFile
@click.option("--json", "as_json", is_flag=True, help="Print notices as JSON lines instead of a table.")
def replay(
    inputs: tuple[str, ...],
    endpoint: tuple[str, ...],
    out: Path,
    redis_url: str | None,
    sensor: SensorChoice | None,
    zeek_url: str | None,
    ca_bundle: Path | None,
    config_file: Path | None,
    *,
    as_json: bool,
) -> None:
    """Join captures or Zeek logs with endpoint logs and tell the notices.

    INPUTs and LOGs are files, folders or - (standard input), plain or gzip, recognised by their content, in any order.
    """
    from enricher.service import pipeline

    engine = Engine.open(config_file, ca_bundle=ca_bundle, redis_url=redis_url, zeek_url=zeek_url, sensor=sensor)
    tally = Tally(engine.problems)
    sources = find([*inputs, *endpoint], tally.problems)
    with terminal.progress(sum(source.size or 0 for source in sources)) as progress:
        outcome = pipeline.replay(sources, engine, out, progress, tally)
    if as_json:
        _write(map(jsonl.line, outcome.notices))
    else:
        with _printing():
            terminal.show(outcome, out)
    _finish(tally)


@cli.command()
@click.argument("inputs", nargs=-1, metavar="INPUT...")
@click.option("--interface", metavar="NAME", help="Listen to a network interface instead, until interrupted (Linux).")
@click.option("--user", help="Who to be once the interface is open.")
@_CaBundle
@_ConfigFile
def sense(
    inputs: tuple[str, ...],
    interface: str | None,
    user: str | None,
    ca_bundle: Path | None,
    config_file: Path | None,
) -> None:
    """Print one Observation per TLS connection of captures or of a network interface, as JSON lines."""
    if bool(inputs) == (interface is not None):
        raise click.UsageError("Give captures, or --interface NAME.")
    engine = Engine.open(config_file, ca_bundle=ca_bundle)
    _finish(_print_each(alone.sense, inputs, engine) if interface is None else _watch(interface, user, engine))


@cli.command()
@_Inputs
@_ConfigFile
def endpoint(inputs: tuple[str, ...], config_file: Path | None) -> None:
    """Print EndpointEvents of endpoint logs as JSON lines, and what was skipped and why."""
    tally = _print_each(alone.endpoint, inputs, Engine.open(config_file))
    terminal.show_skipped(tally)
    _finish(tally)


@cli.command()
@click.argument("notice_id", metavar="NOTICE-ID")
@click.option("--out", type=click.Path(path_type=Path), default=OUT, show_default=True, help="Folder of a replay.")
@_ConfigFile
def explain(notice_id: str, out: Path, config_file: Path | None) -> None:
    """Tell one notice as a story: time line, legs, evidence, sources, what was unseen.

    The beginning of an id is enough when only one notice has it.
    """
    notice = outputs.find_notice(out / outputs.NOTICES, notice_id)
    with _printing():
        click.echo(story(notice, Engine.open(config_file).reasons), nl=False)


@cli.command()
@click.option("-c", "--config", "config_file", type=click.Path(path_type=Path), required=True, help="Settings (TOML).")
@click.option("--once", is_flag=True, help="Read and tell what is there now, then end.")
def run(config_file: Path, *, once: bool) -> None:
    """Join streams as they come, for as long as it runs: see docs/live.md.

    SIGTERM and SIGINT end it, SIGHUP has it read lists and thresholds anew. Its log goes to standard error, as JSON.
    """
    from enricher.service.live import run as live

    live.run(config_file, once=once)


@cli.command()
@click.option("-c", "--config", "config_file", type=click.Path(path_type=Path), required=True, help="Settings (TOML).")
@click.option("--once", is_flag=True, help="Send what is there now, then end.")
def ship(config_file: Path, *, once: bool) -> None:
    """Follow logs and put what can matter on a Redis stream or a Kafka topic: see docs/live.md.

    SIGTERM and SIGINT end it. Its log goes to standard error, as JSON.
    """
    from enricher.service.ship import run as shipping

    shipping.run(config_file, once=once)


@cli.command("check-config")
@click.argument("config_file", metavar="FILE", type=click.Path(path_type=Path))
def check_config(config_file: Path) -> None:
    """Say what a service or forwarder with this configuration would do, or what is wrong with it. Talks to nobody."""
    from enricher.service.live import run as live
    from enricher.service.ship import run as shipping

    config = configuration(config_file)
    lines = [] if config.ship is None else shipping.check(config)
    if config.ship is None or config.store.url is not None:
        lines += live.check(config_file)
    with _printing():
        for line in lines:
            click.echo(visible(line, 500))


@cli.command("schema")
@click.argument("name", type=click.Choice(sorted(_SCHEMAS)))
def schema_(name: str) -> None:
    """Print the JSON Schema of an output's lines, or of the configuration."""
    with _printing():
        click.echo(msgspec.json.format(msgspec.json.encode(schema(name, _SCHEMAS[name])), indent=2))


def main() -> NoReturn:
    """Run the command line; every error ends in one line on standard error and an exit code."""
    runtime.prepare()
    try:
        sys.exit(cli.main(standalone_mode=False))
    except click.exceptions.Exit as ended:
        sys.exit(ended.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        terminal.complain("interrupted")
        sys.exit(130)
    except An1496Error as error:
        terminal.complain(str(error))
        sys.exit(error.exit_code)


def _print_each(work: parallel.Work, inputs: tuple[str, ...], engine: Engine) -> Tally:
    """Print the lines that every input gives."""
    tally = Tally(engine.problems)
    sources = find(inputs, tally.problems)
    with terminal.progress(sum(source.size or 0 for source in sources)) as progress:
        for lines in parallel.each(work, sources, engine, tally, progress):
            _write(lines)
    return tally


def _watch(interface: str, user: str | None, engine: Engine) -> Tally:
    """Print the lines that a network interface gives, until we are interrupted."""
    tally = Tally(engine.problems)
    for lines in watch(interface, user, engine, tally, Signals(engine.config.live.stop_seconds).stopping):
        _write(lines)
    return tally


def _write(lines: Iterable[bytes]) -> None:
    """Print lines."""
    with _printing():
        sys.stdout.buffer.writelines(lines)


@contextlib.contextmanager
def _printing() -> Iterator[None]:
    """What is printed within is out at the end. A reader that goes away, as `head` does, ends us without complaint.

    Raises:
        OutputError: it cannot be written.
    """
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        # What is left in the buffer would fail again when Python flushes it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise click.exceptions.Exit(0) from None
        raise OutputError(f"standard output: {why(error)}", "make room where it goes") from error


def _finish(tally: Tally) -> None:
    """End with one line for each thing that was left out or could not be read."""
    for name, count in sorted((+tally.lost).items()):
        terminal.complain(f"left out: {name.replace('_', ' ').replace('.', ' ')}: {count}")
    for problem in tally.problems:
        terminal.complain(str(problem))
    if tally.problems:
        raise click.exceptions.Exit(1)
