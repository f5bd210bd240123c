"""The pure rules, without a server."""

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.join.addresses import Claim, Tenure
from enricher.join.clocks import Offsets, Sample, densest, module_offset
from enricher.join.codec import decode, encode, plain
from enricher.join.duplicates import without_duplicates
from enricher.join.hosts import Hosts
from enricher.join.identity import canonical_names, shared_names
from enricher.join.keys import pair
from enricher.join.process import assemble, guid_start, lives, same_image
from enricher.join.settings import JoinSettings
from enricher.model.observation import Observation


def offsets(deltas: list[float], step: float = 60.0) -> Offsets:
    return Offsets([Sample(i * step + d, i * step) for i, d in enumerate(deltas)], neighbours=9, agreement=2.0)


def test_without_samples_the_offset_is_unknown():
    clock = offsets([]).around(0)
    assert (clock.offset, clock.confidence, clock.samples) == (None, "none", 0)


@pytest.mark.parametrize(
    ("deltas", "confidence"),
    [
        ([5.0], "low"),
        ([5.0, 900.0], "low"),
        ([5.0, 5.1, 5.2], "medium"),
        ([5.0] * 5, "high"),
        ([5.0] * 8 + [99.0], "medium"),
    ],
)
def test_confidence_is_how_many_samples_agree(deltas, confidence):
    assert offsets(deltas).around(0).confidence == confidence


def test_one_wild_sample_does_not_move_the_offset():
    assert offsets([7.0, 7.1, 40000.0, 7.2, 7.1]).around(120).offset == pytest.approx(7.1)


def test_two_agreeing_pairs_of_different_connections_are_a_cluster_and_of_one_are_none():
    pairs = [Sample(100, 50, "a"), Sample(100, 20, "a"), Sample(300, 250.5, "b"), Sample(300, 10, "b")]
    assert {s.event for s in densest(pairs, 2.0)} == {50, 250.5}
    assert densest([Sample(100, 50, "a"), Sample(101, 51, "a")], 2.0) == []


def test_two_equally_dense_clusters_decide_nothing():
    pairs = [Sample(100, 50, "a"), Sample(200, 150, "b"), Sample(100, 0, "a"), Sample(200, 100, "b")]
    assert densest(pairs, 2.0) == []


@pytest.mark.parametrize(
    ("deltas", "offset", "confidence"),
    [
        ([], None, "none"),
        ([0.3], 0.3, "low"),
        ([7200.4], 7200.4, "low"),
        ([5000.0], None, "none"),
        ([43517.1, 43517.6], 43517.35, "medium"),
        ([43517.0] * 5, 43517.0, "high"),
        ([3600.0, 0.1, 9000.0], 0.1, "low"),
        ([100.0, 101.0, 0.0, 0.5], 0.25, "medium"),
    ],
)
def test_the_module_clock_is_where_processes_agree(deltas, offset, confidence):
    clock = module_offset(deltas, 5.0)
    assert (clock.offset, clock.confidence) == (offset if offset is None else pytest.approx(offset), confidence)


def tenure(*claims: tuple[float, float, str]) -> Tenure:
    return Tenure([Claim(first, last, host, certain=True) for first, last, host in claims], reach=3600.0)


def test_between_two_tenures_the_nearer_host_owns_the_address():
    t = tenure((0, 1000, "a"), (9000, 9900, "b"))
    assert [t.owners(ts) for ts in (500, 1500, 8500, 9500)] == [["a"], ["a"], ["b"], ["b"]]


def test_long_after_the_last_claim_nobody_owns_the_address():
    t = tenure((0, 1000, "a"))
    assert t.owners(4000) == ["a"]
    assert t.owners(90000) == []


def test_a_host_whose_clock_is_unknown_owns_its_address_at_any_time():
    assert Tenure([Claim(0, 1000, "a", certain=False)], reach=3600.0).owners(90000) == ["a"]


def test_overlapping_claims_are_contention():
    assert tenure((0, 1000, "a"), (400, 700, "b")).owners(500) == ["a", "b"]


def test_a_lone_moment_in_anothers_run_is_no_claim_and_two_are():
    assert tenure((0, 1000, "a"), (500, 500, "b")).owners(500) == ["a"]
    assert not tenure((0, 1000, "a"), (500, 500, "b")).believed("b", 500)
    assert tenure((0, 1000, "a"), (500, 500, "b"), (600, 600, "b")).believed("b", 500)


def test_a_moment_after_the_run_is_a_move():
    t = tenure((0, 1000, "a"), (2000, 2000, "b"))
    assert t.owners(2000) == ["b"]
    assert t.believed("b", 2000)


@pytest.mark.parametrize(
    ("machines", "shared", "expected"),
    [
        ({"pc1": set(), "pc1.corp.example": set()}, [], {"pc1": "pc1.corp.example"}),
        (
            {"averylongnamexy": set(), "averylongnamexyz-1.corp": set()},
            [],
            {"averylongnamexy": "averylongnamexyz-1.corp"},
        ),
        ({"pc1": {"m"}, "pc1.a": {"m"}, "pc1.b": {"n"}}, [], {"pc1": "pc1.a", "pc1.b": "pc1.b"}),
        ({"pc1": {"m"}, "pc1.a": {"m"}, "pc1.b": {"m"}}, [], {"pc1": "pc1"}),
        ({"pc1.a": {"m"}, "pc2.a": {"m"}}, [], {"pc1.a": "pc1.a", "pc2.a": "pc2.a"}),
        ({"pc1.a": {"m"}, "collector-7": {"m"}}, [("collector-7", "pc1.a")], {"collector-7": "pc1.a"}),
        ({"10.0.0.1": set(), "10": set()}, [], {"10": "10", "10.0.0.1": "10.0.0.1"}),
    ],
)
def test_names_of_one_host_are_one(machines, shared, expected):
    found = canonical_names(machines, shared)
    assert {name: found[name] for name in expected} == expected


def test_repeating_one_guid_of_another_host_does_not_make_two_hosts_one():
    victim = {f"v{i}": {"victim.corp"} for i in range(50)} | {"v0": {"victim.corp", "evil.corp"}}
    assert list(shared_names(victim | {f"e{i}": {"evil.corp"} for i in range(50)})) == []
    assert list(shared_names({"g": {"a", "b"}, "h": {"a"}})) == [("a", "b")]


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        (None, r"C:\x.exe", True),
        (r"\device\harddiskvolume3\windows\system32\svchost.exe", r"C:\Windows\System32\svchost.exe", True),
        (r"\device\harddiskvolume3\users\x\svchost.exe", r"C:\Windows\System32\svchost.exe", False),
        (r"C:\PROGRA~1\App\longna~1.exe", r"C:\Program Files\App\longnamed.exe", True),
        (r"C:\PROGRA~1\App\app.exe", r"C:\Program Files\App\app.exe", True),
        ("svchost.exe", r"C:\Windows\System32\svchost.exe", True),
        ("a.exe", "b.exe", False),
    ],
)
def test_two_paths_are_one_program_or_not(a, b, same):
    assert same_image(a, b) is same
    assert same_image(b, a) is same


@pytest.mark.parametrize("guid", [None, "", "x-y", "a-zzzz-zzzz-b-c", "ec2b781c-0000-0000-0000-000000000000"])
def test_a_guid_that_holds_no_start_has_none(guid):
    assert guid_start(guid) is None


def test_a_guid_holds_the_start_low_half_first_as_sysmon_writes_it():
    """Seen in real telemetry: `05c5-64f8` is 0x64f805c5, 2023-09-06 04:53:25 UTC."""
    assert guid_start("ec2b781c-05c5-64f8-b806-000000000500") == 0x64F805C5


def test_a_creation_record_of_another_product_completes_the_process_with_a_guid(make):
    bare = make.load()
    audit = make.start(
        make.T - 99.5, guid=None, clock="security:4688", command_line="app1.exe -y", integrity_level="High"
    )
    (life,) = lives([bare, audit])
    process = assemble(life)
    assert (process.guid, process.command_line, process.integrity_level) == (make.guid(1), "app1.exe -y", "High")


def test_an_end_without_guid_ends_the_latest_process_that_had_started(make):
    first = make.start(make.T - 500, guid=None, clock="security:4688")
    second = make.start(make.T - 50, guid=None, clock="security:4688")
    found = lives([make.end(make.T - 100, guid=None), second, first])
    assert [(life.start, life.end) for life in found] == [(make.T - 500, make.T - 100), (make.T - 50, None)]


def test_a_library_loaded_twice_is_told_as_first_loaded(make):
    (life,) = lives(
        [make.load(make.T + 5), make.load(make.T), make.load(make.T + 1, name="bcrypt.dll"), make.load(name="x.dll")]
    )
    assert [(lib.name, lib.ts) for lib in assemble(life).libraries] == [
        ("schannel.dll", make.T),
        ("bcrypt.dll", make.T + 1),
    ]


def test_both_directions_of_a_connection_lie_in_one_bucket():
    assert pair("10.0.0.1", 50000, "1.2.3.4", 443) == pair("1.2.3.4", 443, "10.0.0.1", 50000) == ("10.0.0.1", 195, 443)
    assert pair("a", 5, "b", 5) == pair("b", 5, "a", 5)


def test_what_is_stored_comes_back_equal_and_plain(make):
    for record in (make.connect(), make.start(hashes={"md5": "a"}), make.load(), make.end(1.0)):
        stored = decode(encode(record), type(record))
        assert type(record)(**{f: getattr(stored, f) for f in record.__struct_fields__}) == record
    o = make.observe(san_dns=("a", "b"), cert_visible=True)
    stored = decode(encode(o), Observation)
    assert encode(stored) == encode(o)
    assert plain(stored) == o
    assert type(plain(stored)) is Observation
    assert decode(encode(o), type(make.connect())) is None


@given(st.binary(max_size=80))
def test_bytes_that_are_no_record_are_none(blob):
    assert decode(blob, Observation) is None


def test_one_input_sees_two_connections_where_two_inputs_see_one(make):
    a, b = make.observe(make.T, source="x.pcap:1", uid="C1"), make.observe(make.T + 1, source="x.pcap:9", uid="C2")
    assert len(without_duplicates([a, b], 2.0)) == 2
    c = make.observe(make.T + 1, source="y.pcap:9", uid="C3", version="TLSv12")
    assert [o.uid for o in without_duplicates([a, c], 2.0)] == ["C3"]
    d = make.observe(make.T + 9, source="y.pcap:99", uid="C4")
    assert len(without_duplicates([a, d], 2.0)) == 2


def test_a_port_used_ten_thousand_times_is_sorted_out_in_bounded_time(make):
    many = [make.observe(make.T + 3 * i, uid=f"C{i}") for i in range(10_000)]
    random.Random(1).shuffle(many)
    began = time.process_time()
    assert len(without_duplicates(many, 2.0)) == 10_000
    assert time.process_time() - began < 5


def test_a_name_that_came_while_the_names_were_read_is_a_host_of_its_own_until_they_are_read_anew():
    seen = [("pc1", "NetworkConnect", "sysmon:3", "m"), ("pc1.corp", "NetworkConnect", "sysmon:3", "m")]
    hosts = Hosts(seen, [{"g": {"pc1.corp", "pc2"}}], JoinSettings())
    assert hosts.canonical("pc1") == "pc1.corp"
    assert hosts.canonical("pc2") == "pc2"
