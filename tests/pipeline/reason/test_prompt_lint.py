"""The prompt's second look: it remarks on what a model would draw wrongly, keeps quiet otherwise, rewrites nothing."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from void_audit.pipeline.reason.prompt_lint import Suggestion, lint_prompt

GOOD = [
    ("A lime falls on the table.", ["glass"]),  # published with VOID
    ("A ball rolls off the table.", ["rubber duck"]),  # published with VOID
    ("A red car drives past a bakery on a rainy evening.", ["cyclist", "his shadow"]),
    ("The curtain hangs still beside the open window.", ["fan", "power cord"]),
    ("Two dogs play on the lawn while the sprinkler turns.", ["frisbee"]),
    ("The dominoes remain standing in a straight line.", ["hand"]),
    ("Water drips from the tap into an empty sink.", ["stack of plates"]),
    ("A guitar leans against the brick wall, its strap on the floor.", ["the masked object"]),
    ("A street market in Naples at noon; awnings move in the wind.", ["delivery van"]),
]


def codes(text: str, *removed: str, instruction: str = "") -> list[str]:
    return [s.code for s in lint_prompt(text, removed=removed, instruction=instruction)]


def only(text: str, *removed: str) -> Suggestion:
    (found,) = lint_prompt(text, removed=removed)
    return found


@pytest.mark.parametrize(("text", "removed"), GOOD)
def test_a_description_passes_in_silence(text: str, removed: list[str]) -> None:
    assert lint_prompt(text, removed=removed, instruction="Remove what I clicked.") == ()


def test_an_opener_is_a_matter_of_taste_and_has_a_proposal() -> None:
    """Of the third prompt published with VOID."""
    found = only("A video of water with a floating object.", "hydraulic press")
    assert (found.code, found.mild) == ("prompt-opener", True)
    assert found.proposal == "Water with a floating object."


@pytest.mark.parametrize(
    ("text", "proposal"),
    [
        ("This video shows a dog running along the beach.", "A dog running along the beach."),
        ("Footage of a quiet street at dawn.", "A quiet street at dawn."),
        ("In this scene, we see a lamp on a desk.", "A lamp on a desk."),
        ("We see a lamp on a wooden desk.", "A lamp on a wooden desk."),
        ("An image of a lamp on a desk.", "A lamp on a desk."),
    ],
)
def test_openers(text: str, proposal: str) -> None:
    assert only(text).proposal == proposal


@pytest.mark.parametrize(
    "text", ["The scene is lit by a lamp.", "Film posters hang on the wall.", "A photograph of"]
)
def test_no_openers(text: str) -> None:
    assert "prompt-opener" not in codes(text)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("The table after the vase has been removed.", "removed"),
        ("The table without anything on top of it.", "without"),
        ("The vase is gone and the table is clean.", "gone"),
        ("The pedestrians no longer cross the road.", "no longer"),
        ("The table with the vase erased from it.", "erased"),
        ("A table where a vase used to stand.", "used to stand"),
        ("The vase disappears and the flowers fall.", "disappears"),
        ("The vase has been edited out of the shot.", "edited out"),
        ("THE VASE IS GONE, THE TABLE IS CLEAN.", "gone"),
        ("The man doesn't stand there anymore.", "anymore"),
    ],
)
def test_it_speaks_of_the_removal(text: str, word: str) -> None:
    (found,) = (s for s in lint_prompt(text, removed=[]) if s.code == "prompt-removal")
    assert f'"{word}"' in found.message
    assert not found.mild


@pytest.mark.parametrize(
    "text", ["The removable lid lies on the table.", "Bygone posters cover the old wall."]
)
def test_words_that_only_look_like_removal(text: str) -> None:
    assert codes(text) == []


@pytest.mark.parametrize(
    ("text", "thing", "proposal"),
    [
        ("A long wooden table without the glass.", "glass of water", "A long wooden table."),
        ("A lime falls, without glasses, on the table.", "glass", "A lime falls, on the table."),
        ("A dog without a ball is gone from the beach.", "ball", ""),  # more would have to go
        ("A dog without a collar runs along the beach.", "ball", ""),  # not what is removed
        ("A dog runs after a ball without the ball.", "ball", ""),
        ("A table without the glass.", "glass of water", ""),  # too little would be left
    ],
)
def test_a_proposal_only_cuts(text: str, thing: str, proposal: str) -> None:
    (found,) = (s for s in lint_prompt(text, removed=[thing]) if s.code == "prompt-removal")
    assert found.proposal == proposal


@pytest.mark.parametrize(
    ("text", "thing"),
    [
        ("A glass stands on the table.", "glass"),
        ("Three glasses stand on the table.", "the glass"),
        ("A glass stands on the table.", "Glasses"),
        ("The duck's beak glints in the sun.", "rubber duck"),
        ("A rubber-duck floats in the bath.", "rubber duck"),
        ("Berries lie on the wooden table.", "a berry"),
        ("A cookie lies on the wooden table.", "cookies"),
        ("Two women talk at the bus stop.", "woman in a red coat"),
        ("Firemen stand beside the red truck.", "fireman"),
        ("The shelves stand against a wall.", "shelf"),
        ("Boxes stand in front of the door.", "cardboard box"),
        ("Knives lie beside the white plates.", "knife"),
        ("Someone walks along the empty pier.", "man"),
        ("A boy walks along the empty pier.", "person"),
        ("A couch stands in front of the window.", "sofa"),
        ("The GLASS stands on the table.", "glass"),
        ("A ｇｌａｓｓ stands on the table.", "glass"),
        ("A leash lies on the green lawn.", "the man, his dog and the leash"),
        ("An umbrella lies on the pavement.", "woman with an umbrella"),
        ("Cups stand on the table.", "glass of water; mug"),
    ],
)
def test_it_names_what_is_removed(text: str, thing: str) -> None:
    assert codes(text, thing) == ["prompt-names-removed"]
    assert f'"{thing}"' in only(text, "unicycle", thing).message


@pytest.mark.parametrize(
    ("text", "thing"),
    [
        ("A wooden table stands in the room.", "table lamp"),
        ("Water fills the bath to the brim.", "glass of water"),
        ("A red coat hangs on the door.", "woman in a red coat"),
        ("The object floats in clear water.", "the masked object"),
        ("A man walks along the empty pier.", "woman"),
        ("Grass grows beside the narrow road.", "glass"),
        ("A bus waits at the traffic lights.", "bush"),
        ("A lime falls on the wooden table.", ""),
        ("A lime falls on the wooden table.", "the"),
    ],
)
def test_it_does_not_name_what_is_removed(text: str, thing: str) -> None:
    assert codes(text, thing) == []


@pytest.mark.parametrize(
    "text",
    ["Remove the glass from the table.", "Please make the street look empty.", "Delete all people here."],
)
def test_a_command(text: str) -> None:
    assert codes(text)[0] == "prompt-instruction"


def test_the_instruction_itself() -> None:
    said = "An empty street, please, at dawn."
    assert codes("an EMPTY street please at dawn", instruction=said) == ["prompt-instruction"]
    assert codes("An empty street at dawn.", instruction=said) == []
    assert "prompt-instruction" not in codes("", instruction="")


@pytest.mark.parametrize(
    "text", ["Paint dries on the wooden fence.", "Show jumpers rest beside their horses."]
)
def test_no_command(text: str) -> None:
    assert codes(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "There is no cup on the wooden table.",
        "The street is empty of all cars.",
        "Nobody walks along the pier.",
        "A street devoid of cars at dawn.",
        "There isn't a cloud in the blue sky.",
    ],
)
def test_what_is_not_there(text: str) -> None:
    found = only(text)
    assert (found.code, found.mild) == ("prompt-negation", True)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Ein Ball rollt vom Tisch.", "German"),
        ("Une balle roule sur la table.", "French"),
        ("El vaso queda en la mesa.", "Spanish"),
        ("Il bicchiere resta sul tavolo.", "Italian"),
        ("En boll rullar av bordet.", "another language"),
        ("Мяч катится со стола.", "Russian"),
        ("ボールがテーブルから転がる。", "Japanese"),
        ("כדור מתגלגל מהשולחן.", "Hebrew"),
        ("球", "another language"),  # too little to tell which
    ],
)
def test_another_language(text: str, language: str) -> None:
    (found,) = (s for s in lint_prompt(text, removed=[]) if s.code == "prompt-language")
    assert f"in {language}." in found.message


@pytest.mark.parametrize(
    "text",
    ["Lime, table, light.", "A taxi at dawn.", "The guitar on a plaza in Barcelona.", "Ball.", "", "42 7 !"],
)
def test_short_english_is_not_taken_for_another_language(text: str) -> None:
    assert "prompt-language" not in codes(text)


def test_length() -> None:
    sentence = "A small green lime falls slowly on the old wooden kitchen table. "  # 12 words
    assert codes(sentence * 5) == []
    words = (sentence * 6).split()
    assert codes(" ".join(words[:65])) == []
    assert codes(" ".join(words[:66])) == ["prompt-long"]
    long = only(sentence * 6)
    assert long.code == "prompt-long"
    assert "72 words" in long.message
    assert "226" not in long.message
    assert "226 tokens" in only(sentence * 15).message
    assert codes("An empty street.") == ["prompt-short"]
    assert codes("An empty street, morning.") == []
    assert "has 0 of" in only("").message
    assert only("counterrevolutionaries " * 50).code == "prompt-long"  # few words, many tokens


def test_spaces_are_not_text() -> None:
    assert codes("A lime falls" + " " * 5000 + "on the table.") == []


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("A lime\x00 falls on the table.", "U+0000"),
        ("A lime falls \x1b[31mon the table.", "U+001B"),
        ("A lime falls on the \u202etable.", "U+202E"),
        ("A li\u200bme falls on the table.", "U+200B"),
        ("A 🍋 falls on the table.", "U+1F34B"),
        ("A lime falls on the \ud800table.", "U+D800"),
        ("A lime falls on the \ue000table.", "U+E000"),
    ],
)
def test_strange_characters_are_named_not_shown(text: str, named: str) -> None:
    found = next(s for s in lint_prompt(text, removed=[]) if s.code == "prompt-characters")
    assert named in found.message
    assert found.message.isprintable()


def test_lines_and_accents_are_text() -> None:
    assert codes("A lime falls\r\n\ton the table of the café.") == []


def test_messages_quote_no_trap() -> None:
    """What is quoted reaches terminals and web pages: no control characters, nothing long."""
    hostile = "\x1b[2J\u202e" + "x" * 300 + " cup"
    for found in lint_prompt(f"A video of\x07\x07 no {hostile} cup gone", removed=[hostile]):
        assert found.message.isprintable()
        assert len(found.message) < 400


@pytest.mark.parametrize(
    "text",
    [
        "without " * 8192, " " * 65000 + "x without x.", "a" * 65536, "a-" * 32768, "no " * 22000, "x, " * 22000,
        "'" * 65536, "’s" * 32768, "video of " * 7000, "\u05d0 " * 30000, "🍋" * 16384, "\x00" * 65536,
        "s" * 10_000_000,
    ],
)  # fmt: skip
def test_64_kib_of_anything_take_no_time(text: str) -> None:
    lint_prompt("Warm the model up.", removed=[])
    begin = time.process_time()
    found = lint_prompt(text, removed=[text[:200], "cup"] * 10, instruction=text)
    assert time.process_time() - begin < 2
    assert len({s.code for s in found}) == len(found) <= 9


@given(st.text(max_size=300), st.lists(st.text(max_size=40), max_size=4), st.text(max_size=50))
def test_any_text_is_answered_and_alike(text: str, removed: list[str], instruction: str) -> None:
    found = lint_prompt(text, removed=removed, instruction=instruction)
    assert found == lint_prompt(text, removed=removed, instruction=instruction)
    assert all(s.message.isprintable() for s in found)
    assert all(set(s.proposal.lower()) <= set(text.lower()) | set(text.upper().lower()) for s in found)
