"""What the documents show works."""

import re
from pathlib import Path

import pytest

from enricher.config import Config
from enricher.model.anomaly import ANOMALIES
from enricher.verdict import parse_programs, parse_weights

ROOT = Path(__file__).resolve().parents[1]
BLOCKS = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "configuration.md").read_text(), re.DOTALL)
WEIGHTS = (ROOT / "enricher" / "verdict" / "weights.toml").read_bytes()
DOCUMENTS = sorted(p for p in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("pcaps/*.md")))


@pytest.mark.parametrize("block", BLOCKS)
def test_every_example_of_a_configuration_is_accepted(block: str) -> None:
    config = Config.parse(block.encode(), "docs/configuration.md")
    assert config != Config()
    parse_weights(WEIGHTS, config.verdict.weights)
    parse_programs(config.verdict.programs)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: p.name)
def test_every_link_leads_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", document.read_text()):
        assert target.startswith("http") or (document.parent / target).exists(), target


def test_every_anomaly_is_documented() -> None:
    told = (ROOT / "docs" / "output.md").read_text()
    assert [name for name in ANOMALIES if f"`{name}`" not in told] == []
