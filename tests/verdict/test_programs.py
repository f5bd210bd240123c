import pytest

from enricher.errors import ConfigError
from enricher.verdict import parse_programs
from enricher.verdict.binaries import RUNS_FOREIGN_CODE
from enricher.verdict.case import case as prepare
from enricher.verdict.programs import match

CHROME = r"Program Files\Google\Chrome\Application\chrome.exe"


def entry(**changes):
    facts = {
        "name": "Acme",
        "paths": [r"C:\Program Files\Acme\acme.exe"],
        "signers": ["Acme Ltd"],
        "original_file_name": "acme.exe",
        "reason": "talks to its cloud",
    }
    return {"program": [{**facts, **changes}]}


MATCHES = {
    "all facts": (lambda m: m.chrome(), "full"),
    "8.3 folder": (lambda m: m.chrome(image=r"C:\PROGRA~1\Google\Chrome\APPLIC~1\chrome.exe"), "full"),
    "device path": (lambda m: m.chrome(image=rf"\Device\HarddiskVolume4\{CHROME}"), "full"),
    "signer unseen": (lambda m: m.chrome(signer=None), "partly"),
    "original name unseen": (lambda m: m.chrome(original_file_name=None), "partly"),
    "original name unreadable": (lambda m: m.chrome(original_file_name="?"), "partly"),
    "no original name in the file": (lambda m: m.chrome(original_file_name="-"), "contradicted"),
    "other signer": (lambda m: m.chrome(signer="Evil Ltd"), "contradicted"),
    "not signed": (lambda m: m.chrome(signed=False), "contradicted"),
    "revoked": (lambda m: m.chrome(signature_status="Revoked"), "contradicted"),
    "other folder": (lambda m: m.chrome(image=r"C:\Temp\chrome.exe"), "none"),
    "bare name": (lambda m: m.chrome(image="chrome.exe"), "none"),
    "thread put in": (lambda m: m.chrome(tampers=(m.tamper(),)), "tampered"),
    "thread by a tool": (
        lambda m: m.chrome(tampers=(m.tamper(actor_image=r"C:\Windows\System32\csrss.exe"),)),
        "full",
    ),
    "image tampered by a tool": (
        lambda m: m.chrome(tampers=(m.tamper("image_tampering", actor_image=r"C:\Windows\System32\csrss.exe"),)),
        "tampered",
    ),
    "partly, and thread put in": (lambda m: m.chrome(signer=None, tampers=(m.tamper(),)), "tampered"),
    "listed service": (lambda m: m.svchost("BITS"), "full"),
    "other service": (lambda m: m.svchost("Schedule"), "none"),
    "group only": (lambda m: m.svchost(command_line="svchost.exe -k netsvcs"), "partly"),
    "group of the service alone": (lambda m: m.svchost(command_line="svchost.exe -k wuauserv"), "full"),
    "no command line": (lambda m: m.svchost(command_line=None), "partly"),
    "no process": (lambda m: None, "none"),
    "no image": (lambda m: m.process(None), "none"),
}


@pytest.mark.parametrize("case", MATCHES)
def test_a_program_is_known_by_all_its_facts_together(case, make, settings):
    build, state = MATCHES[case]
    assert prepare(make.session(build(make)), settings).known.state == state


def test_of_several_entries_the_best_counts(make):
    other_signer, other_folder = entry(signers=["Other"]), entry(paths=[r"D:\Acme\acme.exe"])
    unseen = make.process(original_file_name=None)
    assert match(unseen, parse_programs(other_signer, entry())).state == "partly"
    assert match(unseen, parse_programs(other_folder, other_signer)).state == "contradicted"


def test_the_facts_that_were_not_seen_are_named(make, judge):
    found = judge(make.session(make.svchost(command_line=None, signer=None)))
    assert any("signer and service was not seen" in gap for gap in found.unseen)
    assert found.legs.process == "unavailable"


@pytest.mark.parametrize("name", sorted(RUNS_FOREIGN_CODE))
def test_a_program_that_runs_foreign_code_is_refused(name):
    with pytest.raises(ConfigError, match="runs whatever code it is given"):
        parse_programs(entry(paths=[rf"C:\Windows\System32\{name}.exe"]))
    with pytest.raises(ConfigError, match="runs whatever code it is given"):
        parse_programs(entry(original_file_name=f"{name.upper()}.EXE.MUI"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"paths": ["acme.exe"]}, "not a whole path"),
        ({"paths": [r"C:\Program Files\Acme\*.exe"]}, "not a whole path"),
        ({"paths": []}, "paths"),
        ({"signers": []}, "signers"),
        ({"signers": [""]}, "signers"),
        ({"original_file_name": ""}, "original_file_name"),
        ({"original_file_name": "svchost.exe"}, "names none"),
        ({"reason": ""}, "reason"),
        ({"signer": "x"}, "signer"),
    ],
)
def test_an_entry_that_lacks_a_fact_is_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        parse_programs(entry(**changes))


@pytest.mark.parametrize("file", [{"tools": []}, {"tool": [{"paths": ["C:\\a.exe"], "reason": "x", "signer": "y"}]}])
def test_a_word_that_the_list_does_not_know_is_refused(file):
    with pytest.raises(ConfigError, match=r"tools|signer"):
        parse_programs(file)


def test_a_user_adds_to_the_list(packaged):
    ours, both = parse_programs(packaged[1]), parse_programs(packaged[1], entry(name="A"))
    assert both.by_name.keys() - ours.by_name.keys() == {"acme.exe"}
    assert len(both.tools) == len(ours.tools)


def test_text_that_is_no_toml_is_refused():
    with pytest.raises(ConfigError, match="not TOML"):
        parse_programs(b"[[")
