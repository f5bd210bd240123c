import pytest

from enricher.errors import ConfigError
from enricher.verdict import parse_weights
from enricher.verdict.catalogue import RULES


def test_every_evidence_has_a_weight_and_a_written_reason(settings):
    weights = settings.weights.evidence
    assert weights.keys() == RULES.keys()
    assert all(len(weight.reason.split()) >= 3 for weight in weights.values())


def test_a_user_changes_single_values(packaged):
    user = b"[evidence.unsigned]\npoints = 3\n[severity]\nhigh = 90\n"
    ours, changed = parse_weights(packaged[0]), parse_weights(packaged[0], user)
    assert (changed.evidence["unsigned"].points, changed.severity.high) == (3, 90)
    assert changed.evidence["unsigned"].reason == "set in the configuration"
    assert changed.evidence["renamed"] == ours.evidence["renamed"]
    assert changed.severity.low == ours.severity.low


def test_a_user_may_give_a_table_and_his_own_reason(packaged):
    user = {"evidence": {"unsigned": {"points": 1, "reason": "we sign nothing"}}}
    assert parse_weights(packaged[0], user).evidence["unsigned"].reason == "we sign nothing"


WRONG = {
    "no evidence is called 'unsinged'": b"[evidence.unsinged]\npoints = 1\n",
    "weight of 'unsigned'": b"[evidence.unsigned]\npoints = 101\n",
    "weight of 'renamed'": b"[evidence.renamed]\npoints = 'many'\n",
    "weight of 'masquerade'": b"[evidence.masquerade]\npoint = 5\n",
    "weights: .*evidence": b"evidence = 3\n",
    "must rise": b"[severity]\nlow = 65\n",
    "no leg alone": b"[leg_cap]\nsession = 50\n",
    "leg_cap": b"[leg_cap]\nnetwork = 4\n",
    "not TOML": b"[[[\n",
    "not TOML: ": b"\xff\xfe",
}


@pytest.mark.parametrize("message", WRONG)
def test_a_wrong_value_is_refused_and_named(message, packaged):
    with pytest.raises(ConfigError, match=message):
        parse_weights(packaged[0], WRONG[message])


def test_an_evidence_without_weight_is_refused(packaged):
    head, _, rest = packaged[0].partition(b"[evidence.unsigned]")
    without = head + rest[rest.index(b"[evidence.") :]
    with pytest.raises(ConfigError, match="'unsigned' has none"):
        parse_weights(without)
