import gzip
import os
import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from enricher.model.problem import Problem
from enricher.service import inputs
from enricher.service.inputs import zstd

Pack = Callable[[bytes], bytes]
PACKERS = [gzip.compress, zstd.compress]


def stream_of(path: Path) -> inputs.Stream:
    return inputs.Stream(inputs.Input(str(path), path, path.stat().st_size))


def test_a_folder_gives_every_file_below_it_once_and_sorted(tmp_path: Path) -> None:
    for name in ("b/2", "a/1", "b/.hidden"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    problems: list[Problem] = []
    found = inputs.find([str(tmp_path), str(tmp_path / "b/2")], problems)
    assert [(f.name.removeprefix(str(tmp_path)), f.named) for f in found] == [("/a/1", False), ("/b/2", True)]
    assert not problems


def test_a_missing_file_is_a_problem_and_the_others_are_found(tmp_path: Path) -> None:
    (tmp_path / "here").write_bytes(b"x")
    problems: list[Problem] = []
    found = inputs.find([str(tmp_path / "gone"), str(tmp_path / "here")], problems)
    assert [f.path for f in found] == [tmp_path / "here"]
    assert [str(p) for p in problems] == [f"{tmp_path}/gone: no such file or directory; check the path"]


def test_an_empty_name_is_no_folder() -> None:
    problems: list[Problem] = []
    assert inputs.find([""], problems) == []
    assert [str(p) for p in problems] == ['"": no such file or directory; check the path']


def test_an_empty_folder_is_a_problem(tmp_path: Path) -> None:
    problems: list[Problem] = []
    assert inputs.find([str(tmp_path)], problems) == []
    assert "no files" in problems[0].what


@pytest.mark.parametrize("pack", PACKERS)
def test_packed_files_are_unpacked_whatever_their_name(tmp_path: Path, pack: Pack) -> None:
    data = bytes(range(256)) * 8192
    (tmp_path / "log").write_bytes(pack(data[:1000]) + pack(data[1000:]))
    stream = stream_of(tmp_path / "log")
    assert len(stream.head) == inputs.HEAD
    assert b"".join(stream.chunks()) == data
    assert stream.packed_bytes == (tmp_path / "log").stat().st_size
    stream.close()


@pytest.mark.parametrize("pack", PACKERS)
def test_no_chunk_is_larger_than_told_even_from_a_bomb(tmp_path: Path, pack: Pack) -> None:
    (tmp_path / "bomb").write_bytes(pack(bytes(64 * 1024 * 1024)))
    stream = stream_of(tmp_path / "bomb")
    sizes = [len(chunk) for chunk in stream.chunks()]
    assert max(sizes) <= inputs.CHUNK
    assert sum(sizes) == 64 * 1024 * 1024
    stream.close()


@pytest.mark.parametrize("pack", PACKERS)
def test_a_cut_file_gives_what_came_before_the_cut(tmp_path: Path, pack: Pack) -> None:
    data = random.Random(1496).randbytes(3 * 1024 * 1024)
    packed = pack(data)
    (tmp_path / "cut").write_bytes(packed[: len(packed) // 2])
    stream = stream_of(tmp_path / "cut")
    got = b""
    with pytest.raises(inputs.UNREADABLE) as error:
        for chunk in stream.chunks():
            got += chunk
    assert len(got) > len(data) // 2 - 256 * 1024  # zstd's blocks have up to 128 KiB
    assert data.startswith(got)
    assert "damaged or cut off" in inputs.why(error.value)
    stream.close()


def test_a_small_file_that_was_cut_gives_what_came_before_the_cut(tmp_path: Path) -> None:
    data = random.Random(1496).randbytes(40_000)
    (tmp_path / "cut").write_bytes(gzip.compress(data)[:30_000])
    stream = stream_of(tmp_path / "cut")
    assert len(stream.head) > 29_000
    assert data.startswith(stream.head)
    chunks = stream.chunks()
    assert next(chunks) == stream.head
    with pytest.raises(inputs.UNREADABLE):
        next(chunks)
    stream.close()


@pytest.mark.parametrize("pack", PACKERS)
def test_a_damaged_file_is_told_as_such(tmp_path: Path, pack: Pack) -> None:
    packed = bytearray(pack(random.Random(1496).randbytes(100_000)))
    packed[4:12] = b"\xff" * 8
    (tmp_path / "bad").write_bytes(packed)
    with pytest.raises(inputs.UNREADABLE) as error:
        stream_of(tmp_path / "bad")
    assert "damaged or cut off" in inputs.why(error.value)


@pytest.mark.parametrize("pack", PACKERS)
def test_standard_input_is_read_without_seeking_and_left_open(monkeypatch: pytest.MonkeyPatch, pack: Pack) -> None:
    ours, theirs = os.pipe()
    os.write(theirs, pack(b"hello"))
    os.close(theirs)
    with os.fdopen(ours) as pipe:
        monkeypatch.setattr(sys, "stdin", pipe)
        stream = inputs.Stream(inputs.Input("stdin", None, None))
        assert b"".join(stream.chunks()) == b"hello"
        stream.close()
        assert not pipe.closed


def test_a_file_is_closed_with_its_stream(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(bytes(2 * inputs.HEAD))
    stream = stream_of(tmp_path / "log")
    stream.close()
    with pytest.raises(ValueError, match="closed"):
        list(stream.chunks())


@pytest.mark.parametrize(
    ("head", "words"),
    [(b"", "empty"), (b"PK\x03\x04rest", "zip archive"), (b"\xfd7zXZ\x00", "xz"), (b"hello\n", "neither")],
)
def test_a_file_of_no_use_is_told_why(head: bytes, words: str) -> None:
    assert words in inputs.not_recognised("f", head).what
