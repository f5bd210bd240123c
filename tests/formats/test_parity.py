"""The same event gives the same record, whatever the shape of the log."""

import msgspec

from enricher import formats
from enricher.model.endpoint import ModuleLoad, NetworkConnect, ProcessEnd, ProcessStart, ProcessTamper

COMMON = {"host": "ws7.corp.example", "logged": 1772359202.5, "source": "log:1"}
GUID = "ec2b781c-0568-64f8-9606-000000000500"
PARENT = "ec2b781c-47a5-64f7-7400-000000000500"
IMAGE = r"C:\Users\ann\AppData\Local\Temp\updater.exe"
DEVICE = r"\device\harddiskvolume2\users\ann\appdata\local\temp\updater.exe"
PROCESS = {"guid": GUID, "pid": 6948, "image": IMAGE, "user": r"CORP\ann"}
SHA256 = "73d84d249f16b943d1d3f9dd9e516fadd323e70939c29b4a640693eb8818ee9a"
T = 1772359200.0

EXPECTED = {
    ("sysmon", 1): ProcessStart(
        **COMMON,
        **PROCESS,
        ts=T + 0.25,
        clock="sysmon:1",
        command_line='"C:\\Users\\ann\\AppData\\Local\\Temp\\updater.exe" --to "a&b" <x>',
        parent_guid=PARENT,
        parent_pid=3660,
        parent_image=r"C:\Windows\explorer.exe",
        parent_command_line=r"C:\Windows\Explorer.EXE",
        hashes={"md5": "ad8536c7440638d40156e883ac25086e", "sha256": SHA256},
        original_file_name="loader.exe",
        integrity_level="Medium",
    ),
    ("sysmon", 3): NetworkConnect(
        **COMMON,
        **PROCESS,
        ts=T + 1,
        clock="sysmon:3",
        proto="tcp",
        local_ip="192.0.2.7",
        local_port=49678,
        remote_ip="198.51.100.9",
        remote_port=8443,
        initiated=True,
        remote_name="c2.example",
    ),
    ("sysmon", 5): ProcessEnd(**COMMON, **PROCESS, ts=T + 540, clock="sysmon:5"),
    ("sysmon", 7): ModuleLoad(
        **COMMON,
        **PROCESS,
        ts=T + 1.12,
        clock="sysmon:7",
        image_loaded=r"C:\Windows\System32\schannel.dll",
        signed=True,
        signature="Microsoft Windows",
        signature_status="Valid",
        hashes={"sha256": SHA256},
        original_file_name="schannel.dll",
        company="Microsoft Corporation",
    ),
    ("sysmon", 8): ProcessTamper(
        **COMMON,
        ts=T + 300,
        clock="sysmon:8",
        guid=PARENT,
        pid=3660,
        image=r"C:\Windows\explorer.exe",
        user=r"CORP\ann",
        technique="remote_thread",
        actor_guid=GUID,
        actor_pid=6948,
        actor_image=IMAGE,
        detail="0x0000029AF0630000",
    ),
    ("sysmon", 25): ProcessTamper(
        **COMMON, **PROCESS, ts=T + 360, clock="sysmon:25", technique="image_tampering", detail="Image is replaced"
    ),
    ("security", 4688): ProcessStart(
        **COMMON,
        ts=T + 2.5,
        clock="security:4688",
        pid=6948,
        image=IMAGE,
        user=r"CORP\ann",
        command_line="updater.exe --quiet",
        parent_pid=3660,
        parent_image=r"C:\Windows\explorer.exe",
        integrity_level="Medium",
    ),
    ("security", 5156): NetworkConnect(
        **COMMON,
        ts=T + 2.5,
        clock="security:5156",
        pid=6948,
        image=DEVICE,
        proto="tcp",
        local_ip="192.0.2.7",
        local_port=49678,
        remote_ip="198.51.100.9",
        remote_port=8443,
        initiated=True,
    ),
    ("security", 5158): NetworkConnect(
        **COMMON, ts=T + 2.5, clock="security:5158", pid=6948, image=DEVICE, proto="tcp", local_port=49678
    ),
}


def test_every_shape_gives_the_record_that_the_event_means(kind, shape_name, shapes, events, read):
    format_id, shape = shapes[shape_name]
    result = read(format_id, shape(*kind, events[kind]))
    assert result.out == [EXPECTED[kind]]
    assert not result.problems


def test_every_shape_is_recognised_by_its_content(kind, shape_name, shapes, events):
    format_id, shape = shapes[shape_name]
    assert formats.recognise(shape(*kind, events[kind])) == format_id


def test_every_record_can_be_written_and_read_back(kind):
    record = EXPECTED[kind]
    assert msgspec.json.decode(msgspec.json.encode(record), type=type(record)) == record


def test_no_shape_gives_anything_for_another_providers_event(shape_name, shapes, events, read):
    format_id, shape = shapes[shape_name]
    result = read(format_id, shape("another", 1, events["sysmon", 1]))
    assert result.out == []
    assert result.skipped == {"event 1: not needed": 1}


def test_no_shape_gives_module_loads_that_tell_nothing_of_tls(shape_name, shapes, events, read):
    format_id, shape = shapes[shape_name]
    data = events["sysmon", 7] | {"ImageLoaded": r"C:\Windows\System32\policymanager.dll"}
    result = read(format_id, shape("sysmon", 7, data))
    assert result.out == []
    assert result.skipped == {"sysmon 7: no TLS library": 1}


def test_every_shape_gives_the_load_of_a_process_own_image(shape_name, shapes, events, read):
    format_id, shape = shapes[shape_name]
    data = events["sysmon", 7] | {"Image": r"C:\tmp\Odd.scr", "ImageLoaded": r"C:\tmp\odd.scr"}
    assert [e.image_loaded for e in read(format_id, shape("sysmon", 7, data)).out] == [r"C:\tmp\odd.scr"]


def test_every_shape_leaves_out_events_that_are_not_needed(shape_name, shapes, events, read):
    format_id, shape = shapes[shape_name]
    result = read(format_id, shape("sysmon", 10, {"CallTrace": r"C:\Windows\System32\schannel.dll+1"}))
    assert result.out == []
    assert result.skipped == {"event 10: not needed": 1}


def test_an_event_without_computer_is_no_record(events, read, shapes):
    _, flat = shapes["flat"]
    data = flat("sysmon", 5, events["sysmon", 5]).replace(b'"Hostname"', b'"Collector"')
    assert read("flat_json", data).skipped == {"sysmon 5: no computer name": 1}
