import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.sensor.lists import Lists, parse_list

MD5, SHA1, SHA256 = "0123456789abcdef" * 2, "0123456789" * 4, "0123456789abcdef" * 4
JA4 = "t13d1516h2_8daaf6152771_e5627efa2ab1"


@pytest.mark.parametrize(
    ("line", "identity", "reason"),
    [
        (MD5, MD5, "listed in bad.txt"),
        (f"{JA4}  Some stealer", JA4, "Some stealer"),
        (f"{SHA1}\tZeus C&C", SHA1, "Zeus C&C"),
        (f"{SHA256.upper()}, seen in incident 7", SHA256, "seen in incident 7"),
        (":".join(SHA1[i : i + 2] for i in range(0, 40, 2)) + " # AsyncRAT", SHA1, "AsyncRAT"),
        (f"2024-05-04 15:46:41,{SHA1},Quakbot C&C", SHA1, "Quakbot C&C"),
        (f"{MD5},2017-07-14 18:08:15,2019-07-27 20:42:54,Adware", MD5, "Adware"),
        (f'"{MD5}","2017-07-14 18:08:15","2019-07-27 20:42:54","Tofsee, new"', MD5, "Tofsee, new"),
        (f"{MD5} \x1b[31mred", MD5, "[31mred"),
    ],
)
def test_every_shape_gives_the_id_and_its_reason(line, identity, reason):
    assert parse_list(f"# a comment\n\n{line}\r\n".encode(), "bad.txt") == ({identity: reason}, [])


def test_lines_without_an_entry_are_problems_with_their_place_and_the_rest_counts():
    entries, problems = parse_list(f"\ufeff{MD5}\nnonsense\n{SHA1[:-1]}\n{SHA1}\n".encode(), "bad.txt")
    assert sorted(entries) == sorted([MD5, SHA1])
    assert [problem.where for problem in problems] == ["bad.txt:2", "bad.txt:3"]


def test_a_file_of_something_else_does_not_flood():
    entries, problems = parse_list(b"x\n" * 1000, "bad.txt")
    assert entries == {}
    assert len(problems) == 21
    assert problems[-1].what == "980 more lines hold no entry"


def test_entries_go_where_they_are_looked_up_and_the_first_reason_counts():
    lists = Lists.of({MD5: "a", JA4: "b", SHA1: "c"}, {SHA256: "d", MD5: "other"})
    assert lists.fingerprints == {MD5: "a", JA4: "b"}
    assert lists.certificates == {SHA1: "c", SHA256: "d"}


@given(st.binary(max_size=500) | st.text(alphabet='0a,"\r\n\t #:_\0', max_size=200).map(str.encode))
def test_any_bytes_are_a_list(text):
    entries, _ = parse_list(text, "bad.txt")
    assert all(reason.isprintable() for reason in entries.values())
