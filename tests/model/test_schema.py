import json
from pathlib import Path

import pytest

from enricher.config import Config
from enricher.model.schema import OUTPUTS, schema

TYPES = {**OUTPUTS, "config": Config}
SCHEMAS = Path(__file__).resolve().parents[2] / "docs" / "schemas"


@pytest.mark.parametrize("name", sorted(TYPES))
def test_the_published_schema_is_the_one_of_the_types(name: str) -> None:
    published = json.loads((SCHEMAS / f"{name}.json").read_text())
    assert published == schema(name, TYPES[name]), f"run: an1496 schema {name} > docs/schemas/{name}.json"


def test_a_fields_docstring_is_its_description_under_the_name_it_is_written() -> None:
    described = schema("observation", TYPES["observation"])["$defs"]["Observation"]["properties"]
    assert described["certificate.key_length"]["description"] == "Bits."


def test_a_parts_docstring_is_found_at_any_depth() -> None:
    described = schema("notice", TYPES["notice"])["$defs"]
    assert "negative speaks for innocence" in described["Evidence"]["properties"]["weight"]["description"]
