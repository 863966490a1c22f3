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


@pytest.mark.parametrize(
    ("thing", "text"),
    [
        ("T-shirt", "A tshirt hangs on the line."),
        ("tshirts", "A T-shirt hangs on the line."),
        ("traffic light", "A trafficlight stands at the corner."),
        ("basketball", "A basket ball bounces."),
        ("basket-ball", "Basketballs bounce."),
        ("Object: ball", "A ball rolls."),
        ("ball (the red one)", "A ball rolls."),
        ("ball – the red one", "A ball rolls."),
        ("dog running", "A dog sits on the lawn."),
        ("man walking on the left", "A man sits on the lawn."),
        ("man riding a bike", "A man sits on the lawn."),
        ("man left of the car", "Two men sit on the lawn."),
        ("running shoe", "A shoe lies on the floor."),
        ("the three RED BALLS", "A ball rolls."),
        ("bicyclist", "A cyclist rides along the road."),
        ("cyclist", "Somebody rides along the road."),
        ("rubbish bin", "A trashcan stands at the corner."),
        ("volcano", "Two volcanoes smoke."),
        ("shoes", "A shoe lies on the floor."),
        ("球", "一个球从桌子上滚下来。"),
        ("红色的球", "一个红色的球从桌子上滚下来。"),
        ("ボール", "ボールがテーブルから転がる。"),
        ("pelota roja", "Una pelota roja rueda."),
        ("Straße", "Eine leere STRASSE."),
    ],
)
def test_it_is_named(thing: str, text: str) -> None:
    assert named(text, [thing]) == [thing]


@pytest.mark.parametrize(
    ("thing", "text"),
    [
        ("ball", "Dancers turn in a ballroom under balloons."),
        ("ball (the red one)", "One red car passes on the right."),
        ("car", "A carpet and a cart full of scars and cards."),
        ("running shoe", "A running man on the beach."),
        ("man walking left", "A dog is walking on the left."),
        ("press", "An espresso on a cypress table, pressed flowers in it."),
        ("hat", "That is what the cat does with the chat."),
        ("left side of the table", "A chair on the left side."),
        ("shoe", "A horseshoe hangs over the door."),
        ("球", "一个杯子从桌子上滚下来。"),
        ("球", "A ball rolls off the table."),
    ],
)
def test_it_is_not_named(thing: str, text: str) -> None:
    assert named(text, [thing]) == []


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
