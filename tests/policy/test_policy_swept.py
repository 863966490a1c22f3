"""What "all" and "every" are said of: what stands near, and everything where that cannot be seen."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from void_audit.policy.sweeping import SWEEPING, swept_words
from void_audit.policy.words import words_of


def swept(*texts):
    return set(swept_words(texts, words_of))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Remove the ball.", set()),
        ("Remove all scratches, the people stay.", {"scratches"}),
        ("Remove all scratches on the people.", {"scratches"}),
        ("Remove all of the grey cars", {"of", "the", "grey", "cars"}),
        ("Remove all in the crowd", {"in", "the", "crowd"}),  # nothing was named before the place
        ("one two all a b c d e f g h i j", {"abcdefghij", *"abcdefghij"}),  # letters are not counted
        ("all first second third fourth fifth sixth", {"first", "second", "third", "fourth", "fifth"}),
        ("every lamp; each \u201ccar\u201d, the police", {"lamp", "car"}),
    ],
)
def test_it_reaches_a_few_words_of_its_clause(text, words):
    assert swept(text) == words


@pytest.mark.parametrize(
    "text", ["Police: all.", "The police, all of them", "a l l the police", "al-\nl the police"]
)
def test_where_it_cannot_be_seen_it_is_everything(text):
    assert swept(text, "lamp") == set(words_of(text, "lamp"))


def test_an_older_way_takes_them_in_its_own():
    assert swept_words(["\u0430ll cars"], partial(words_of, extractor=1)) == ()


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(max_size=60) | st.sampled_from([*sorted(SWEEPING), "all of"]), max_size=4))
def test_never_more_than_there_is_and_nothing_only_without_a_sweeping_word(texts):
    found, everything = swept(*texts), set(words_of(*texts))
    assert found <= everything
    assert bool(found) == bool(everything & SWEEPING)
