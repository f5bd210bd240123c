"""Sessions find their processes, through a real server."""

import pytest

from enricher.errors import ConfigError
from enricher.join.resolve import Join
from enricher.join.settings import JoinSettings, StoreSettings
from enricher.join.store import Store
from enricher.model.endpoint import ModuleLoad, ProcessTamper
from enricher.model.observation import CertificateRecord, ConnectionRecord


def test_a_session_whose_tuple_one_process_reports_is_matched(make, joined):
    (s,) = joined([make.observe(), make.connect(), make.start(), make.load()])
    assert s.disposition == "matched"
    assert s.method == "tuple"
    assert s.host == make.HOST
    assert s.process.guid == make.guid(1)
    assert s.process.command_line == "app1.exe -x"
    assert [lib.name for lib in s.process.libraries] == ["schannel.dll"]
    assert s.connect_ts == make.T
    assert s.coverage.process_start and s.coverage.module_load and s.coverage.network_connect
    assert not s.coverage.process_tamper


def test_a_network_clock_twelve_hours_off_beside_a_right_module_clock_is_learned(make, joined):
    off = -(12 * 3600 + 5 * 60)
    records = []
    for i in range(6):
        ts = make.T + 40 * i
        records += [make.observe(ts, 50000 + i), make.connect(ts + off, 50000 + i, n=i), make.load(ts + 0.1, n=i)]
    for s in joined(records):
        assert s.disposition == "matched"
        assert s.clock.offset == pytest.approx(-off)
        assert s.clock.confidence == "high"
        assert s.module_clock.offset == pytest.approx(-0.1, abs=0.01)
        assert s.module_clock.confidence == "high"
        assert s.candidates[0].delta == pytest.approx(0)


def test_an_offset_that_changes_at_a_boot_is_learned_on_each_side(make, joined):
    records = []
    for i in range(10):
        off = 100.0 if i < 5 else -7000.0
        ts = make.T + 600 * i
        records += [make.observe(ts, 50000 + i), make.connect(ts - off, 50000 + i)]
    sessions = joined(records)
    assert [s.clock.offset for s in sessions[:4]] == [100.0] * 4
    assert [s.clock.offset for s in sessions[6:]] == [-7000.0] * 4


def test_port_reuse_gives_each_session_the_process_of_its_own_record(make, joined):
    off = 3600.0
    known = [
        r
        for i in range(3)
        for r in (make.observe(make.T + i, 40000 + i), make.connect(make.T + i - off, 40000 + i, n=9))
    ]
    reused = [
        make.observe(make.T, 50000),
        make.observe(make.T + 500, 50000),
        make.connect(make.T - off + 0.2, 50000, n=1),
        make.connect(make.T - off + 500.2, 50000, n=2),
    ]
    first, second = (s for s in joined(known + reused) if s.observation.orig_p == 50000)
    assert (first.disposition, first.process.guid) == ("matched", make.guid(1))
    assert (second.disposition, second.process.guid) == ("matched", make.guid(2))
    assert "time decided" in first.note


def test_port_reuse_by_one_process_gives_each_session_its_own_record(make, joined):
    records = [
        make.observe(make.T),
        make.observe(make.T + 500),
        make.connect(make.T - 3600, source="a:1"),
        make.connect(make.T - 3100, source="a:2"),
    ]
    first, second = joined(records)
    assert (first.connect_source, second.connect_source) == ("a:1", "a:2")
    assert first.process.guid == second.process.guid


def test_two_processes_on_one_tuple_without_a_known_clock_are_ambiguous(make, joined):
    (s,) = joined([make.observe(), make.connect(n=1), make.connect(make.T + 500, n=2)])
    assert s.disposition == "ambiguous"
    assert s.process is None
    assert [c.guid for c in s.candidates] == [make.guid(1), make.guid(2)]


def test_two_processes_on_one_tuple_at_the_same_time_are_ambiguous_whatever_the_clock(make, joined):
    known = [
        r for i in range(5) for r in (make.observe(make.T + i, 40000 + i), make.connect(make.T + i, 40000 + i, n=9))
    ]
    sessions = joined([*known, make.observe(), make.connect(n=1), make.connect(make.T + 0.5, n=2)])
    (s,) = (s for s in sessions if s.observation.orig_p == 50000)
    assert s.disposition == "ambiguous"


def test_probable_pairs_of_several_connections_teach_an_offset(make, joined):
    """Two processes report every tuple; the true ones agree on the offset."""
    records = []
    for i, noise in enumerate((50.0, 900.0, 4000.0)):
        ts = make.T + 100 * i
        records += [
            make.observe(ts, 50000 + i),
            make.connect(ts - 77, 50000 + i, n=1),
            make.connect(ts - 77 - noise, 50000 + i, n=2),
        ]
    for s in joined(records):
        assert (s.disposition, s.process.guid) == ("matched", make.guid(1))
        assert (s.clock.offset, s.clock.confidence) == (77.0, "low")


def test_the_opener_is_named_when_the_sensor_has_the_direction_reversed(make, joined):
    flipped = make.observe(orig_h=make.SERVER, orig_p=443, resp_h=make.CLIENT, resp_p=50000)
    (s,) = joined([flipped, make.connect()])
    assert (s.disposition, s.flipped, s.host) == ("matched", True, make.HOST)


def test_who_accepted_a_connection_is_never_its_opener(make, joined):
    accepted = make.connect(
        host="web.corp.example",
        local_ip=make.SERVER,
        local_port=443,
        remote_ip=make.CLIENT,
        remote_port=50000,
        initiated=False,
    )
    (s,) = joined([make.observe(), accepted])
    assert (s.disposition, s.process) == ("host_unseen", None)


def test_when_both_ends_report_the_client_is_the_opener(make, joined):
    accepted = make.connect(
        host="web.corp.example",
        local_ip=make.SERVER,
        local_port=443,
        remote_ip=make.CLIENT,
        remote_port=50000,
        initiated=False,
        n=7,
    )
    (s,) = joined([make.observe(), accepted, make.connect()])
    assert (s.disposition, s.host, s.flipped) == ("matched", make.HOST, False)


def test_a_record_that_does_not_say_who_opened_counts_where_its_side_is_the_originator(make, joined):
    (s,) = joined([make.observe(), make.connect(initiated=None)])
    assert s.disposition == "matched"
    (s,) = joined(
        [make.observe(orig_h=make.SERVER, orig_p=443, resp_h=make.CLIENT, resp_p=50000), make.connect(initiated=None)]
    )
    assert s.disposition != "matched"


def test_an_address_behind_nat_is_no_hosts(make, joined):
    (s,) = joined([make.observe(orig_h="198.51.100.7"), make.connect()])
    assert (s.disposition, s.host) == ("host_unseen", None)


def test_udp_and_tcp_on_the_same_ports_are_two_connections(make, joined):
    (s,) = joined([make.observe(proto="udp"), make.connect(n=1), make.connect(proto="udp", n=2)])
    assert s.process.guid == make.guid(2)


def test_an_address_that_moved_belongs_to_who_claims_it_around_the_time(make, joined):
    other = "pc2.corp.example"
    records = [make.connect(make.T + 600 * i, 40000 + i) for i in range(4)]
    records += [make.connect(make.T + 86400 + 600 * i, 41000 + i, host=other, n=2) for i in range(4)]
    # both clocks are learned
    records += [make.observe(r.ts, r.local_port) for r in records]
    records += [make.observe(make.T + 700, 60001), make.observe(make.T + 86400 + 700, 60002)]
    by_port = {s.observation.orig_p: s for s in joined(records)}
    assert (by_port[60001].disposition, by_port[60001].host) == ("no_network_event", make.HOST)
    assert (by_port[60002].disposition, by_port[60002].host) == ("no_network_event", other)
    assert by_port[40000].host == make.HOST
    assert by_port[41000].host == other


def test_a_session_long_before_a_hosts_records_begin_is_unseen(make, joined):
    known = [r for i in range(3) for r in (make.observe(make.T + i, 40000 + i), make.connect(make.T + i, 40000 + i))]
    sessions = joined([*known, make.observe(make.T - 90000, 60000)])
    assert sessions[0].disposition == "host_unseen"


def test_a_lone_claim_inside_another_hosts_run_is_not_believed(make, joined):
    records = [make.connect(make.T + 60 * i, 40000 + i) for i in range(6)]
    records += [make.observe(r.ts, r.local_port) for r in records]
    liar = make.connect(make.T + 150, 50000, host="evil.corp.example", guid=make.guid(1, "bbbb0001"), n=3)
    (s,) = (s for s in joined([*records, liar, make.observe(make.T + 150, 50000)]) if s.observation.orig_p == 50000)
    assert (s.disposition, s.host, s.process) == ("no_network_event", make.HOST, None)
    assert "evil.corp.example" in s.note


def test_hosts_that_contend_for_an_address_make_its_sessions_ambiguous(make, joined):
    records = [make.connect(make.T + 60 * i, 40000 + i) for i in range(6)]
    records += [
        make.connect(make.T + 30 + 60 * i, 41000 + i, host="evil.corp.example", guid=make.guid(1, "bbbb0001"), n=3)
        for i in range(5)
    ]
    records += [make.observe(r.ts, r.local_port) for r in records]
    (s,) = (s for s in joined(records) if s.observation.orig_p == 41002)
    assert s.disposition == "ambiguous"
    assert make.HOST in s.note


def test_cloned_images_share_a_machine_part_and_stay_two_hosts(make, joined):
    one = [make.observe(), make.connect(), make.start()]
    two = [
        make.observe(orig_h="10.0.0.2", uid="C2"),
        make.connect(host="pc2.corp.example", local_ip="10.0.0.2", n=2),
        make.start(host="pc2.corp.example", n=2),
    ]
    hosts = {s.observation.orig_h: s.host for s in joined(one + two)}
    assert hosts == {"10.0.0.1": "pc1.corp.example", "10.0.0.2": "pc2.corp.example"}


def test_events_under_short_name_and_fqdn_describe_one_process(make, joined):
    (s,) = joined([make.observe(), make.connect(host="pc1"), make.start(), make.load(host="pc1")])
    assert s.host == make.HOST
    assert s.process.command_line == "app1.exe -x"
    assert len(s.process.libraries) == 1


def test_a_security_record_with_a_pid_alone_joins_the_sysmon_process(make, joined):
    wfp = make.connect(guid=None, clock="security:5156", image=r"\device\harddiskvolume3\apps\app1.exe")
    (s,) = joined([make.observe(), wfp, make.start(), make.load()])
    assert (s.disposition, s.process.guid) == ("matched", make.guid(1))
    assert s.process.libraries


def test_a_security_record_and_a_sysmon_record_of_one_connection_are_one_process(make, joined):
    wfp = make.connect(guid=None, clock="security:5156", image=r"\device\harddiskvolume3\apps\app1.exe")
    (s,) = joined([make.observe(), wfp, make.connect()])
    assert (s.disposition, s.process.guid) == ("matched", make.guid(1))


def test_a_pid_with_another_program_is_another_process(make, joined):
    wfp = make.connect(guid=None, clock="security:5156", image=r"\device\harddiskvolume3\apps\other.exe")
    (s,) = joined([make.observe(), wfp, make.start()])
    assert (s.disposition, s.process.guid, s.process.image) == (
        "matched",
        None,
        r"\device\harddiskvolume3\apps\other.exe",
    )
    assert s.process.command_line is None


def test_a_reused_pid_without_guids_is_the_latest_start_before_the_event(make, joined):
    starts = [
        make.start(make.T - 500, guid=None, clock="security:4688", command_line="first", pid=1004),
        make.start(make.T - 50, guid=None, clock="security:4688", command_line="second", pid=1004),
        make.start(make.T + 50, guid=None, clock="security:4688", command_line="third", pid=1004),
    ]
    (s,) = joined([make.observe(), make.connect(guid=None, clock="security:5156"), *starts])
    assert (s.disposition, s.process.command_line) == ("matched", "second")


def test_a_reused_pid_across_clocks_that_cannot_be_compared_is_ambiguous(make, joined):
    lives = [make.start(make.T - 500, n=1), make.start(make.T - 50, n=1, guid=make.guid(2, start=make.T - 50))]
    (s,) = joined([make.observe(), make.connect(guid=None, clock="security:5156"), *lives])
    assert s.disposition == "ambiguous"
    assert {c.guid for c in s.candidates} == {make.guid(1), make.guid(2, start=make.T - 50)}


def test_a_process_that_started_before_the_log_has_its_start_from_the_guid(make, joined):
    (s,) = joined([make.observe(), make.connect()])
    assert (s.process.start, s.process.start_source, s.process.command_line) == (make.T - 100, None, None)


def test_a_connection_that_a_known_host_does_not_report_is_joined_by_library_time(make, joined):
    known = [r for i in range(3) for r in (make.observe(make.T + i, 40000 + i), make.connect(make.T + i, 40000 + i))]
    loads = [make.load(make.T + 900.4, n=2), make.load(make.T + 2000, n=3)]
    sessions = joined([*known, make.observe(make.T + 900, 50000), *loads, make.start(n=2)])
    (s,) = (s for s in sessions if s.observation.orig_p == 50000)
    assert (s.disposition, s.method, s.process.guid) == ("no_network_event", "library_time", make.guid(2))
    assert s.process.command_line == "app2.exe -x"
    assert s.note


def test_several_processes_that_load_libraries_at_the_time_are_candidates(make, joined):
    known = [make.connect(make.T, 40000), make.observe(make.T, 40000)]
    sessions = joined(
        [*known, make.observe(make.T + 90, 50000), make.load(make.T + 90, n=2), make.load(make.T + 91, n=3)]
    )
    s = sessions[-1]
    assert (s.disposition, s.process) == ("no_network_event", None)
    assert [c.guid for c in s.candidates] == [make.guid(2), make.guid(3)]


def test_a_context_library_alone_joins_nothing(make, joined):
    known = [make.connect(make.T, 40000), make.observe(make.T, 40000)]
    sessions = joined([*known, make.observe(make.T + 90, 50000), make.load(make.T + 90, n=2, name="crypt32.dll")])
    assert sessions[-1].process is None


def test_a_connection_that_a_known_host_does_not_report_is_joined_by_bind(make, joined):
    known = [make.connect(make.T, 40000), make.observe(make.T, 40000)]
    bind = make.connect(
        make.T + 89,
        50000,
        n=2,
        clock="security:5158",
        guid=None,
        local_ip=None,
        remote_ip=None,
        remote_port=None,
        initiated=None,
    )
    s = joined([*known, make.observe(make.T + 90, 50000), bind, make.start(n=2)])[-1]
    assert (s.disposition, s.method, s.process.guid) == ("no_network_event", "bind", make.guid(2))
    assert s.connect_source == bind.source


def test_a_host_without_network_events_is_said_to_have_no_known_address(make, joined):
    (s,) = joined([make.observe(), make.start(), make.load()])
    assert s.disposition == "host_unseen"
    assert "addresses are unknown" in s.note


def test_a_resumed_session_inherits_from_the_latest_full_handshake_before_it(make, joined):
    facts = {"cert_visible": True, "server_name": "a.example", "cert_issuer": "CN=CA"}
    records = [
        make.observe(make.T, 50000, **facts, cert_chain_fps=("aa",), cert_subject="CN=old", uid="Cold"),
        make.observe(make.T + 10, 61000, **facts, cert_chain_fps=("bb",), cert_subject="CN=new", uid="Cnew"),
        make.observe(make.T + 30, 50002, **facts, cert_chain_fps=("cc",), cert_subject="CN=later", uid="Clater"),
        make.observe(make.T + 20, 50001, server_name="a.example", resumed=True, cert_visible=False, uid="Cres"),
        make.observe(make.T + 21, 50003, server_name="b.example", resumed=True, cert_visible=False, uid="Cother"),
    ]
    by_uid = {s.observation.uid: s.observation for s in joined(records)}
    assert by_uid["Cres"].cert_inherited_from == "Cnew"
    assert (by_uid["Cres"].cert_subject, by_uid["Cres"].cert_chain_fps) == ("CN=new", ("bb",))
    assert by_uid["Cres"].cert_visible is False
    assert by_uid["Cother"].cert_inherited_from is None


def test_plain_log_observations_are_completed_from_certificate_and_connection_records(make, joined):
    o = make.observe(sensor="ssl.log", cert_chain_fps=("ab" * 32,), cert_visible=True, uid="CX")
    facts = CertificateRecord(fingerprint="ab" * 32, cert_subject="CN=s", san_dns=("s.example",))
    conn = ConnectionRecord(uid="CX", ts=make.T, proto="udp", community_id="1:abc=")
    (s,) = joined([o, facts, conn, make.connect(proto="udp")])
    assert (s.observation.cert_subject, s.observation.san_dns) == ("CN=s", ("s.example",))
    assert (s.observation.proto, s.observation.community_id) == ("udp", "1:abc=")
    assert s.disposition == "matched"


def test_one_connection_seen_by_two_sensors_is_one_session(make, joined):
    plain = make.observe(make.T + 0.4, sensor="ssl.log", source="ssl.log:8", uid="CZ")
    rich = make.observe(version="TLSv12", cipher="X", ja4="t13")
    (s,) = joined([plain, rich, rich, make.connect()])
    assert s.observation == rich


def test_the_signer_is_that_of_the_processs_own_image_only(make, joined):
    own = ModuleLoad(
        host=make.HOST, ts=make.T, clock="sysmon:7", guid=make.guid(1), pid=1004, image=r"C:\Apps\app1.exe",
        image_loaded=r"c:\apps\APP1.exe", signed=True, signature="Example Ltd", signature_status="Valid",
    )  # fmt: skip
    library = make.load(signed=True, signature="Microsoft Windows")
    (s,) = joined([make.observe(), make.connect(), library])
    assert s.process.signer is None
    (s,) = joined([make.observe(), make.connect(), library, own])
    assert (s.process.signer, s.process.signed, s.process.signature_status) == ("Example Ltd", True, "Valid")
    assert [lib.name for lib in s.process.libraries] == ["schannel.dll"]


def test_an_injection_is_told_with_the_victim(make, joined):
    tamper = ProcessTamper(
        host=make.HOST,
        ts=make.T - 5,
        clock="sysmon:8",
        guid=make.guid(1),
        pid=1004,
        technique="remote_thread",
        actor_image="evil.exe",
    )
    (s,) = joined([make.observe(), make.connect(), tamper])
    assert [(t.technique, t.actor_image) for t in s.process.tampers] == [("remote_thread", "evil.exe")]
    assert s.coverage.process_tamper


def test_hosts_are_reported_with_names_coverage_and_clocks(make, server):
    with Store.open(server.url) as store:
        store.put([make.observe(), make.connect(make.T - 9, host="pc1"), make.start()])
        (report,) = Join(store).hosts()
    assert (report.host, report.names) == (make.HOST, ("pc1", make.HOST))
    assert report.clocks["sysmon:3"].offset == 9.0
    assert report.coverage.process_start and not report.coverage.module_load


def test_a_window_longer_than_the_retention_is_refused(server):
    with (
        Store.open(server.url, StoreSettings(retention_days=0.01)) as store,
        pytest.raises(ConfigError, match="owner_reach"),
    ):
        Join(store, JoinSettings())


def test_records_that_a_flood_pushed_out_are_counted_and_the_latest_still_name_the_process(make):
    with Store.open() as store:
        store.put([make.observe()])
        store.put([make.connect(ts=make.T - i) for i in range(300)])
        join = Join(store)
        (session,) = join.sessions()
    assert session.disposition == "matched"
    assert join.counters["records_unheard"] == 300 - 256


def test_junk_of_others_under_our_keys_is_passed_over(make):
    with Store.open() as store:
        store.put([make.connect(port=1), make.load(make.T + 0.4), make.start(), make.observe()])
        junk = "\0".join(("not a time", "host", "guid", "not a pid", "image", "source")).encode()
        key = store.keys.loads("pc1.corp.example", 0)
        list(store.read([("ZADD", key, int(make.T * 1e6), junk), ("ZADD", key, int(make.T * 1e6), b"\xff\xfe")]))
        (session,) = Join(store).sessions()
    assert (session.disposition, session.method) == ("no_network_event", "library_time")
