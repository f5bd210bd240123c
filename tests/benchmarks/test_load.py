"""The simulated site: what it sends is what the service reads, as often, late and wrong as it says; and the truth."""

import json
import shutil
from collections import Counter, defaultdict
from itertools import islice
from pathlib import Path
from statistics import median

import load
import load_figures
import load_peer
import load_run
import pytest
from load_site import Sent, Site, busy
from load_world import BUSY, Habits

from enricher.model.endpoint import ModuleLoad, NetworkConnect, ProcessEnd, ProcessStart
from enricher.model.observation import Observation
from enricher.service.live.sources.payloads import Payloads

KINDS = {"1": ProcessStart, "3": NetworkConnect, "5": ProcessEnd, "7": ModuleLoad, "tls": Observation}


@pytest.fixture(scope="module")
def hour() -> tuple[Site, list[Sent]]:
    """40 hosts' busiest hour."""
    site = Site(40, seed=5, habits=Habits(nat=0.1, moves=200, reused=0.5))
    records = []
    for record in site.sent():
        if record.at > site.start + 3600:
            return site, records
        records.append(record)
    raise AssertionError


@pytest.mark.parametrize("form", ["ecs", "flat"])
def test_every_line_is_read_as_the_record_that_it_is(form: str) -> None:
    records = list(islice(Site(20, form=form).sent(), 800))
    payloads = Payloads("s")
    found = payloads.read((str(n), record.line) for n, record in enumerate(records))
    assert payloads.problems() == []
    assert [type(record) for record in found] == [KINDS[record.kind] for record in records]


def test_the_same_seed_gives_the_same_site_and_another_seed_another() -> None:
    first, again, other = (list(islice(Site(20, seed=seed).sent(), 300)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_records_come_in_the_order_of_their_arrival_and_none_before_it_happened(hour: tuple[Site, list[Sent]]) -> None:
    site, records = hour
    assert [record.at for record in records] == sorted(record.at for record in records)
    for record in records:
        if record.kind == "tls":
            assert record.at > json.loads(record.line)["ts"] >= site.start


def test_an_hour_holds_as_much_as_the_habits_say(hour: tuple[Site, list[Sent]]) -> None:
    site, records = hour
    seen = Counter(record.kind for record in records)
    factor = 40 / 24 * busy(site.start)
    assert seen["tls"] == pytest.approx(site.habits.sessions * factor, rel=0.1)
    agents = sum(host.agent for host in site.seen.values()) / len(site.seen)
    assert seen["1"] == pytest.approx(site.habits.starts * factor * agents, rel=0.2)
    assert len(records) == pytest.approx(Site(40).records_now * 3600, rel=0.1)


def test_a_day_has_its_mean_rate_and_a_peak_of_about_four_times_that() -> None:
    rates = [busy(hour * 3600.0) for hour in range(24)]
    assert sum(rates) / 24 == pytest.approx(1.0)
    assert max(rates) == pytest.approx(max(BUSY) / sum(BUSY) * 24)
    assert 3.5 < max(rates) < 4.5


def test_the_truth_names_the_process_whose_connection_record_has_the_sessions_addresses(
    hour: tuple[Site, list[Sent]],
) -> None:
    _, records = hour
    connects = {}
    for record in records:
        if record.kind == "3" and record.uid:
            data = json.loads(record.line)["winlog"]["event_data"]
            connects[record.uid] = (
                data["ProcessGuid"].strip("{}"),
                (data["SourceIp"], int(data["SourcePort"]), data["DestinationIp"], 443),
            )
    agree = 0
    for record in records:
        if record.truth is not None and record.truth.knowable and record.uid in connects:
            row = json.loads(record.line)
            guid, sides = connects[record.uid]
            assert guid == record.truth.guid
            assert sides == (row["id.orig_h"], row["id.orig_p"], row["id.resp_h"], row["id.resp_p"])
            agree += 1
    assert agree > 1000


def test_behind_nat_the_sensor_sees_another_address_and_nobody_can_know(hour: tuple[Site, list[Sent]]) -> None:
    site, records = hour
    behind = {host.name for host in site.seen.values() if host.nat}
    assert behind
    for record in records:
        if record.truth is not None:
            assert json.loads(record.line)["id.orig_h"].startswith("100.64.") == (record.truth.host in behind)
            assert not (record.truth.host in behind and record.truth.knowable)


def test_a_host_without_an_agent_sends_nothing(hour: tuple[Site, list[Sent]]) -> None:
    site, records = hour
    silent = {host.name for host in site.seen.values() if not host.agent}
    assert silent
    assert silent.isdisjoint(
        json.loads(record.line)["winlog"]["computer_name"] for record in records if record.kind != "tls"
    )


def test_addresses_move_from_host_to_host(hour: tuple[Site, list[Sent]]) -> None:
    _, records = hour
    owners = defaultdict(set)
    for record in records:
        if record.truth is not None:
            owners[json.loads(record.line)["id.orig_h"]].add(record.truth.host)
    assert any(len(hosts) > 1 for address, hosts in owners.items() if not address.startswith("100.64."))


def test_pids_are_used_again(hour: tuple[Site, list[Sent]]) -> None:
    _, records = hour
    processes = defaultdict(set)
    for record in records:
        if record.kind == "1":
            data = json.loads(record.line)["winlog"]
            processes[data["computer_name"], data["event_data"]["ProcessId"]].add(data["event_data"]["ProcessGuid"])
    assert sum(len(guids) > 1 for guids in processes.values()) > 20


def test_some_hosts_report_connections_by_a_clock_that_is_off_by_hours() -> None:
    site = Site(300, habits=Habits(wrong_clocks=0.2))
    for _ in islice(site.sent(), 8000):
        pass
    off = [abs(host.connect_offset) > 1800 for host in site.seen.values()]
    assert 0.1 < sum(off) / len(off) < 0.3
    assert all(abs(host.offset) < 1 for host in site.seen.values())


def test_an_agent_that_stalls_sends_all_of_it_later() -> None:
    assert usual_wait(Habits(stalls=2000)) > 20
    assert usual_wait(Habits(stalls=0)) < 2


def usual_wait(habits: Habits) -> float:
    """Median seconds from a session to the arrival of its connection record."""
    records = list(islice(Site(5, habits=habits).sent(), 1500))
    began = {record.uid: json.loads(record.line)["ts"] for record in records if record.kind == "tls"}
    return median(record.at - began[record.uid] for record in records if record.kind == "3" and record.uid in began)


def test_a_row_is_judged_by_the_truth() -> None:
    truth = load_figures.Truth("C1", "h", "g", "i", knowable=True, attack=False)
    row = lambda disposition, guid: load_run.Row("C1", 1, disposition, guid, None, "low")  # noqa: E731
    assert load_figures.verdict_on(None, truth) == "no row"
    assert (
        load_figures.verdict_on(row("matched", "g"), truth)
        == load_figures.verdict_on(row("late", "g"), truth)
        == "named right"
    )
    assert load_figures.verdict_on(row("matched", "other"), truth) == "named wrong"
    assert load_figures.verdict_on(row("ambiguous", None), truth) == "ambiguous"
    assert load_figures.verdict_on(row("host_unseen", None), truth) == "unseen, but it could be known"
    assert load_figures.verdict_on(row("host_unseen", None), truth._replace(knowable=False)) == "unseen"


def test_growth_is_that_of_the_last_quarter_over_the_one_before() -> None:
    assert load_figures.grown([1, 2, 3, 4, 10, 10, 11, 11]) == pytest.approx(0.1)
    assert load_figures.grown([5] * 20) == 0


def test_commands_are_of_one_kind_when_name_and_kind_of_key_agree() -> None:
    commands = [
        (b"ZADD", b"load:c:{a}", b"1", b"x"),
        (b"ZADD", b"load:c:{b}", b"1", b"xxx"),
        (b"ZADD", b"load:o:{a}", b"1", b"x"),
    ]
    found = load_peer.kinds([*commands, (b"ZADD", b"load:c:{b}", b"1", b"xx")])
    assert [(kind.sent, kind.keys, kind.usual) for kind in found] == [
        (3, 2, (b"ZADD", b"load:c:{b}", b"1", b"xx")),
        (1, 1, commands[2]),
    ]


def test_what_a_server_was_told_is_noted_as_it_was(tmp_path: Path) -> None:
    with load_run.Bench(tmp_path) as bench:
        watch = load_peer.Watch(bench.store.socket)
        with watch.watching():
            bench.kept.set(b"load:a", b'\x00"\\\n\xff')
            bench.kept.get(b"load:a")
    assert watch.commands == [(b"SET", b"load:a", b'\x00"\\\n\xff'), (b"GET", b"load:a")]


def test_a_small_site_runs_through_the_service_and_is_named_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    habits = Habits(agentless=0, nat=0, lost=0, wrong_clocks=0, stalls=0)
    everything = list(islice(Site(10, habits=habits).sent(), 400))
    whole = {record.uid for record in everything if record.kind == "3"} & {
        record.uid for record in everything if record.kind == "tls"
    }
    records = [record for record in everything if record.uid is None or record.uid in whole]
    with load_run.Bench(tmp_path) as bench:
        spent = load_figures.drained(bench, records, 1)
        rows = bench.rows()
        load_figures.memory(bench, records, rows)
        size, count = bench.held()
        assert not bench.kept.exists("load:w", "load:e")  # nothing waits, all is settled
    assert spent.workers > 0 < spent.wall
    found = load_figures.attribution(records, rows)
    assert found == {"named right": len(rows)}
    assert count["o"] == len(rows) == sum(record.kind == "tls" for record in records)
    assert set(size) <= set(load_figures.HOST + load_figures.PROCESS + load_figures.SESSION)
    assert "B a session" in capsys.readouterr().out


def test_files_hold_what_was_sent_and_who_opened_it(tmp_path: Path) -> None:
    load.make(Site(5), tmp_path, 0.2)
    rows = [json.loads(line) for line in (tmp_path / "an1496.log").read_bytes().splitlines()]
    truths = [json.loads(line) for line in (tmp_path / "truth.jsonl").read_bytes().splitlines()]
    assert [row["uid"] for row in rows] == [truth["uid"] for truth in truths] != []
    assert (tmp_path / "endpoint.json").read_bytes().count(b"\n") > len(rows)


@pytest.mark.skipif(
    shutil.which("redis-benchmark") is None and shutil.which("valkey-benchmark") is None, reason="no redis-benchmark"
)
def test_the_peer_carries_out_as_many_commands_as_it_is_told(tmp_path: Path) -> None:
    with load_run.Bench(tmp_path) as bench:
        kind = load_peer.Kind(100, (b"ZADD", b"load:c:{a}", b"1", b"\x00\x01x"), 7)
        took, by_name = load_peer.seconds(bench.store.socket, [kind], 2.0)
        assert took > 0
        assert set(by_name) == {"ZADD"}
        assert bench.commands()["ZADD"] == 3 * 5120  # enough to be timed, the best of three
        assert 1 <= bench.kept.dbsize() <= 14
