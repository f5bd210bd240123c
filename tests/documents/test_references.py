"""Documents that are written from the code are as the code is."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


def generator(name: str) -> ModuleType:
    """A script of docs/, loaded."""
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["fields_reference", "anomalies_reference"])
def test_a_generated_document_is_as_the_code_is(name: str) -> None:
    written = generator(name)
    assert written.TARGET.read_text("utf-8") == written.document(), f"run: python docs/{name}.py"


def test_every_field_has_a_meaning() -> None:
    rows = [line.split(" | ") for line in generator("fields_reference").document().splitlines() if line[:3] == "| `"]
    assert [name for name, _, meaning in rows if meaning.strip("| ") == ""] == []
    assert len(rows) > 100


def test_an_evidence_without_words_on_false_positives_is_refused(tmp_path: Path) -> None:
    anomalies = generator("anomalies_reference")
    entries = anomalies.WRITTEN.read_text("utf-8")
    anomalies.WRITTEN = tmp_path / "anomalies.toml"
    anomalies.WRITTEN.write_text(entries.replace("[no_sni]", "[no_such_evidence]"), "utf-8")
    with pytest.raises(KeyError, match="no_sni, no_such_evidence"):
        anomalies.document()
