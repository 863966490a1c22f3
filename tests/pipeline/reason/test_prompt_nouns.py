"""A thing is recognised in any number, as the word it is, and in nothing that merely looks like it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from void_audit.pipeline.reason.prompt_nouns import named, words_of

PLURALS = {
    "glass": "glasses", "box": "boxes", "bench": "benches", "dish": "dishes", "berry": "berries", "movie": "movies",
    "shelf": "shelves", "child": "children", "man": "men", "woman": "women", "policeman": "policemen",
    "person": "people", "goose": "geese", "bus": "buses", "horse": "horses", "potato": "potatoes", "tie": "ties",
    "vase": "vases", "shoe": "shoes", "fireman": "firemen", "puppy": "puppies", "cactus": "cacti", "dress": "dresses",
}  # fmt: skip


@pytest.mark.parametrize(("one", "many"), PLURALS.items())
def test_plurals_both_ways(one: str, many: str) -> None:
    assert named(f"The {many} are here.", [one]) == [one]
    assert named(f"The {one} is here.", [many]) == [many]


@pytest.mark.parametrize("one", PLURALS)
def test_one_noun_is_not_another(one: str) -> None:
    """But people are people, and a policeman is a man of his own kind."""
    people = {"man", "woman", "child", "person", "policeman", "fireman"}
    others = [other for other in PLURALS if other != one and not (one in people and other in people)]
    assert named(f"Here is a {one}.", others) == []


def test_words() -> None:
    assert words_of("The dog’s rubber-ball, the boys' CAFÉ_2 ﬁsh!") == [
        "the",
        "dog",
        "rubber",
        "ball",
        "the",
        "boys",
        "café",
        "2",
        "fish",
    ]


def test_each_thing_is_told_once_in_the_given_words() -> None:
    things = ["Rubber Duck", "duck", "Rubber Duck", "towel"]
    assert named("The ducks' duck floats.", things) == ["Rubber Duck", "duck"]


def test_all_words_in_a_row_count_where_the_last_is_vague() -> None:
    assert named("A flying object passes by.", ["flying object"]) == ["flying object"]
    assert named("An object is flying past.", ["flying object"]) == []


@pytest.mark.parametrize("thing", ["", " ", "the", "and", ",;/", "of", "with", "object", "of in on"])
def test_nothing_in_particular(thing: str) -> None:
    assert named("The cup and an object of glass in the box.", [thing]) == []


@given(st.sampled_from(sorted(PLURALS)), st.text(max_size=30), st.text(max_size=30))
def test_whatever_stands_around_it(noun: str, before: str, after: str) -> None:
    assert named(f"{before} {noun} {after}", [noun]) == [noun]
