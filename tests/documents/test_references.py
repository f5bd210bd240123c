"""Documents that are written from the code are as the code is."""

import functools
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import msgspec
import pytest

from enricher.config import Config

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


def test_what_is_tuned_can_be_set() -> None:
    keys = set(re.findall(r"`\[*((?:sensor|verdict)\.[\w.]+)\]*`", generator("anomalies_reference").document()))
    unknown = [key for key in keys if functools.reduce(_below, key.split("."), Config()) is None]
    assert len(keys) > 10
    assert unknown == []


def _below(settings: object, name: str) -> object:
    """What is called so in settings: a value, or True for entries that the user makes; None: nothing."""
    if not isinstance(settings, msgspec.Struct):
        return settings
    found = {info.name: info for info in msgspec.structs.fields(settings)}.get(name)
    return None if found is None else getattr(settings, found.name, None) or True


def test_an_evidence_without_words_on_false_positives_is_refused(tmp_path: Path) -> None:
    anomalies = generator("anomalies_reference")
    entries = anomalies.WRITTEN.read_text("utf-8")
    anomalies.WRITTEN = tmp_path / "anomalies.toml"
    anomalies.WRITTEN.write_text(entries.replace("[no_sni]", "[no_such_evidence]"), "utf-8")
    with pytest.raises(KeyError, match="no_sni, no_such_evidence"):
        anomalies.document()
