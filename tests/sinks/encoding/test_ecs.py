"""ECS documents held to the names and types that Elastic publishes, and the index template to them."""

import csv
import ipaddress
import json
from collections.abc import Iterator
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.sinks import bulk
from enricher.sinks.encoding import ENCODINGS, Origin

ORIGIN = Origin("sensor-1", "1.2.3")

# Fields that we use, of `generated/csv/fields.csv` in github.com/elastic/ecs (9.4.0): name, type, normalization.
with (Path(__file__).parent / "ecs_fields.csv").open() as file:
    FIELDS = {row["field"]: row for row in csv.DictReader(file)}

TEMPLATE = json.loads(resources.files("enricher.sinks").joinpath("templates/ecs.json").read_bytes())
TYPES: dict[str, Any] = {
    "keyword": str, "constant_keyword": str, "wildcard": str, "match_only_text": str, "long": int, "float": float,
    "ip": ipaddress.ip_address, "date": datetime.fromisoformat, "boolean": bool,
}  # fmt: skip


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every dotted name with its value; lists stay whole."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}" if path else key)
    else:
        yield path, value


def document(notice: Any) -> dict[str, Any]:
    return json.loads(ENCODINGS["ecs"].encode(notice, ORIGIN))


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_every_field_is_ecs_or_ours_and_has_its_type(notices: Any, data: Any) -> None:
    found = document(data.draw(notices))
    for name, value in leaves({key: value for key, value in found.items() if key != "an1496"}):
        field = FIELDS[name]
        assert isinstance(value, list) == (field["normalization"] == "array"), name
        for item in value if isinstance(value, list) else [value]:
            assert isinstance(item, str | int | float)
            TYPES[field["type"]](item)
            if TYPES[field["type"]] in (str, int, float, bool):
                assert type(item) is TYPES[field["type"]], name


def test_no_field_of_the_list_is_unused(whole: Any) -> None:
    assert {name for name, _ in leaves(document(whole)) if not name.startswith("an1496.")} == FIELDS.keys()


def test_the_template_maps_every_field_as_ecs_types_it(whole: Any) -> None:
    kinds = {"wildcard": "keyword", "match_only_text": "text"}
    for name, field in FIELDS.items():
        wanted = kinds.get(field["type"], field["type"])
        assert _mapped(name) == wanted, name


def _mapped(name: str) -> str:
    """The type that the template gives a field: its own, else what the rule for strings says."""
    mapping = TEMPLATE["template"]["mappings"]
    rule = mapping["dynamic_templates"][0]["strings"]["mapping"]["type"]
    for part in name.split("."):
        mapping = mapping.get("properties", {}).get(part, {})
    return mapping.get("type", rule)


def test_what_ecs_has_no_name_for_is_under_our_own(whole: Any) -> None:
    own = document(whole)["an1496"]
    assert (own["revision"], own["disposition"], own["legs"]["session"]) == (2, ["late"], "unavailable")
    assert own["unseen"] == list(whole.unseen)
    assert own["evidence"][1] == {"id": "known_program", "leg": "process", "weight": -20, "text": "It is known."}
    assert (own["sessions"][0]["uid"], own["sessions"][0]["community_id"]) == ("C1", "1:abc=")
    assert own["clock"] == {"offset": -3.25, "confidence": "high", "samples": 9}


def test_the_version_that_is_named_is_that_of_the_list(whole: Any) -> None:
    assert document(whole)["ecs"]["version"] == "9.4.0"


def test_versions_of_tls_are_written_as_ecs_writes_them(whole: Any) -> None:
    tls = document(whole)["tls"]
    assert (tls["version_protocol"], tls["version"]) == ("tls", "1.2")


def test_a_template_for_an_index_and_one_for_a_data_stream() -> None:
    packaged = json.dumps(TEMPLATE).encode()
    index = json.loads(bulk.template(packaged, bulk.Target("an1496-notices")))
    stream = json.loads(bulk.template(packaged, bulk.Target("logs-an1496.notice-default", data_stream=True)))
    assert (index["index_patterns"], "data_stream" in index) == (["an1496-notices*"], False)
    assert (stream["index_patterns"], stream["data_stream"]) == (["logs-an1496.notice-default"], {})
    assert index["template"] == stream["template"] == TEMPLATE["template"]
