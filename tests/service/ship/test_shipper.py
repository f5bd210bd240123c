"""What can matter comes to the stream, whatever dies or is away meanwhile, and nothing is removed unread."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from enricher.cli import cli
from enricher.config import Config
from enricher.config_ship import KafkaTarget, RedisTarget, ShipConfig
from enricher.errors import ConfigError
from enricher.join.link import Link
from enricher.join.settings import StoreSettings
from enricher.service.engine import Engine
from enricher.service.live.service import Service
from enricher.service.live.sources.redis_stream import RedisStream
from enricher.service.live.sources.tail import Tail
from enricher.service.ship.positions import Positions
from enricher.service.ship.redis_stream import COMMANDS
from enricher.service.ship.shipper import Shipper
from service_fakes import Turns

DOCS = Path(__file__).resolve().parents[3] / "docs"
ZEEK = (
    "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tssl\n"
    "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tversion\testablished\n"
    "#types\ttime\tstring\taddr\tport\taddr\tport\tstring\tbool\n"
)


def zeek_row(n: int) -> str:
    return f"1700000000.{n:06}\tC{n}\t10.0.0.1\t{50000 + n}\t203.0.113.5\t443\tTLSv12\tT\n"


class Abort(BaseException):
    """Death: nothing that we could catch and tidy up after."""


def test_lines_that_cannot_matter_are_dropped_and_counted(ship, logged, shipped, say) -> None:
    logged(say.event(1), say.event(2, event_id=10), say.event(3, event_id=10), "rubbish\n", say.event(4))
    log = ship()
    assert say.ports(shipped()) == [1, 4]
    (told,) = log.said("shipped")
    assert (told["shipped"], told["dropped"]) == (2, 3)
    assert told["dropped_why"]["event 10: not needed"] == 2
    (problem,) = log.said("not read")
    assert "not valid JSON" in problem["problem"]


def test_it_goes_on_where_it_was_also_through_rotation(ship, logged, shipped, say, tmp_path) -> None:
    logged(say.event(1), say.event(2))
    ship()
    logged(say.event(3))
    (tmp_path / "events.json").rename(tmp_path / "events.json.1")
    logged(say.event(4))
    ship()
    ship()
    assert say.ports(shipped()) == [1, 2, 3, 4]


def test_what_was_sent_is_noted_when_it_is_asked_to_end(ship, logged, shipped, say) -> None:
    turns = 0

    def stopping(_seconds: float) -> bool:
        nonlocal turns
        turns += 1
        if turns == 2:
            logged(say.event(2))
        return turns > 2

    logged(say.event(1))
    ship(stopping)
    assert say.ports(shipped()) == [1, 2]
    ship()
    assert say.ports(shipped()) == [1, 2]


@pytest.mark.parametrize("tsv", [True, False])
def test_who_reads_the_stream_gets_the_records_of_the_file(server, ship, shipped, tmp_path, tsv, say) -> None:
    path = tmp_path / "events.json"
    path.write_text(ZEEK + "".join(map(zeek_row, range(3))) if tsv else "".join(map(say.event, range(3))))
    ship()
    with path.open("a") as file:  # its header was read before a restart
        file.writelines(map(zeek_row if tsv else say.event, range(3, 5)))
    ship()
    stream = RedisStream(
        "n", "s", "w", lambda: Link(server.url, StoreSettings()), time.monotonic, group="g", claim_seconds=60, most=100
    )
    records = [*stream.read()]
    stream.close()
    bare = [msgspec.structs.replace(record, source="") for record in records]
    tail = Tail("t", path)
    assert bare == [msgspec.structs.replace(record, source="") for record in tail.read()]
    assert len(bare) == 5
    tail.close()


def test_a_service_judges_what_was_shipped_and_what_came_twice_once(server, admin, ship, tmp_path) -> None:
    (tmp_path / "events.json").write_text(ZEEK + "".join(map(zeek_row, range(3))))
    ship()
    (tmp_path / "state").unlink()
    ship()
    assert admin.xlen("s") == 6
    text = f"""
        store = {{ url = "{server.url}" }}
        live = {{ ledger = "{tmp_path}/ledger.jsonl", wait_seconds = 0 }}
        [[sources]]
        type = "redis_stream"
        url = "{server.url}"
        key = "s"
        """
    with Service(Engine(Config.parse(text.encode(), "t")), say_log(), lambda _: False) as service:
        service.run(once=True)
    rows = [json.loads(line) for line in (tmp_path / "ledger.jsonl").read_bytes().splitlines()]
    last = {row["uid"]: row["disposition"] for row in rows}
    assert last == {"C0": "host_unseen", "C1": "host_unseen", "C2": "host_unseen"}


def say_log() -> Any:
    class Quiet:
        def __getattr__(self, _level: str) -> Any:
            return lambda *_, **__: None

    return Quiet()


STEPS = [(os, "fsync"), (Path, "replace"), (Path, "open"), (Link, "send"), (Link, "receive"), (Positions, "save")]


@pytest.mark.parametrize(("where", "step"), STEPS, ids=[step for _, step in STEPS])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_death_at_any_step_loses_nothing(ship, logged, shipped, say, monkeypatch, where, step, after) -> None:
    ended = at = 0
    logged(say.event(1, event_id=10))
    ship()
    while not ended:
        at += 1
        logged(say.event(2 * at), say.event(2 * at + 1))
        ended = survives(ship, monkeypatch, where, step, at, after)
        ship()
    assert at > 1
    assert sorted(set(say.ports(shipped()))) == list(range(2, 2 * at + 2))
    assert list(dict.fromkeys(say.ports(shipped()))) == list(range(2, 2 * at + 2))


def survives(ship: Any, monkeypatch: pytest.MonkeyPatch, where: Any, step: str, at: int, after: bool) -> bool:
    """Run once and die at the `at`-th time of a step; whether it did not come to that."""
    real, seen = getattr(where, step), 0

    def dying(*args: Any, **more: Any) -> Any:
        nonlocal seen
        seen += 1
        if seen != at:
            return real(*args, **more)
        if after:
            real(*args, **more)
        raise Abort

    with monkeypatch.context() as patched:
        patched.setattr(where, step, dying)
        try:
            ship()
        except Abort:
            return False
    return True


def test_a_forwarder_that_is_killed_again_and_again_loses_nothing(server, admin, tmp_path, say, shipped) -> None:
    log, config = tmp_path / "events.json", tmp_path / "ship.toml"
    config.write_text(
        f'sources = [{{ type = "tail", path = "{log}" }}]\n[ship]\nstate = "{tmp_path}/state"\npoll_seconds = 0.001\n'
        f'target = {{ type = "redis", url = "{server.url}", stream = "s" }}\n'
    )
    command = [sys.executable, "-m", "enricher", "ship", "-c", str(config)]
    written = 0
    for killing in (True, True, True, False):
        with subprocess.Popen(command, stderr=subprocess.PIPE) as running, log.open("a", buffering=1) as file:
            assert running.stderr is not None
            assert b'"started"' in running.stderr.readline()
            before = admin.xlen("s")
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline and (admin.xlen("s") < before + 50 or not killing):
                file.writelines(map(say.event, range(written, written + 10)))
                written += 10
                if not killing:
                    break
            if not killing:
                while time.monotonic() < deadline and len(set(shipped())) < written:
                    time.sleep(0.02)
            running.send_signal(signal.SIGKILL if killing else signal.SIGTERM)
            assert running.wait(20) == (-signal.SIGKILL if killing else 0)
            assert killing or b'"stopped"' in running.stderr.read()
    assert written > 100
    assert list(dict.fromkeys(say.ports(shipped()))) == list(range(written))


def test_a_target_that_is_full_or_away_is_waited_for(ship, logged, shipped, say, admin) -> None:
    logged(*map(say.event, range(3)))
    admin.config_set("maxmemory", "1")
    log = ship(Turns(lambda: None, lambda: admin.config_set("maxmemory", "0"), lambda: None))
    (waiting,) = log.said("waiting")
    assert "out of memory" in waiting["error"]
    assert log.said("going on")
    assert say.ports(shipped()) == [0, 1, 2]


def test_asked_to_end_while_its_target_is_away_it_ends_and_sends_later(ship, logged, shipped, say, tmp_path) -> None:
    logged(say.event(1))
    log = ship(Turns(lambda: None), url=f"unix://{tmp_path}/nobody")
    assert "unreachable" in log.said("waiting")[0]["error"]
    assert shipped() == []
    ship()
    assert say.ports(shipped()) == [1]


def test_a_position_that_cannot_be_kept_is_waited_for(ship, logged, shipped, say, tmp_path) -> None:
    logged(say.event(1))
    (tmp_path / "state.new").mkdir()
    log = ship(Turns(lambda: None, (tmp_path / "state.new").rmdir, lambda: None))
    assert "state" in log.said("waiting")[0]["error"]
    assert log.said("going on")
    assert say.ports(shipped()) == [1]


def test_a_log_that_cannot_be_read_fails_once_when_all_else_is_sent(ship, tmp_path) -> None:
    (tmp_path / "events.json").mkdir()
    with pytest.raises(Exception, match=r"events\.json"):
        ship()


def test_nothing_is_removed_from_a_full_stream_that_a_group_has_not_acknowledged(
    ship, logged, shipped, say, admin
) -> None:
    limit = ", limit = 3"
    logged(*map(say.event, range(3)))
    ship(target=limit)
    logged(say.event(3))
    waiting = ship(Turns(lambda: None, lambda: None), target=limit).said("waiting")
    assert "holds 3 entries" in waiting[0]["error"]
    assert say.ports(shipped()) == [0, 1, 2]  # nobody reads
    admin.xgroup_create("s", "quick", "0")
    admin.xgroup_create("s", "slow", "0")
    for group in ("quick", "slow"):
        ids = [id_ for id_, _ in admin.xreadgroup(group, "c", {"s": ">"})[0][1]]
        admin.xack("s", group, *(ids if group == "quick" else ids[:1]))
    ship(target=limit)
    assert say.ports(shipped()) == [1, 2, 3]  # the slow one has not acknowledged 1
    admin.xgroup_destroy("s", "slow")
    logged(say.event(4))
    ship(target=limit)
    assert say.ports(shipped()) == [2, 3, 4]  # 2 is the last that the other was given


def test_where_it_is_allowed_the_oldest_go_unread(ship, logged, shipped, say) -> None:
    logged(*map(say.event, range(1000)))
    ship(target=", limit = 100, drop_oldest = true")
    found = say.ports(shipped())
    assert found == list(range(1000 - len(found), 1000))
    assert len(found) < 400


def test_a_user_with_the_documented_commands_suffices(ship, logged, shipped, say, admin, server, tmp_path) -> None:
    (line,) = re.findall(r"acl setuser an1496-ship .*", (DOCS / "live.md").read_text("utf-8"))
    words = shlex.split(line.replace("PASSWORD", "secret"))
    assert {word[1:] for word in words if word.startswith("+")} == set(COMMANDS)
    assert f"~{RedisTarget(url='redis://h').stream}" in words
    admin.execute_command(*[word.replace("~an1496:events", "~s") for word in words])
    (tmp_path / "password").write_text("secret\n")
    more = f', limit = 2, username = "an1496-ship", password = {{ file = "{tmp_path}/password" }}'
    logged(*map(say.event, range(2)))
    assert not ship(target=more).said("waiting")
    admin.xgroup_create("s", "g", "$")
    logged(say.event(2))
    assert not ship(target=more).said("waiting")
    assert say.ports(shipped()) == [1, 2]
    admin.execute_command("ACL", "DELUSER", "an1496-ship")


def test_two_forwarders_do_not_share_a_state_file(ship, logged, say, tmp_path) -> None:
    logged(say.event(1))
    held = Positions(tmp_path / "state")
    with pytest.raises(ConfigError, match="in use"):
        ship()
    held.close()
    ship()


def test_a_state_file_with_something_else_in_it_is_refused(ship, logged, say, tmp_path) -> None:
    logged(say.event(1))
    (tmp_path / "state").write_text("{}")
    with pytest.raises(ConfigError, match="holds no positions"):
        ship()


def test_a_state_file_keeps_the_positions_of_logs_that_are_not_read_now(tmp_path) -> None:
    first = Positions(tmp_path / "state")
    first.save({"a": b"1", "b": b"2"})
    first.save({"a": b"3"})
    first.close()
    second = Positions(tmp_path / "state")
    assert (second.get("a"), second.get("b"), second.get("c")) == (b"3", b"2", None)
    second.close()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('sources = [{ type = "tail", path = "x" }]', "ship is missing"),
        ("SHIP", "sources is empty"),
        ('SHIP\n[[sources]]\ntype = "stdin"', "only files are shipped"),
        ('SHIP\n[[sources]]\ntype = "tail"\npath = "x"\nformat = "evtx"', "only be replayed"),
        ('ship = { state = "s", target = { type = "redis", url = "redis://a:b@h" } }\nTAIL', "holds credentials"),
        ('ship = { state = "s", target = { type = "redis", url = "redis://h", password = {} } }', "not one place"),
        ('ship = { state = "s", target = { type = "kafka", brokers = "h:1", username = "u" } }', "has no password"),
    ],
)
def test_what_cannot_work_is_told_before_it_begins(text: str, what: str) -> None:
    text = text.replace("SHIP", 'ship = { state = "s", target = { type = "redis", url = "redis://h" } }')
    text = text.replace("TAIL", '[[sources]]\ntype = "tail"\npath = "x"')
    with pytest.raises(ConfigError, match=what):
        Shipper(Config.parse(text.encode(), "t"), say_log(), lambda _: True)


def test_the_documented_example_passes_check_config_and_every_key_is_documented(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SHIP_PASSWORD", "secret")
    text = (DOCS / "configuration.md").read_text("utf-8")
    (example,) = [block for block in re.findall(r"```toml\n(.*?)```", text, re.DOTALL) if "[ship]" in block]
    (tmp_path / "ship.toml").write_text(example)
    done = CliRunner().invoke(cli, ["check-config", str(tmp_path / "ship.toml")])
    assert done.exit_code == 0, done.output
    assert "ships tail:" in done.output
    assert "puts it on the Redis stream an1496:events" in done.output
    section = text[text.index("## The forwarder") :]
    for part in (ShipConfig, RedisTarget, KafkaTarget):
        assert [f for f in part.__struct_fields__ if not re.search(rf"\b{f}\b", section)] == []


def test_a_configuration_of_both_is_checked_as_both(tmp_path: Path) -> None:
    (tmp_path / "both.toml").write_text(
        'store.url = "redis://h"\nship = { state = "s", target = { type = "redis", url = "redis://h" } }\n'
        '[[sources]]\ntype = "tail"\npath = "x"\n'
    )
    done = CliRunner().invoke(cli, ["check-config", str(tmp_path / "both.toml")])
    assert "ships tail:x" in done.output
    assert "reads tail:x" in done.output


def test_the_command_sends_what_is_there(server, admin, shipped, say, tmp_path: Path) -> None:
    (tmp_path / "log").write_text(say.event(7))
    (tmp_path / "ship.toml").write_text(
        f'sources = [{{ type = "tail", path = "{tmp_path}/log" }}]\n'
        f'ship = {{ state = "{tmp_path}/state", target = {{ type = "redis", url = "{server.url}", stream = "s" }} }}\n'
    )
    command = [sys.executable, "-m", "enricher", "ship", "--once", "-c", str(tmp_path / "ship.toml")]
    done = subprocess.run(command, check=True, timeout=60, stderr=subprocess.PIPE)
    events = [json.loads(line)["event"] for line in done.stderr.splitlines()]
    assert events == ["started", "shipped", "stopped"]
    assert say.ports(shipped()) == [7]
