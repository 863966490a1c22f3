"""Words of a text: as they are written, and as they look to whoever reads them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from void_audit.policy.words import EXTRACTOR, words_of

TEXTS = st.lists(st.text(max_size=60), max_size=4)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ()),
        ("  1,2; 3!", ()),
        ("Police-officer's car", ("car", "officer", "police", "s")),
        ("POLICE police Police", ("police",)),
        ("\uff30\uff4f\uff4c\uff49\uff43\uff45", ("police",)),  # full-width letters
        ("po\u200blice po\u00adlice", ("police",)),  # zero-width space, soft hyphen
        ("cafe\u0301 caf\u00e9", ("caf\u00e9",)),  # decomposed and composed
        ("\u092a\u0941\u0932\u093f\u0938", ("\u092a\u0941\u0932\u093f\u0938",)),  # combining vowels stay
        ("\u8b66\u5bdf\U0001f600\u8b66", ("\u8b66", "\u8b66\u5bdf")),
        ("p\u043elice", ("p\u043elice",)),  # the first way leaves look-alikes as they are, and always will
    ],
)
def test_the_first_way_stays_as_it_was(text, words):
    """Decisions that were recorded with it are verified with it."""
    assert words_of(text, extractor=1) == words


DISGUISED = {
    "as it is": "police",
    "capitals": "POLICE",
    "full width": "\uff30\uff2f\uff2c\uff29\uff23\uff25",
    "Cyrillic o": "p\u043elice",
    "Cyrillic capitals": "\u0420\u041eLI\u0421\u0415",
    "Greek rho": "\u03a1\u03bflice",
    "zero width": "po\u200bli\u200dce\ufeff",
    "soft hyphen": "po\u00adlice",
    "grapheme joiner": "po\u034flice",
    "variation selector": "po\ufe0flice",
    "Hangul filler": "po\u3164lice",
    "control character": "po\x08lice",
    "tags": "po\U000e0061lice",
    "struck through": "p\u0336o\u0336l\u0336i\u0336c\u0336e\u0336",
    "accents": "p\u00f3l\u00ecc\u00ea",
    "ligature": "of\ufb01cer police",
    "small capitals": "\u1d18\u1d0f\u029f\u026a\u1d04\u1d07",
    "mathematical": "\U0001d4f9\U0001d4f8\U0001d4f5\U0001d4f2\U0001d4ec\U0001d4ee",
    "circled": "\u24df\u24de\u24db\u24d8\u24d2\u24d4",
    "squared": "\U0001f17f\U0001f17e\U0001f17b\U0001f178\U0001f172\U0001f174",
    "regional indicators": "\U0001f1f5\U0001f1f4\U0001f1f1\U0001f1ee\U0001f1e8\U0001f1ea",
    "digits": "p0l1ce",
    "signs": "pol!c\u20ac",
    "spelled": "p o l i c e",
    "spelled with dots": "p.o.l.i.c.e.",
    "spelled with hyphens": "p-0-l-i-c-e",
    "hyphen": "po-lice",
    "underscore": "po_lice",
    "two lines": "remove the po\nlice",
    "hyphenated over two lines": "po-\r\nlice",
    "line separator": "po\u2028lice",
    "right to left marks": "\u202epo\u202clice",
    "terminal colours": "\x1b[31mpolice\x1b[0m",
    "picture": "\U0001f46e\u200d\u2640\ufe0f",
}


@pytest.mark.parametrize("text", DISGUISED.values(), ids=DISGUISED.keys())
def test_a_word_is_found_however_it_is_written(text):
    assert "police" in words_of(f"Remove all {text} here.")
    assert {"remove", "all", "here"} <= set(words_of(f"Remove all {text} here."))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Remove the red ball, please.", ("ball", "please", "red", "remove", "the")),
        ("a well-known clip", ("a", "clip", "known", "well", "wellknown")),
        ("Polic\u00eda", ("policia", "polic\u00eda")),
        ("Stra\u00dfe", ("strasse", "stra\u00dfe")),
        ("p0lice", ("lice", "p", "police")),
        (
            "\u043f\u043e\u043b\u0438\u0446\u0438\u044f",
            ("\u043f\u043e\u043b\u0438\u0446\u0438\u044f",),
        ),  # no Latin word
        ("\u8b66\u5bdf", ("\u8b66\u5bdf",)),
        ("\u0634\u064f\u0631\u0637\u0629", ("\u0634\u064f\u0631\u0637\u0629",)),
        ("1080p h265 24 fps", ("fps", "h", "p")),  # digits that stand for no word make none
        ("", ()),
    ],
)
def test_words_of_other_scripts_and_plain_ones_stay_as_they_are(text, words):
    assert words_of(text) == words


@given(TEXTS)
@settings(max_examples=60, deadline=None)
def test_words_are_sorted_distinct_and_stable_in_every_way(texts):
    for extractor in range(1, EXTRACTOR + 1):
        words = words_of(*texts, extractor=extractor)
        assert list(words) == sorted(set(words))
        assert "" not in words
        assert words_of(*reversed(texts), extractor=extractor) == words
        assert not any(c.isspace() or c.isdigit() for word in words for c in word)


@given(TEXTS)
@settings(max_examples=60, deadline=None)
def test_a_later_way_finds_no_less(texts):
    """A rule that fired on a word fires on it still."""
    assert set(words_of(*texts, extractor=1)) <= set(words_of(*texts, extractor=2))


@pytest.mark.parametrize("extractor", [0, -1, EXTRACTOR + 1])
def test_a_way_that_nobody_knows(extractor):
    with pytest.raises(ValueError, match="no words are taken in way"):
        words_of("police", extractor=extractor)


def test_a_long_text_takes_no_time_worth_speaking_of():
    import time  # noqa: PLC0415 - only here

    texts = ["a " * 1000, "\n" * 2000, "p0" * 1000, "\U0001f46e" * 2000, "\u0300" * 2000, "\ufdfa" * 2000]
    began = time.process_time()
    for text in texts:
        words_of(text)
    assert time.process_time() - began < 1
