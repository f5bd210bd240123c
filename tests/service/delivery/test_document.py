"""docs/sinks.md says what is so."""

import re
from pathlib import Path
from typing import get_args

from enricher.config import Config
from enricher.sinks.encoding import ENCODINGS
from enricher.sinks.settings import Sink

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "sinks.md").read_text()


def test_its_example_is_accepted() -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    assert len(Config.parse(block.encode(), "docs/sinks.md").sinks) == 3


def test_every_format_and_every_type_of_sink_is_described() -> None:
    types = [sink.__struct_config__.tag for sink in get_args(Sink)]
    assert [name for name in (*ENCODINGS, *types) if f"`{name}`" not in TEXT] == []
