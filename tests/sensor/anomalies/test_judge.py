from types import ModuleType
from typing import get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from enricher.errors import RegistryError
from enricher.model.anomaly import ANOMALIES
from enricher.model.observation import Observation, Prevalence
from enricher.sensor.anomalies import RULES, judge, rules
from enricher.sensor.lists import Lists
from enricher.sensor.thresholds import Thresholds

FIELDS = {name: st.from_type(hint) for name, hint in get_type_hints(Observation).items()}
BARE = Observation(ts=1748736000.0, uid="C", orig_h="10.0.0.1", orig_p=49152, resp_h="203.0.113.1", resp_p=443)


def module(**found):
    made = ModuleType("made")
    made.RULES = found
    return made


def test_every_id_has_one_rule():
    assert RULES.keys() == ANOMALIES.keys()


@pytest.mark.parametrize(
    ("modules", "complaint"),
    [
        ([module(**dict(list(RULES.items())[1:]))], "no rule for"),
        ([module(**RULES), module(odd=lambda _: None)], "no such id for odd"),
        ([module(**RULES), module(expired=lambda _: None)], "'expired' is defined twice"),
    ],
)
def test_a_missing_unknown_or_doubled_rule_is_refused(modules, complaint):
    with pytest.raises(RegistryError, match=complaint):
        rules(modules)


def test_nothing_known_is_nothing_abnormal():
    judged = judge(BARE, Thresholds(), Lists(), None)
    assert (judged.anomalies, judged.anomaly_facts) == ((), ())


def test_anomalies_are_sorted_and_each_has_its_fact():
    judged = judge(replace(BARE, version="TLSv10", resp_p=6666, handshake_error="x"), Thresholds(), Lists(), None)
    assert judged.anomalies == ("legacy_version", "malformed_handshake", "unusual_port")
    assert judged.anomaly_facts == ("TLSv10", "x", "port 6666/tcp")


def test_judging_twice_changes_nothing():
    once = judge(replace(BARE, version="TLSv10"), Thresholds(), Lists(), None)
    assert judge(once, Thresholds(), Lists(), None) == once


def test_another_sensors_verdict_is_kept_and_only_our_own_knowledge_is_added():
    observation = replace(
        BARE, version="TLSv10", ja3="0" * 32, anomalies=("no_sni", "odd"), anomaly_facts=("said Zeek",)
    )
    judged = judge(observation, Thresholds(), Lists(fingerprints={"0" * 32: "a stealer"}), None)
    assert judged.anomalies == ("known_bad_fingerprint", "no_sni", "odd")
    assert judged.anomaly_facts == (f"ja3 {'0' * 32}: a stealer", "said Zeek", "")


def test_a_fact_is_short_and_has_no_control_characters():
    error = "\x1b[31m\u202e\u2028" + "x" * 1000
    judged = judge(replace(BARE, handshake_error=error), Thresholds(), Lists(), None)
    assert judged.anomaly_facts is not None
    assert len(judged.anomaly_facts[0]) == 200
    assert not set("\x1b\u202e\u2028") & set(judged.anomaly_facts[0])


def test_the_thresholds_decide():
    observation = replace(BARE, resp_p=6666)
    assert judge(observation, Thresholds(usual_ports=frozenset({6666})), Lists(), None).anomalies == ()


@settings(max_examples=300, deadline=None)
@given(st.builds(Observation, **FIELDS), st.none() | st.builds(Prevalence))
def test_any_observation_is_judged(observation, prevalence):
    judged = judge(observation, Thresholds(), Lists(), prevalence)
    assert judged.anomalies is not None
    assert judged.anomaly_facts is not None
    assert len(judged.anomalies) == len(judged.anomaly_facts)
    assert list(judged.anomalies) == sorted(judged.anomalies)
