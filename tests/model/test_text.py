import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.model.session import Parent
from enricher.model.text import clean, visible

HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[31m\r\n", r"a\x1b[31m\x0d\x0a"),
        ("\x7f\x9b", r"\x7f\x9b"),
        ("exe\u202etxt", r"exe\u202etxt"),
        ("\u2066\u200b\u2028", r"\u2066\u200b\u2028"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
        ("C:\\Büro\\報告 書.exe", "C:\\Büro\\報告 書.exe"),
        ("a\u00a0b\u3000c", "a\u00a0b\u3000c"),
    ],
)
def test_characters_that_act_are_shown_as_escapes_and_all_others_as_they_are(text, shown):
    assert visible(text) == shown


def test_a_text_beyond_its_limit_is_cut_and_marked():
    assert visible("abcdef", 4) == "abc…"
    assert visible("abcd", 4) == "abcd"


@given(st.text(alphabet=st.characters()))
def test_no_text_keeps_a_character_that_acts(text):
    shown = visible(text)
    assert not [c for c in shown if unicodedata.category(c) in HIDDEN]
    assert visible(shown) == shown
    shown.encode()


def test_a_record_is_cleaned_at_any_depth_and_keeps_its_type():
    parent = Parent(image="a\x00", pid=1)
    assert clean((parent, {"k\n": ("v\r",)}, None, 1.5)) == (
        Parent(image=r"a\x00", pid=1),
        {r"k\x0a": (r"v\x0d",)},
        None,
        1.5,
    )
