"""What Sysmon's and Security's events mean: sides of a connection, victims, what is left out."""

import json

import pytest


@pytest.fixture
def give(read, shapes, events):
    """The result of one event with some values changed, as flat JSON."""

    def give(product, event_id, **changes):
        return read("flat_json", shapes["flat"][1](product, event_id, events[product, event_id] | changes))

    return give


def test_an_accepted_connection_is_local_at_its_destination(give):
    (event,) = give("sysmon", 3, Initiated="false").out
    assert (event.local_ip, event.local_port, event.remote_ip, event.remote_port) == (
        "198.51.100.9",
        8443,
        "192.0.2.7",
        49678,
    )
    assert (event.initiated, event.remote_name) == (False, None)


def test_a_connection_of_unknown_direction_is_local_at_its_source(give):
    (event,) = give("sysmon", 3, Initiated="-").out
    assert (event.local_port, event.initiated) == (49678, None)


def test_an_unknown_process_has_no_image_and_no_guid(give):
    (event,) = give(
        "sysmon", 3, Image="<unknown process>", ProcessGuid="{00000000-0000-0000-0000-000000000000}", User="-"
    ).out
    assert (event.guid, event.image, event.user, event.pid) == (None, None, None, 6948)


def test_other_protocols_and_ports_that_are_none_are_counted(give):
    assert give("sysmon", 3, Protocol="icmp").skipped == {"sysmon 3: neither TCP nor UDP": 1}
    assert give("sysmon", 3, SourcePort="99999").skipped == {"sysmon 3: no local port": 1}
    assert give("security", 5156, Protocol="58").skipped == {"security 5156: neither TCP nor UDP": 1}


def test_a_process_event_that_names_no_process_is_counted(give):
    for event_id in (1, 5, 25):
        result = give("sysmon", event_id, ProcessGuid="-", ProcessId="-")
        assert result.skipped == {f"sysmon {event_id}: names no process": 1}


def test_a_remote_thread_tells_where_it_starts(give):
    (event,) = give("sysmon", 8, StartModule=r"C:\x.dll", StartFunction="Run").out
    assert event.detail == r"C:\x.dll!Run"


@pytest.mark.parametrize("old", [True, False])
def test_an_accepted_connection_in_the_security_log_is_local_at_the_service_port(give, old):
    client, service = ("203.0.113.5", "51000"), ("192.0.2.7", "443")
    source, dest = (service, client) if old else (client, service)
    (event,) = give(
        "security",
        5156,
        Direction="%%14592",
        SourceAddress=source[0],
        SourcePort=source[1],
        DestAddress=dest[0],
        DestPort=dest[1],
    ).out
    assert (event.local_ip, event.local_port, event.remote_ip, event.remote_port) == (
        "192.0.2.7",
        443,
        "203.0.113.5",
        51000,
    )
    assert event.initiated is False


def test_an_accepted_connection_between_equal_ports_has_no_known_local_side(give):
    result = give("security", 5156, Direction="%%14592", SourcePort="5353", DestPort="5353")
    assert result.skipped == {"security 5156: local side unknown": 1}


def test_a_created_process_runs_as_its_creator_where_no_target_is_named(give):
    (event,) = give("security", 4688, TargetUserName="-", TargetDomainName="-").out
    assert event.user == "CORP\\WS7$"


def test_without_utc_time_the_logs_own_time_stands_in(give):
    (event,) = give("sysmon", 5, UtcTime="-").out
    assert event.ts == event.logged == 1772359202.5


@pytest.fixture
def module_ecs(events):
    """Event 1 as the Sysmon modules of Winlogbeat and Elastic Agent leave it: values moved to ECS fields."""
    data = events["sysmon", 1]
    return {
        "@timestamp": "2026-03-01T10:00:00.250Z",
        "agent": {"hostname": "collector"},
        "host": {"hostname": "collector"},
        "event": {"code": "1", "provider": "Microsoft-Windows-Sysmon", "created": "2026-03-01T10:00:02.500Z"},
        "process": {
            "entity_id": data["ProcessGuid"],
            "pid": 6948,
            "executable": data["Image"],
            "command_line": data["CommandLine"],
            "hash": {"md5": "ad8536c7440638d40156e883ac25086e"},
            "pe": {"original_file_name": "loader.exe", "imphash": "3a3de7172d7a4e00c1867dd2f13ad959"},
            "parent": {"pid": 3660, "executable": data["ParentImage"], "entity_id": data["ParentProcessGuid"]},
        },
        "user": {"domain": "CORP", "name": "ann"},
        "winlog": {"computer_name": "WS7.corp.example", "event_id": 1, "event_data": {"IntegrityLevel": "Medium"}},
    }


def test_values_that_a_shipper_moved_to_ecs_fields_are_found(read, module_ecs, shapes, events):
    (moved,) = read("ecs", json.dumps(module_ecs).encode()).out
    (plain,) = read("flat_json", shapes["flat"][1]("sysmon", 1, events["sysmon", 1])).out
    same = ("host", "ts", "clock", "logged", "guid", "pid", "image", "user", "command_line", "parent_guid")
    same += ("parent_pid", "parent_image", "original_file_name", "integrity_level")
    assert {n: getattr(moved, n) for n in same} == {n: getattr(plain, n) for n in same}
    assert moved.hashes == {
        "md5": "ad8536c7440638d40156e883ac25086e",
        "imphash": "3a3de7172d7a4e00c1867dd2f13ad959",
    }


def test_moved_connections_and_libraries_are_found(read, module_ecs):
    connection = module_ecs | {
        "event": {"code": "3", "provider": "Microsoft-Windows-Sysmon"},
        "network": {"transport": "tcp", "direction": "egress"},
        "source": {"ip": "192.0.2.7", "port": 49678},
        "destination": {"ip": "198.51.100.9", "port": 443, "domain": "c2.example"},
        "winlog": {"computer_name": "ws7", "event_id": "3"},
    }
    load = module_ecs | {
        "event": {"code": "7", "provider": "Microsoft-Windows-Sysmon"},
        "file": {
            "path": r"C:\Windows\System32\schannel.dll",
            "code_signature": {"subject_name": "Microsoft Windows", "status": "Valid", "signed": True},
            "hash": {"sha256": "ab" * 32},
        },
        "winlog": {"computer_name": "ws7", "event_id": "7"},
    }
    first, second = read("ecs", b"\n".join(json.dumps(d).encode() for d in (connection, load))).out
    assert (first.local_ip, first.remote_port, first.initiated, first.remote_name) == (
        "192.0.2.7",
        443,
        True,
        "c2.example",
    )
    assert (second.image_loaded, second.signed, second.signature, second.hashes) == (
        r"C:\Windows\System32\schannel.dll",
        True,
        "Microsoft Windows",
        {"sha256": "ab" * 32},
    )
