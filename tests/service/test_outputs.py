from collections.abc import Iterator
from pathlib import Path

import pytest

from enricher.errors import OutputError
from enricher.service import outputs


def test_results_are_written_whole(tmp_path: Path) -> None:
    outputs.write(tmp_path, {"r": [b"a\n", b"b\n"], "s": []})
    assert (tmp_path / "r").read_bytes() == b"a\nb\n"
    assert {path.name for path in tmp_path.iterdir()} == {"r", "s"}


def test_a_full_disk_leaves_all_old_results_and_no_half_file(tmp_path: Path) -> None:
    def lines() -> Iterator[bytes]:
        yield b"new\n"
        raise OSError(28, "No space left on device")

    (tmp_path / "r").write_bytes(b"old\n")
    with pytest.raises(OutputError, match="No space left on device: free space"):
        outputs.write(tmp_path, {"r": [b"new\n"], "s": lines()})
    assert (tmp_path / "r").read_bytes() == b"old\n"
    assert [path.name for path in tmp_path.iterdir()] == ["r"]


def test_a_folder_that_cannot_be_made_is_an_error_with_advice(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="--out"):
        outputs.folder(tmp_path / "file" / "out")
