"""Each evidence: one session that shows it, one that does not, one that leaves it unknown."""

import pytest

from enricher.errors import RegistryError
from enricher.model.anomaly import ANOMALIES
from enricher.model.session import Clock, Parent
from enricher.verdict.catalogue import RULES, collect
from enricher.verdict.evidence import library, timing

LATE = -7200.0


def signed_by(signer, name="chrome.exe"):
    return {"signer": signer, "original_file_name": name}


# id: (shows it, does not, unknown)
CASES = {
    "not_known_program": (lambda m: m.process(), lambda m: m.chrome(), lambda m: m.process(None)),
    "known_program": (lambda m: m.chrome(), lambda m: m.process(), lambda m: m.chrome(signer=None)),
    "known_program_partly": (lambda m: m.chrome(signer=None), lambda m: m.chrome(), lambda m: m.process(None)),
    "known_program_contradicted": (
        lambda m: m.chrome(**signed_by("Evil Ltd")),
        lambda m: m.chrome(),
        lambda m: m.chrome(signer=None),
    ),
    "unsigned": (lambda m: m.process(signed=False), lambda m: m.process(), lambda m: m.process(signed=None)),
    "invalid_signature": (
        lambda m: m.process(signature_status="Revoked"),
        lambda m: m.process(signature_status="Valid"),
        lambda m: m.process(signature_status="Unavailable"),
    ),
    "drop_folder": (
        lambda m: m.process(r"C:\Users\bob\AppData\Local\Temp\7z01\a.exe"),
        lambda m: m.process(r"C:\Users\bob\AppData\Local\Programs\a.exe"),
        lambda m: m.process("a.exe"),
    ),
    "user_writable_path": (
        lambda m: m.process(r"C:\ProgramData\a.exe"),
        lambda m: m.process(r"C:\Program Files\a.exe"),
        lambda m: m.process("a.exe"),
    ),
    "runs_foreign_code": (
        lambda m: m.process(r"C:\Temp\a.exe", original_file_name="PowerShell.EXE"),
        lambda m: m.process(),
        lambda m: m.process(original_file_name=None),
    ),
    "unusual_parent": (
        lambda m: m.process(parent=Parent(image=r"C:\Program Files\Microsoft Office\root\Office16\WINWORD.EXE")),
        lambda m: m.process(parent=Parent(image=r"C:\Windows\explorer.exe")),
        lambda m: m.process(parent=None),
    ),
    "renamed": (
        lambda m: m.process(original_file_name="nc.exe"),
        lambda m: m.process(original_file_name="ACME.EXE.MUI"),
        lambda m: m.process(original_file_name="-"),
    ),
    "masquerade": (
        lambda m: m.process(r"C:\Users\bob\svchost.exe"),
        lambda m: m.process(r"C:\Windows\System32\svchost.exe"),
        lambda m: m.process("svchost.exe"),
    ),
    "process_started": (
        lambda m: m.process(start_source=None),
        lambda m: m.process(start=None),
        lambda m: None,
    ),
    "attributed": (lambda m: m.process(), lambda m: None, lambda m: None),
    "remote_thread": (
        lambda m: m.process(tampers=(m.tamper(),)),
        lambda m: m.process(tampers=(m.tamper(at=600.0),)),
        lambda m: m.process(),
    ),
    "image_tampering": (
        lambda m: m.process(tampers=(m.tamper("image_tampering"),)),
        lambda m: m.process(tampers=(m.tamper("image_tampering", at=600.0),)),
        lambda m: m.process(),
    ),
    "remote_thread_by_tool": (
        lambda m: m.process(tampers=(m.tamper(actor_image=r"C:\Windows\System32\VBoxTray.exe"),)),
        lambda m: m.process(tampers=(m.tamper(actor_image=r"C:\Users\bob\VBoxTray.exe"),)),
        lambda m: m.process(tampers=(m.tamper(actor_image=None),)),
    ),
    "tls_stack": (
        lambda m: m.process(libraries=(m.library("schannel.dll"),)),
        lambda m: m.process(libraries=(m.library("schannel.dll", at=600.0),)),
        lambda m: m.process(),
    ),
    "tls_provider": (
        lambda m: m.process(libraries=(m.library("mskeyprotect.dll", LATE),)),
        lambda m: m.process(libraries=(m.library("schannel.dll"),)),
        lambda m: m.process(),
    ),
    "foreign_stack": (
        lambda m: m.process(libraries=(m.library(r"C:\Program Files\Acme\libssl-3-x64.dll"),)),
        lambda m: m.process(libraries=(m.library(r"C:\Windows\System32\libcrypto.dll"),)),
        lambda m: m.process(),
    ),
    "rsaenh": (
        lambda m: m.process(libraries=(m.library("rsaenh.dll"),)),
        lambda m: m.process(libraries=(m.library("bcrypt.dll"),)),
        lambda m: m.process(),
    ),
    "crypto_context": (
        lambda m: m.process(libraries=(m.library("bcrypt.dll"),)),
        lambda m: m.process(libraries=(m.library("rsaenh.dll"),)),
        lambda m: m.process(),
    ),
    "misplaced_library": (
        lambda m: m.process(libraries=(m.library(r"C:\Program Files\Acme\schannel.dll"),)),
        lambda m: m.process(libraries=(m.library("schannel.dll"),)),
        lambda m: m.process(),
    ),
    "unsigned_library": (
        lambda m: m.process(libraries=(m.library("schannel.dll", signed=False),)),
        lambda m: m.process(libraries=(m.library("schannel.dll", signed=True),)),
        lambda m: m.process(libraries=(m.library("schannel.dll", signed=None),)),
    ),
    "load_at_session": (
        lambda m: m.process(libraries=(m.library("schannel.dll", -9.0),)),
        lambda m: m.process(libraries=(m.library("schannel.dll", -11.0),)),
        lambda m: m.process(libraries=(m.library("crypt32.dll"),)),
    ),
    "context_at_session": (
        lambda m: m.process(libraries=(m.library("crypt32.dll", 9.0),)),
        lambda m: m.process(libraries=(m.library("crypt32.dll", LATE),)),
        lambda m: m.process(libraries=(m.library("crypt32.dll"), m.library("schannel.dll"))),
    ),
    "late_load": (
        lambda m: m.process(start=m.t0 - 3600, libraries=(m.library("schannel.dll"),)),
        lambda m: m.process(start=m.t0 - 3500, libraries=(m.library("schannel.dll"),)),
        lambda m: m.process(start=None, libraries=(m.library("schannel.dll"),)),
    ),
}


@pytest.mark.parametrize("evidence", CASES)
def test_an_evidence_is_found_where_it_is_and_nowhere_else(evidence, make, ids):
    shown, other, unknown = (build(make) for build in CASES[evidence])
    assert evidence in ids(make.session(shown))
    assert evidence not in ids(make.session(other))
    assert evidence not in ids(make.session(unknown))


@pytest.mark.parametrize("anomaly", ANOMALIES)
def test_every_anomaly_is_an_evidence_of_the_session_leg(anomaly, make, judge):
    def found(anomalies, facts=None):
        session = make.session(observation=make.observation(anomalies=anomalies, anomaly_facts=facts))
        return [evidence for evidence in judge(session).evidence if evidence.id == anomaly]

    (evidence,) = found(("a_new_one", anomaly), ("?", "the fact"))
    assert (evidence.leg, evidence.source, evidence.offset) == ("session", "a.pcap:7", 0.0)
    assert evidence.text.endswith(": the fact.")
    assert not found(())
    assert not found(None)


def test_facts_that_do_not_pair_with_anomalies_are_left_out(make, judge):
    seen = make.observation(anomalies=("no_sni", "self_signed"), anomaly_facts=("one",))
    assert not [e for e in judge(make.session(observation=seen)).evidence if "one" in e.text]


@pytest.mark.parametrize(("own", "odd"), [("self_signed", "unusual_port"), ("self_issued", "no_sni")])
def test_a_home_made_certificate_and_an_odd_handshake_are_more_than_their_sum(own, odd, make, ids):
    both = ids(make.session(observation=make.observation(anomalies=(odd, own))))
    assert both & {"self_made_on_unusual_port", "self_made_without_name"}
    alone = ids(make.session(observation=make.observation(anomalies=(odd,))))
    assert not alone & {"self_made_on_unusual_port", "self_made_without_name"}


def test_every_evidence_has_a_case_here():
    pairs = {"self_made_on_unusual_port", "self_made_without_name"}
    assert RULES.keys() == CASES.keys() | ANOMALIES.keys() | pairs


def test_timing_speaks_only_where_the_clock_of_library_loads_is_known(make, ids):
    session = make.session(
        make.process(libraries=(make.library("schannel.dll"),)),
        module_clock=Clock(offset=None, confidence="none"),
    )
    assert "tls_stack" in ids(session)
    assert "load_at_session" not in ids(session)


def test_timing_uses_the_offset_of_the_module_clock(make, ids):
    process = make.process(libraries=(make.library("schannel.dll", at=25_200.0),), start=None)
    shifted = Clock(offset=-25_200.0, confidence="high", samples=4)
    assert "load_at_session" in ids(make.session(process, module_clock=shifted))
    assert "load_at_session" not in ids(make.session(process))


def test_an_injection_without_a_known_clock_still_counts_and_says_so(make, judge):
    session = make.session(make.process(tampers=(make.tamper(at=99_999.0),)), module_clock=None)
    (found,) = [e for e in judge(session).evidence if e.id == "remote_thread"]
    assert "cannot be compared" in found.text
    assert found.offset is None


def test_a_browser_may_start_its_own_helpers(make, ids):
    folder = r"C:\Program Files\Google\Chrome\Application"
    helper = make.process(rf"{folder}\120.0\helper.exe", parent=Parent(image=rf"{folder}\chrome.exe"))
    assert "unusual_parent" not in ids(make.session(helper))


def test_a_known_program_in_a_profile_is_not_blamed_for_its_folder(make, ids):
    path = r"C:\Users\bob\AppData\Local\Microsoft\OneDrive\OneDrive.exe"
    assert "user_writable_path" not in ids(make.session(make.process(path, signer="Microsoft Corporation")))
    assert "user_writable_path" in ids(make.session(make.process(path, signer="Somebody")))


def test_a_net_program_may_carry_the_name_of_its_library(make, ids):
    assert "renamed" not in ids(make.session(make.process(original_file_name="Acme.dll")))
    renamed = make.process(r"C:\Program Files\Acme\acme.exe", original_file_name="pwsh.dll")
    assert {"renamed", "runs_foreign_code"} <= ids(make.session(renamed))


def test_windows_own_files_may_have_other_names_than_their_resources(make, ids):
    process = make.process(r"C:\Windows\System32\systeminfo.exe", original_file_name="sysinfo.exe")
    assert "renamed" not in ids(make.session(process))


@pytest.mark.parametrize("method", ["tuple", "bind", "library_time"])
def test_the_join_is_told_with_its_record(method, make, judge):
    (found,) = [e for e in judge(make.session(method=method)).evidence if e.id == "attributed"]
    assert (found.weight, found.source) == (0, "e.json:2")


def test_a_family_without_rules_or_with_a_doubled_id_is_a_fault(monkeypatch):
    with pytest.raises(RegistryError, match="twice"):
        collect((library, library))
    monkeypatch.setattr(timing, "RULES", ())
    with pytest.raises(RegistryError, match="no RULES"):
        collect((timing,))
