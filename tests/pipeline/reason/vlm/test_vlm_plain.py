"""Texts of strangers lose their effect, not their letters."""

import pytest

from void_audit.pipeline.reason.vlm.plain import clipped, escaped, plain


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a lime", "a lime"),
        ("  two\n\tlines\r\n", "two lines"),
        ("\x1b[31mred\x1b[0m", "[31mred [0m"),
        ("left\u202eright\u2066x", "left right x"),
        ("null\x00bell\x07", "null bell"),
        ("line\u2028separator\u2029paragraph\x85next", "line separator paragraph next"),
        ("soft\u00adhyphen\ufeff", "soft hyphen"),
        ("Zitrone fällt, レモン, лимон, ليمون", "Zitrone fällt, レモン, лимон, ليمون"),
        ("<b>**bold**</b>", "<b>**bold**</b>"),
        ("\u200b\u200d \n", ""),
        ("\ud800", ""),
    ],
)
def test_plain(text, expected):
    assert plain(text) == expected
    assert plain(text).isprintable()


def test_clipped():
    assert clipped("abcde", 5) == "abcde"
    assert clipped("abcdef", 5) == "abcd…"


def test_escaped_shows_what_was_there():
    assert escaped("a\x1b\u202e\nb") == "a\\u001b\\u202e\\u000ab"
    assert escaped("x" * 1_000_000, 10) == "x" * 10
    assert len(escaped("\x00" * 1000, 50)) == 50
