"""Writes fields.md from the types of what we write and their docstrings: python docs/fields_reference.py."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from enricher.model.schema import OUTPUTS, schema

TARGET: Final = Path(__file__).resolve().parent / "fields.md"
FILES: Final = {
    "notice": "notices.jsonl, and the `json` format of every sink",
    "session": "sessions.jsonl, the ledger",
    "observation": "observations.jsonl, and `an1496 sense`",
    "endpoint": "`an1496 endpoint`",
}
"""Name of an output to where its lines stand."""
_TAG: Final = "What the line is about."
"""Meaning of `kind`, which is no field of a type, but its name."""
_HEAD: Final = """# Fields

Every field of everything that AN1496 writes as JSON. Written by `docs/fields_reference.py` from the types and their
docstrings; what the results mean as a whole is told in [output.md](output.md). Times are seconds since 1970 UTC. What
was not seen (None) is null, or left out of observations and endpoint events; it never means no, zero or innocent.
"""

Schema = dict[str, Any]


def document() -> str:
    """The whole file."""
    return _HEAD + "".join(_output(name) for name in FILES)


def _output(name: str) -> str:
    whole = schema(name, OUTPUTS[name])
    heading = f"\n## {name.capitalize()}: {FILES[name]}\n\nSchema: [{name}.json](schemas/{name}.json).\n"
    return heading + "".join(_record(title, record) for title, record in whole["$defs"].items())


def _record(title: str, record: Schema) -> str:
    rows = "".join(f"| {' | '.join(row)} |\n" for row in _rows(record))
    about = " ".join(record["description"].split())
    return f"\n### {title}\n\n{about}\n\n| field | type | meaning |\n| --- | --- | --- |\n{rows}"


def _rows(record: Schema) -> Iterator[tuple[str, str, str]]:
    for name, field in record["properties"].items():
        yield f"`{name}`", kind(field), (_TAG if name == "kind" else field.get("description", "")).replace("|", "\\|")


def kind(field: Schema) -> str:
    """A JSON Schema's type in words."""
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    if "anyOf" in field:
        return " or ".join(kind(choice) for choice in field["anyOf"])
    if "enum" in field:
        return " or ".join("null" if value is None else f"`{value}`" for value in field["enum"])
    if field["type"] == "array":
        return f"list of {kind(field['items'])}"
    if field["type"] == "object":
        return f"object of {kind(field['additionalProperties'])}"
    return str(field["type"])


if __name__ == "__main__":
    TARGET.write_text(document(), "utf-8")
