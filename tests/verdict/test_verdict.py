import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from enricher import verdict
from enricher.model.anomaly import ANOMALIES
from enricher.model.session import Candidate, Clock, Coverage
from enricher.model.verdict import SEVERITIES, Legs


def test_an_unsigned_download_that_loads_schannel_at_a_session_with_a_self_issued_server_is_high(make, judge):
    found = judge(make.session(make.payload(), make.c2()))
    assert (found.severity, found.legs) == ("high", Legs(process="present", library="present", session="present"))


def test_the_same_is_high_when_the_clock_of_library_loads_is_not_known(make, judge):
    found = judge(make.session(make.payload(), make.c2(), module_clock=None))
    assert found.severity == "high"
    assert "load_at_session" not in {e.id for e in found.evidence}
    assert any("clock of library loads" in gap for gap in found.unseen)


def test_chrome_at_an_intranet_site_under_a_private_authority_deserves_no_notice(make, judge):
    process = make.chrome(libraries=(make.library("schannel.dll"), make.library("ncryptsslp.dll")))
    found = judge(make.session(process, make.observation(anomalies=("untrusted_issuer",), validation_code=20)))
    assert found.legs == Legs(process="absent", library="present", session="present")
    assert found.severity == "informational"


def test_a_known_service_with_an_injected_thread_and_a_late_stack_is_high(make, judge):
    process = make.svchost(
        start=make.t0 - 90_000,
        libraries=(make.library("schannel.dll"), make.library("ncryptsslp.dll")),
        tampers=(make.tamper(),),
    )
    found = judge(make.session(process, make.observation(anomalies=("self_signed",), validation_code=18)))
    assert found.severity == "high"
    assert {"remote_thread", "late_load"} <= {e.id for e in found.evidence}


def test_powershell_is_never_innocent_by_its_identity(make, judge):
    process = make.process(r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe", signer="Microsoft Windows")
    assert judge(make.session(process)).legs.process == "present"


def test_an_abnormal_session_alone_deserves_no_notice(make, judge):
    odd = ("default_subject", "expired", "leaf_is_ca", "no_sni", "self_signed", "unusual_port", "weak_key")
    found = judge(make.session(None, make.observation(anomalies=odd), disposition="host_unseen", host=None))
    assert found.legs == Legs(process="unavailable", library="unavailable", session="present")
    assert found.severity == "informational"


def test_an_unlisted_program_with_windows_tls_to_a_proper_server_deserves_no_notice(make, judge):
    process = make.process(libraries=(make.library("schannel.dll"), make.library("ncryptsslp.dll")))
    found = judge(make.session(process))
    assert (found.severity, found.legs.session) == ("informational", "absent")


def _strong(make, **changes):
    """Every leg strong: high but for what the test takes away."""
    return make.session(make.payload(), make.c2(anomalies=("no_sni", "self_signed", "unusual_port")), **changes)


CAPS = {
    "several candidates": (
        lambda m: m.session(
            None, m.c2(), disposition="ambiguous", candidates=suspects(m.payload(), m.payload(guid="b"))
        ),
        "medium",
        "More than one process could have opened the session",
    ),
    "bind": (lambda m: _strong(m, method="bind"), "medium", "by the client's port alone"),
    "library time": (lambda m: _strong(m, method="library_time"), "medium", "by the time of a library load alone"),
    "no library reports": (
        lambda m: m.session(m.payload(libraries=()), m.c2(), coverage=Coverage(network_connect=True)),
        "medium",
        "libraries of the process could not be seen",
    ),
    "watched, no library": (
        lambda m: m.session(m.payload(libraries=()), m.c2()),
        "medium",
        "loaded no library of the list",
    ),
    "certificate hidden": (
        lambda m: m.session(m.payload(), m.observation(version="TLSv13", cert_visible=False, validation_code=None)),
        "low",
        "Whether handshake and certificate are abnormal could not be seen",
    ),
    "nothing abnormal": (
        lambda m: m.session(m.payload(), m.observation()),
        "informational",
        "Handshake and certificate were seen and are not abnormal",
    ),
    "known program": (
        lambda m: m.session(m.chrome(libraries=m.payload().libraries), m.c2()),
        "medium",
        "The process is known to do TLS",
    ),
    "perhaps a known program": (
        lambda m: m.session(m.chrome(signer=None, signed=None, signature_status=None), m.c2()),
        "medium",
        "Whether the process is one that does TLS could not be seen",
    ),
    "no process": (lambda m: m.session(None, m.c2()), "low", "No process could be named"),
    "known bad server of a known program": (
        lambda m: m.session(m.chrome(), m.c2(anomalies=("known_bad_certificate", "self_signed"))),
        "medium",
        "Only one leg is present beside the decisive evidence",
    ),
    "no process, known bad": (
        lambda m: m.session(None, m.c2(anomalies=("known_bad_certificate", "self_signed"))),
        "medium",
        "No process could be named",
    ),
}


@pytest.mark.parametrize("case", CAPS)
def test_every_cap_holds_the_severity_and_leaves_a_sentence(case, make, judge):
    build, most, sentence = CAPS[case]
    found = judge(build(make))
    assert SEVERITIES.index(found.severity) <= SEVERITIES.index(most)
    (said,) = [gap for gap in found.unseen if sentence in gap]
    assert said.endswith(f"severity at most {most}.")


def test_a_session_of_which_nothing_abnormal_could_be_seen_counts_one_severity_less(make, judge):
    hidden = make.observation(version="TLSv13", cert_visible=False, validation_code=None)
    tool = make.process(signed=False, libraries=make.payload().libraries)
    assert judge(make.session(tool, hidden)).severity == "informational"
    assert judge(make.session(make.payload(), hidden)).severity == "low"


def test_nothing_caps_three_legs_and_a_certain_join(make, judge):
    found = judge(_strong(make))
    assert found.severity == "high"
    assert not [gap for gap in found.unseen if "severity at most" in gap]


def test_two_legs_and_an_injection_may_be_high_without_a_seen_certificate(make, judge):
    hidden = make.observation(version="TLSv13", cert_visible=False, validation_code=None)
    found = judge(make.session(make.payload(tampers=(make.tamper("image_tampering"),)), hidden))
    assert (found.severity, found.legs.session) == ("high", "unavailable")


def test_an_injected_service_that_had_its_tls_stack_already_is_high_by_two_legs(make, judge):
    odd = make.observation(anomalies=("no_sni", "self_signed", "unusual_port"), validation_code=18)
    found = judge(make.session(make.svchost(start_source=None, tampers=(make.tamper(),)), odd))
    assert (found.severity, found.legs) == ("high", Legs(process="present", library="unavailable", session="present"))


def test_an_injection_before_a_session_that_is_seen_to_be_normal_is_not_high(make, judge):
    found = judge(make.session(make.payload(tampers=(make.tamper(),)), make.observation()))
    assert (found.severity, found.legs.session) == ("medium", "absent")


def test_a_known_bad_certificate_and_a_named_process_are_high_without_library_events(make, judge):
    bad = make.c2(anomalies=("known_bad_certificate", "self_signed"))
    found = judge(make.session(make.payload(libraries=()), bad, coverage=Coverage(network_connect=True)))
    assert (found.severity, found.legs.library) == ("high", "unavailable")


def test_a_known_bad_certificate_without_a_process_is_medium(make, judge):
    found = judge(make.session(None, make.c2(anomalies=("known_bad_certificate",)), disposition="no_network_event"))
    assert found.severity == "medium"


def test_ten_anomalies_do_not_outvote_a_missing_leg(make, judge, settings):
    few = judge(make.session(make.process(), make.observation(anomalies=("self_signed", "unusual_port", "no_sni"))))
    many = judge(
        make.session(
            make.process(),
            make.observation(
                anomalies=("default_subject", "expired", "no_sni", "self_signed", "unusual_port", "weak_key")
            ),
        )
    )
    assert many.score - few.score <= settings.weights.leg_cap.session
    assert many.score <= settings.weights.leg_cap.session + settings.weights.leg_cap.process


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"anomalies": ("self_signed",)}, "present"),
        ({"anomalies": ("no_sni",)}, "absent"),
        ({"anomalies": ()}, "absent"),
        ({"anomalies": None}, "unavailable"),
        ({"cert_visible": False}, "unavailable"),
        ({"cert_visible": None}, "unavailable"),
        ({"validation_code": None}, "unavailable"),
        ({"client_hello_seen": None}, "unavailable"),
        ({"cert_visible": False, "anomalies": ("known_bad_fingerprint",)}, "present"),
    ],
)
def test_the_session_leg_is_absent_only_when_all_was_seen(changes, state, make, judge):
    assert judge(make.session(observation=make.observation(**changes))).legs.session == state


def test_one_crypto_library_that_most_programs_load_makes_the_library_leg_present_but_weighs_little(make, judge):
    found = judge(make.session(make.process(libraries=(make.library("crypt32.dll", -3000.0),))))
    assert found.legs.library == "present"
    assert sum(e.weight for e in found.evidence if e.leg == "library") == 1


def test_a_library_that_came_long_after_the_session_says_nothing_about_it(make, judge):
    found = judge(make.session(make.process(libraries=(make.library("schannel.dll", 4000.0),))))
    assert found.legs.library == "absent"
    assert not [e for e in found.evidence if e.leg == "library"]


def test_a_process_without_creation_record_may_have_loaded_its_libraries_unseen(make, judge):
    found = judge(make.session(make.process(start_source=None)))
    assert found.legs.library == "unavailable"
    assert any("Go, rustls, BoringSSL" in gap for gap in found.unseen)


UNSEEN = {
    "No endpoint log covers 10.0.0.5.": {"process": None, "host": None, "disposition": "host_unseen"},
    "reports no library loads": {"coverage": Coverage(network_connect=True)},
    "reports no network events": {"coverage": Coverage(module_load=True)},
    "reported no network event for this": {"process": None, "disposition": "no_network_event"},
    "reported no injection at all": {"coverage": Coverage(network_connect=True)},
    "clock of network events": {"clock": None},
    "clock of network events on": {"clock": Clock(offset=None, confidence="none")},
}


@pytest.mark.parametrize("sentence", UNSEEN)
def test_what_the_endpoint_does_not_tell_is_named(sentence, make, judge):
    assert any(sentence in gap for gap in judge(make.session(**UNSEEN[sentence])).unseen)


def test_where_all_was_seen_nothing_is_said_to_be_unseen(make, judge):
    assert judge(make.session(make.payload(), make.observation(anomalies=("self_signed",)))).unseen == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"process": None, "clock": None},
        {"clock": None, "coverage": Coverage(module_load=True)},
        {"module_clock": None},
    ],
    ids=["no process", "no network events", "no libraries"],
)
def test_a_clock_that_nothing_is_compared_by_is_not_missed(changes, make, judge):
    assert not [gap for gap in judge(make.session(**changes)).unseen if "clock" in gap]


@pytest.mark.parametrize("changes", [{"signed": None}, {"signer": None}])
def test_half_of_what_is_known_of_a_signature_is_not_nothing(changes, make, judge):
    assert not [gap for gap in judge(make.session(make.process(**changes))).unseen if "signer of the program" in gap]


def test_a_program_that_is_known_for_certain_or_contradicts_is_not_said_to_be_perhaps_one(make, judge):
    for chrome in (make.chrome(), make.chrome(signer="Evil Ltd")):
        assert not [gap for gap in judge(make.session(chrome)).unseen if "may be" in gap]


def test_names_of_hosts_are_shown_escaped_and_cut_in_what_was_not_seen(make, judge):
    hostile = "a\x1b[2J\u202e" + "b" * 200
    unseen = judge(make.session(host=hostile, coverage=Coverage(network_connect=True))).unseen
    assert all(gap.isprintable() and len(gap) < 200 for gap in unseen)
    assert any(r"a\x1b[2J\u202ebbb" in gap for gap in unseen)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"client_hello_seen": None}, "The ClientHello was not seen"),
        ({"cert_visible": False, "version": "TLSv13"}, "TLS 1.3 encrypts"),
        ({"cert_visible": False, "resumed": True}, "The session was resumed"),
        ({"cert_visible": False}, "The server sent no certificate"),
        ({"cert_visible": None}, "certificate was not seen"),
        ({"validation_code": None}, "chain was not validated"),
        ({"anomalies": None}, "not checked for anomalies"),
    ],
)
def test_what_the_network_does_not_show_is_named(changes, sentence, make, judge):
    found = judge(make.session(observation=make.observation(**changes)))
    assert any(sentence in gap for gap in found.unseen)


def test_a_resumed_session_with_an_inherited_certificate_hides_nothing(make, judge):
    seen = make.observation(cert_visible=False, resumed=True, cert_inherited_from="C0")
    assert not any("resumed" in gap for gap in judge(make.session(observation=seen)).unseen)


def test_a_process_without_a_creation_record_and_signer_is_said_to_lack_them(make, judge):
    process = make.process(start_source=None, signed=None, signer=None, signature_status=None)
    unseen = " ".join(judge(make.session(process)).unseen)
    assert "creation was seen" in unseen
    assert "signer of the program was not seen" in unseen


@hypothesis_settings(max_examples=60, deadline=None)
@given(fewer=st.sets(st.sampled_from(sorted(ANOMALIES))), more=st.sets(st.sampled_from(sorted(ANOMALIES))))
def test_one_more_anomaly_never_makes_a_session_look_better(fewer, more, make, judge):
    def severity(anomalies):
        found = judge(make.session(make.payload(), make.observation(anomalies=tuple(sorted(anomalies)))))
        return SEVERITIES.index(found.severity), found.score

    assert all(less <= all_ for less, all_ in zip(severity(fewer), severity(fewer | more), strict=True))


def test_the_score_stays_between_0_and_100(make, judge):
    assert judge(make.session(make.chrome())).score == 0
    worst = make.payload(tampers=(make.tamper(), make.tamper("image_tampering")))
    assert judge(make.session(worst, make.c2(anomalies=("known_bad_certificate", "self_signed")))).score == 100


def suspects(*processes):
    return tuple(
        Candidate(host="ws1", guid=p.guid, pid=p.pid, image=p.image, method="tuple", delta=None, process=p)
        for p in processes
    )


def test_what_holds_for_every_candidate_counts_and_is_held_at_medium(make, judge):
    pair = suspects(make.payload(), make.payload(guid="b", image=r"C:\Temp\b.exe"))
    found = judge(make.session(None, make.c2(), disposition="ambiguous", candidates=pair))
    assert (found.severity, found.legs) == ("medium", Legs(process="present", library="present", session="present"))
    (unsigned,) = [evidence for evidence in found.evidence if evidence.id == "unsigned"]
    assert unsigned.text == "update7.exe is not signed. b.exe is not signed."


def test_what_does_not_hold_for_one_candidate_does_not_count(make, judge):
    pair = suspects(make.payload(), make.chrome())
    found = judge(make.session(None, make.c2(), disposition="ambiguous", candidates=pair))
    assert not [evidence for evidence in found.evidence if evidence.leg != "session" and evidence.weight]
    assert (found.legs.process, found.legs.library) == ("unavailable", "unavailable")


def test_candidates_of_which_only_the_image_is_known_are_judged_by_it(make, judge):
    pair = tuple(
        msgspec.structs.replace(each, process=None) for each in suspects(make.payload(), make.payload(guid="b"))
    )
    found = judge(make.session(None, make.c2(), disposition="ambiguous", candidates=pair))
    assert found.legs.process == "present"
    assert {"drop_folder", "not_known_program"} <= {evidence.id for evidence in found.evidence}


@pytest.mark.parametrize(("number", "told"), [(1, False), (2, True), (16, True), (17, False)])
def test_of_very_many_candidates_and_of_a_lone_one_nothing_is_said(number, told, make, judge):
    crowd = suspects(*(make.payload(guid=str(n)) for n in range(number)))
    found = judge(make.session(None, make.c2(), disposition="ambiguous", candidates=crowd))
    assert found.legs.process == ("present" if told else "unavailable")


def test_the_record_that_proves_what_holds_for_all_is_the_first_candidates(make, judge):
    pair = suspects(*(make.payload(guid=source, start_source=source) for source in ("e.json:7", "e.json:8")))
    found = judge(make.session(None, make.c2(), disposition="ambiguous", candidates=pair))
    assert [evidence.source for evidence in found.evidence if evidence.id == "unsigned"] == ["e.json:7"]


def test_a_session_whose_process_is_known_is_judged_by_it_whoever_else_was_thought_of(make, judge):
    payload = make.payload()
    thought_of = make.session(payload, make.c2(), candidates=suspects(payload, make.chrome()))
    assert judge(thought_of) == judge(make.session(payload, make.c2()))


def test_the_points_of_the_evidence_are_the_score(make, judge):
    found = judge(make.session(observation=make.c2(anomalies=("unusual_port",))))
    assert {evidence.leg for evidence in found.evidence if evidence.weight} == {"process", "session"}
    assert found.score == sum(evidence.weight for evidence in found.evidence)


def test_a_weight_set_to_zero_takes_an_evidence_out_of_the_score(make, packaged, settings):
    session = make.session(make.payload(), make.c2())
    weights = verdict.parse_weights(packaged[0], {"evidence": {"self_issued": {"points": 0}}})
    lighter = verdict.judge(session, msgspec.structs.replace(settings, weights=weights))
    assert lighter.score < verdict.judge(session, settings).score
