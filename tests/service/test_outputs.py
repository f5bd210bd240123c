import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from enricher.errors import OutputError
from enricher.service import outputs


def test_a_result_is_written_whole(tmp_path: Path) -> None:
    outputs.write(tmp_path / "r", [b"a\n", b"b\n"])
    assert (tmp_path / "r").read_bytes() == b"a\nb\n"
    assert os.listdir(tmp_path) == ["r"]


def test_a_full_disk_leaves_the_old_result_and_no_half_file(tmp_path: Path) -> None:
    def lines() -> Iterator[bytes]:
        yield b"new\n"
        raise OSError(28, "No space left on device")

    (tmp_path / "r").write_bytes(b"old\n")
    with pytest.raises(OutputError, match="No space left on device: free space"):
        outputs.write(tmp_path / "r", lines())
    assert (tmp_path / "r").read_bytes() == b"old\n"
    assert os.listdir(tmp_path) == ["r"]


def test_a_folder_that_cannot_be_made_is_an_error_with_advice(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="--out"):
        outputs.folder(tmp_path / "file" / "out")
