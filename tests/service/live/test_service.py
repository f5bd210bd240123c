"""The service as a whole: what its documents say, what it does when something is away, and what it shows."""

import json
import re
import shlex
import signal
import socket
import subprocess
import sys
import tomllib
import urllib.error
import urllib.request
from pathlib import Path
from typing import get_args

import msgspec
import pytest
import redis
from click.testing import CliRunner

from enricher.cli import cli
from enricher.config import Config, LiveConfig, Source
from enricher.errors import An1496Error, ConfigError, StoreError
from enricher.join.link import LIVE_COMMANDS
from enricher.join.server import EmbeddedServer
from enricher.service.engine import Engine
from enricher.service.live.metrics import Metrics, Page
from enricher.service.live.service import Service
from enricher.service.live.sources.tail import Tail
from service_fakes import Log, Turns
from shown import unfolded

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "live.md"


def test_the_example_of_the_document_passes_check_config(tmp_path: Path) -> None:
    example, *_ = re.findall(r"```toml\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    tomllib.loads(example)
    (tmp_path / "an1496.toml").write_text(example)
    done = CliRunner().invoke(cli, ["check-config", str(tmp_path / "an1496.toml")])
    assert done.exit_code == 0, done.output
    assert "reads redis_list:winlogbeat" in done.output


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "store.url is missing"),
        ('store.url = "redis://h"', "sources is empty"),
        ('store.url = "redis://h"\n[[sources]]\ntype = "tail"', r":2: sources\[0\]: .*`path`"),
        ('store.url = "redis://h"\n[[sources]]\ntype = "tial"\npath = "x"', "tial"),
        ('store.url = "redis://h"\n[[sources]]\ntype = "tail"\npath = "x"\nformat = "evtx"', "only be replayed"),
        ('store.url = "redis://h"\n[[sources]]\ntype = "stdin"\n[[sources]]\ntype = "stdin"', "stands twice"),
        (
            'store.url = "redis://h"\nlive.wait_seconds = 1e9\n[[sources]]\ntype = "stdin"',
            "longer than records are kept",
        ),
        (
            'store.url = "redis://h"\n[[sources]]\ntype = "redis_list"\nkey = "k"\nurl = "redis://u:secret@h"',
            "holds credentials",
        ),
    ],
)
def test_what_cannot_work_is_told_in_one_line(tmp_path: Path, text: str, what: str) -> None:
    (tmp_path / "an1496.toml").write_text(text)
    done = CliRunner().invoke(cli, ["check-config", str(tmp_path / "an1496.toml")])
    assert isinstance(done.exception, ConfigError)
    assert re.search(what, str(done.exception))
    assert "secret" not in str(done.exception)


def test_a_password_of_the_store_comes_from_where_the_configuration_says(tmp_path: Path, own: EmbeddedServer) -> None:
    admin = redis.Redis(unix_socket_path=str(own.socket))
    admin.execute_command("ACL", "SETUSER", "worker", "on", ">s/cret", "~*", "+@all")
    (tmp_path / "password").write_text("s/cret\n")
    text = f"""
        store = {{ url = "{own.url}", username = "worker", password = {{ file = "{tmp_path}/password" }} }}
        sources = [{{ type = "tail", path = "{tmp_path}/log" }}]"""
    with Service(Engine(Config.parse(text.encode(), "t")), Log(), lambda _: True) as service:
        service.run()
        assert "worker" in {client["user"] for client in admin.client_list()}
    for wrong, what in (
        (text.replace(f'{{ file = "{tmp_path}/password" }}', "{}"), "store.password has not one place"),
        (text.replace("unix://", "unix://me:pw@"), "holds credentials"),
        (text.replace(f', password = {{ file = "{tmp_path}/password" }}', ""), "has no password"),
    ):
        with pytest.raises(ConfigError, match=what):
            Service(Engine(Config.parse(wrong.encode(), "t")), Log(), lambda _: True)
    admin.close()


def test_only_where_it_is_allowed_sessions_without_anomalies_are_let_go_and_counted(site, make, tmp_path) -> None:
    odd = {"cert_chain_fps": ("ab",), "cert_visible": True, "cert_subject": "CN=a", "cert_issuer": "CN=a"}
    records = [make.observe(make.T + n, 2000 + n, uid=f"P{n}", sensor="an1496.log") for n in range(20)]
    records += [make.observe(make.T, 3000, uid="A", sensor="an1496.log", validation_code=18, established=True, **odd)]
    (tmp_path / "an1496.log").write_bytes(b"".join(msgspec.json.encode(r) + b"\n" for r in records))
    lagging = lambda source: 100.0  # noqa: E731
    for allowed, rows in (("shed_lag = 50, ", 1), ("", 21)):
        text = site().config, allowed
        config = msgspec.structs.replace(
            text[0], live=msgspec.structs.replace(text[0].live, shed_lag=50 if allowed else None)
        )
        log = Log()
        with Service(Engine(config), log, lambda _: False) as service:
            for source in service.sources:
                source.lag = lambda: lagging(None)
            service.run(once=True)
            shed = service.metrics.registry.get_sample_value(
                "an1496_shed_sessions_total", {"source": service.sources[0].name}
            )
        assert (shed or 0) == 21 - rows
        assert ("shedding sessions without anomalies" in log) == bool(allowed)
        assert len((tmp_path / "ledger.jsonl").read_bytes().splitlines()) == rows
        (tmp_path / "ledger.jsonl").unlink()
        redis.Redis(unix_socket_path=config.store.url.removeprefix("unix://")).flushall()


def test_the_document_of_settings_names_every_key_of_the_service_and_its_defaults() -> None:
    text = DOCUMENT.with_name("configuration.md").read_text("utf-8")
    for part in (LiveConfig, *get_args(Source)):
        assert [f for f in part.__struct_fields__ if not re.search(rf"\b{f}\b", text)] == []
    (live,) = re.findall(r"```toml\n(\[live\].*?)```", text, re.DOTALL)
    changed = {"worker", "ledger", "metrics_port"}
    given, default = Config.parse(live.encode(), "live").live, LiveConfig()
    assert {f for f in LiveConfig.__struct_fields__ if getattr(given, f) != getattr(default, f)} == changed


@pytest.mark.parametrize(
    ("store", "what"),
    [
        ('url = "http://h"', "URL cannot be read"),
        ('url = "rediss://h", ca_file = "/nowhere"', "ca_file cannot be used"),
    ],
)
def test_a_store_that_can_never_be_talked_to_is_refused_at_once(tmp_path: Path, store: str, what: str) -> None:
    (tmp_path / "an1496.toml").write_text(f'store = {{ {store} }}\n[[sources]]\ntype = "stdin"\n')
    done = CliRunner().invoke(cli, ["check-config", str(tmp_path / "an1496.toml")])
    assert isinstance(done.exception, An1496Error)
    assert what in str(done.exception)


def test_a_user_with_the_documented_commands_suffices(site, own: EmbeddedServer, tmp_path: Path) -> None:
    (line,) = re.findall(r"acl setuser an1496 .*", unfolded(DOCUMENT.read_text("utf-8")))
    words = shlex.split(line.replace("PASSWORD", "secret"))
    assert {word[1:] for word in words if word.startswith("+")} == set(LIVE_COMMANDS)
    admin = redis.Redis(unix_socket_path=str(own.socket))
    admin.execute_command(*words)
    engine = site()
    url = f"unix://an1496:secret@{own.socket}"
    config = msgspec.structs.replace(engine.config, store=msgspec.structs.replace(engine.config.store, url=url))
    engine = Engine(config)
    log = Log()
    with Service(engine, log, lambda _: False) as service:
        service.run(once=True)
    assert "waiting" not in log
    assert len((tmp_path / "ledger.jsonl").read_bytes().splitlines()) == 1
    assert all(key.startswith(b"an1496:live:") for key in admin.scan_iter())
    assert admin.ttl("an1496:live:n") != -1
    admin.close()


def test_metrics_and_health_are_shown_on_loopback(site) -> None:
    shown: dict[str, str] = {}

    def fetch() -> None:
        for page in ("metrics", "health"):
            url = f"http://127.0.0.1:{service._page.port}/{page}"
            with urllib.request.urlopen(url, timeout=5) as answer:
                shown[page] = answer.read().decode()
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(f"http://127.0.0.1:{service._page.port}/else", timeout=5)
        service._last -= 60
        with pytest.raises(urllib.error.HTTPError, match="503"):
            urllib.request.urlopen(f"http://127.0.0.1:{service._page.port}/health", timeout=5)

    with Service(site(), Log(), Turns(lambda: None, fetch)) as service:
        service.run()
    assert json.loads(shown["health"])["ok"] is True
    assert 'an1496_ledger_rows_total{disposition="host_unseen"} 1.0' in shown["metrics"]
    assert 'type="Observation"} 1.0' in shown["metrics"]
    assert re.search(r'an1496_source_lag\{source="tail:.*"\} 0.0', shown["metrics"])


def test_who_asks_for_nothing_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("enricher.service.live.metrics._PATIENCE", 0.1)
    page = Page("127.0.0.1", 0, Metrics(), dict)
    with socket.create_connection(("127.0.0.1", page.port), timeout=10) as silent:
        assert silent.recv(1) == b""
    page.close()


def test_a_redis_that_is_out_of_memory_is_waited_for(site, own: EmbeddedServer, tmp_path: Path) -> None:
    admin = redis.Redis(unix_socket_path=str(own.socket))
    admin.config_set("maxmemory", "1")
    log = Log()
    ledger = tmp_path / "ledger.jsonl"
    before: list[bool] = []

    def relieve() -> None:
        before.append(ledger.exists())
        admin.config_set("maxmemory", "0")

    with Service(site(), log, Turns(relieve, lambda: None, lambda: None)) as service:
        service.run()
    assert before == [False]
    (wrong,) = [more["error"] for event, more in log.lines if event == "waiting"]
    assert "out of memory" in wrong
    assert "going on" in log
    assert len(ledger.read_bytes().splitlines()) == 1
    admin.close()


def test_asked_to_end_while_redis_is_away_it_ends_and_reads_again_later(site, own, tmp_path: Path) -> None:
    admin = redis.Redis(unix_socket_path=str(own.socket))
    admin.config_set("maxmemory", "1")
    log = Log()
    with Service(site(), log, Turns(lambda: None)) as service:
        service.run()
    assert any("read again" in event for event, _ in log.lines)
    admin.config_set("maxmemory", "0")
    admin.close()
    with Service(site(), Log(), lambda _: False) as service:
        service.run(once=True)
    assert len((tmp_path / "ledger.jsonl").read_bytes().splitlines()) == 1


def test_a_source_that_is_away_does_not_stop_the_others(site, tmp_path: Path) -> None:
    more = f'[[sources]]\ntype = "redis_list"\nkey = "k"\nurl = "unix://{tmp_path}/nobody"'
    log = Log()
    with Service(site(more), log, Turns(*[lambda: None] * 3)) as service:
        service.run()
    assert "source away" in log
    assert len((tmp_path / "ledger.jsonl").read_bytes().splitlines()) == 1


def test_once_what_is_there_is_told_and_a_source_that_is_away_is_an_error(site, tmp_path: Path) -> None:
    more = f'[[sources]]\ntype = "redis_list"\nkey = "k"\nurl = "unix://{tmp_path}/nobody"'
    with Service(site(more), Log(), lambda _: False) as service, pytest.raises(StoreError, match="unreachable"):
        service.run(once=True)
    assert len((tmp_path / "ledger.jsonl").read_bytes().splitlines()) == 1


def test_once_waits_for_a_source_that_does_not_know_yet_whether_something_is_there(
    site, monkeypatch, tmp_path: Path
) -> None:
    looks: list[bool] = []
    read = Tail.read

    def late(source: Tail) -> object:
        looks.append(source.ready)
        return read(source) if looks[-1] else ()

    monkeypatch.setattr(Tail, "read", late)
    monkeypatch.setattr(Tail, "ready", property(lambda _source: len(looks) > 20))
    with Service(site(), Log(), lambda _: False) as service:
        service.run(once=True)
    assert len((tmp_path / "ledger.jsonl").read_bytes().splitlines()) == 1


def test_a_source_that_does_not_say_how_far_it_is_stops_nothing(site, monkeypatch, tmp_path: Path) -> None:
    def away(_source: Tail) -> float:
        raise StoreError("is away")

    monkeypatch.setattr(Tail, "lag", away)
    log = Log()
    with Service(site(), log, Turns(*[lambda: None] * 3)) as service:
        service.run()
        assert "waiting" not in log
        assert (
            service.metrics.registry.get_sample_value("an1496_ledger_rows_total", {"disposition": "host_unseen"}) == 1
        )


def test_how_wrong_endpoint_clocks_are_is_counted(start, make) -> None:
    live = start()
    live.take(make.observe(), make.connect())
    (row,) = live.rows().values()
    metrics = Metrics()
    metrics.told([msgspec.structs.replace(row, clock_offset=offset) for offset in (-7200.0, None)], [])
    get = metrics.registry.get_sample_value
    assert get("an1496_clock_offset_seconds_count") == 1
    assert get("an1496_clock_offset_seconds_bucket", {"le": "3600.0"}) == 0
    assert get("an1496_clock_offset_seconds_bucket", {"le": "43200.0"}) == 1
    assert get("an1496_ledger_rows_total", {"disposition": "matched"}) == 2


def test_other_lists_and_thresholds_count_from_the_next_round_on(site, make, tmp_path: Path) -> None:
    ports = "[sensor.thresholds]\nusual_ports = [1]"
    other = site(ports)

    def reload() -> None:
        service.reload(other)
        with (tmp_path / "an1496.log").open("ab") as file:
            file.write(
                msgspec.json.encode(make.observe(port=50001, uid="C2", sensor="an1496.log", version="TLSv12")) + b"\n"
            )

    with Service(site(), Log(), Turns(reload, *[lambda: None] * 3)) as service:
        service.run()
    rows = {row["uid"]: row for row in map(json.loads, (tmp_path / "ledger.jsonl").read_bytes().splitlines())}
    assert len(rows) == 2
    assert ["unusual_port" in row["anomalies"] for row in rows.values()] == [False, True]


def test_a_full_disk_is_waited_for(site, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    ledger.symlink_to("/dev/full")
    log = Log()

    def make_room() -> None:
        ledger.unlink()

    with Service(site(), log, Turns(make_room, lambda: None, lambda: None)) as service:
        service.run()
    assert any("cannot be written" in more.get("error", "") for _, more in log.lines)
    assert len(ledger.read_bytes().splitlines()) == 1


def test_where_the_state_lies_stays_when_the_configuration_is_read_anew(site, own: EmbeddedServer) -> None:
    engine = site()
    store = msgspec.structs.replace(engine.config.store, namespace="elsewhere")
    other = Engine(msgspec.structs.replace(engine.config, store=store))

    log = Log()

    def reload() -> None:
        service.reload(other)
        service._hang_up()
        service._last -= 1e6  # its next round is due

    with Service(engine, log, Turns(reload, *[lambda: None] * 3)) as service:
        service.run()
    with redis.Redis(unix_socket_path=str(own.socket)) as admin:
        assert all(key.startswith(b"an1496:live:") for key in admin.scan_iter())
    assert ("not changed before the next start", {"sections": ["store"]}) in log.lines


def test_lines_of_a_list_that_cannot_be_used_are_told_when_it_is_read_anew(own: EmbeddedServer, tmp_path: Path) -> None:
    known_bad = tmp_path / "bad.txt"
    known_bad.write_text("")
    (tmp_path / "an1496.toml").write_text(
        f'sensor.known_bad = ["{known_bad}"]\nstore.url = "{own.url}"\n'
        f'[[sources]]\ntype = "tail"\npath = "{tmp_path}/an1496.log"\n'
    )
    command = [sys.executable, "-m", "enricher", "run", "--config", str(tmp_path / "an1496.toml")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "started" in process.stderr.readline()
        known_bad.write_text("no fingerprint\n")
        process.send_signal(signal.SIGHUP)
        said = [process.stderr.readline(), process.stderr.readline()]
        process.terminate()
    assert [json.loads(line)["event"] for line in said] == ["not used", "reloaded"]
