"""Good and bad prompts side by side: what is said of a text, by someone who knows what is being removed from it."""

from __future__ import annotations

import pytest

from void_audit.pipeline.reason.prompt_lint import lint_prompt
from void_audit.pipeline.reason.prompt_phrases import COMMAND, NEGATION, OPENER, REMOVAL

BALL = "ball"
SPEAKS_OF_IT = (
    "An empty space where the ball was.",
    "An empty space where it was.",
    "The lawn where they had been playing catch, and where a ball had been.",
    "A table where a vase once stood.",
    "A table where the big blue vase stood.",
    "The spot formerly taken by the vase.",
    "The previously occluded wall is white.",
    "The wall that was hidden behind the car.",
    "The table without it.",
    "A street without any people.",
    "The ball is gone.",
    "The dog has gone from the lawn.",
    "The table with the ball erased.",
    "The table after the removal of the vase.",
    "The vase was deleted from the shelf.",
    "Removing the vase shows the whole shelf.",
    "The room after removing the sofa.",
    "The table looks as if it had never been there.",
    "The room as though nobody had ever been in it.",
    "The scene as if he wasn’t there.",
    "The hallway as though the man did not exist.",
    "He was never there in the first place.",
    "The statue no longer stands on the square.",
    "The man is missing from the scene.",
    "The ball is now missing.",
    "The ball vanishes and the dog sits down.",
    "The ball disappeared.",
    "The original background of the room is restored.",
    "The inpainted wall behind the desk.",
    "The masked area shows grass and sky.",
    "The logo was painted out on the shirt.",
    "The car was cut out of the shot.",
    "The same scene minus the ball.",
    "A shelf that used to be full.",
    "Where the statue stood there is grass.",
    "The object has been taken off the table.",
    "Both people have left the frame.",
    "The video stays exactly as before.",
    "Clean plate of the street, background only.",
)
DOES_NOT = (
    "She removes her coat and sits down.",
    "A man removing his hat bows to the crowd.",
    "Workers remove snow from the pavement.",
    "A teacher erases the blackboard.",
    "The sun disappears behind a hill.",
    "A train vanishes into the tunnel.",
    "Rails run towards the vanishing point.",
    "A boy with a missing tooth smiles.",
    "The moon has gone down over the sea.",
    "A rope used to tie boats lies on the pier.",
    "No more than three boats drift on the lake.",
    "A market where a band plays.",
    "A dog waits where the road ends.",
    "The background is a brick wall.",
    "The hills in the background are barely visible in the fog.",
    "A curtain opens and a stage is revealed.",
    "A cook cuts out star-shaped cookies.",
    "A dog looks up as if it heard something.",
    "The thermometer shows minus ten degrees.",
    "A once grand hall with broken windows.",
    "A removable lid lies on the table.",
    "A masked dancer turns in the light.",
    "A child hides behind a curtain.",
    "A clean plate lies on the table.",
    "The guests have left the table.",
    "A dog waits where a path stands open to the sea.",
)
TELLS_WHAT_TO_DO = (
    "Make the table empty.",
    "Remove people from this street.",
    "Erase him from the picture now.",
    "Get rid of the man on the left.",
    "Clean up the wires above the road.",
    "Take out the dog from the lawn.",
    "Hide the logo on the shirt.",
    "I want the dog removed from the lawn.",
    "Can you remove the dog from the lawn?",
    "We need an empty street here.",
    "I'd like a street at dawn.",
    "Let’s have a street at dawn.",
    "Turn the room into an empty one.",
    "Blur the face of the man on the left.",
    "Fill in the hole with grass and flowers.",
    "Restore the wall behind the poster.",
    "Replace the man with the background.",
    "Do not show the man.",
    "Make sure that the street is empty.",
    "The scene should look like a plain street at dawn.",
    "The street must not have cars.",
    "  «Please» leave only the road.",
)
DESCRIBES = (
    "Paint dries on the wooden fence.",
    "Show jumpers rest beside their horses.",
    "Cut flowers stand in a vase.",
    "Clear water runs over stones.",
    "Clean towels hang on a rail.",
    "Cover bands play on a small stage.",
    "Put-put boats cross the harbour.",
    "A sign says please keep off the grass.",
    "A must-see view of the valley at noon.",
    "Take-away boxes are stacked on a counter.",
    "Turning leaves fall on a wet road.",
    "I-beams lie on the building site.",
    "Leave-shaped lamps hang from the ceiling.",
)
NOT_THERE = (
    "A pier where nobody walks.",
    "A lawn that lacks any people.",
    "A street devoid of cars and people.",
    "There is not a single person on the pier.",
    "There isn’t any traffic at the crossing.",
    "A car on two wheels instead of four.",
    "There are no boats in the harbour.",
    "A sky free of clouds.",
)
THERE = (
    "A no parking sign hangs on the gate.",
    "A no-smoking sign hangs on the gate.",
    "An empty street at dawn.",
    "A clear blue sky above the sea.",
    "A free parking lot beside a church.",
    "A road in Norway at noon.",
    "A plain that stretches to the sea.",
)


def codes(text: str, *removed: str) -> list[str]:
    return [s.code for s in lint_prompt(text, removed=removed)]


@pytest.mark.parametrize("text", SPEAKS_OF_IT)
def test_it_speaks_of_the_removal(text: str) -> None:
    assert REMOVAL.search(text)
    assert "prompt-removal" in codes(text, BALL)


@pytest.mark.parametrize("text", TELLS_WHAT_TO_DO)
def test_it_tells_what_to_do(text: str) -> None:
    assert COMMAND.search(text)
    assert codes(text)[0] == "prompt-instruction"


@pytest.mark.parametrize("text", NOT_THERE)
def test_it_says_what_is_not_there(text: str) -> None:
    assert NEGATION.search(text)
    (found,) = lint_prompt(text, removed=[BALL])
    assert (found.code, found.mild) == ("prompt-negation", True)


@pytest.mark.parametrize("text", [*DOES_NOT, *DESCRIBES, *THERE])
def test_what_is_only_a_description_passes(text: str) -> None:
    """Whatever somebody in the scene does, and whatever it only looks like."""
    for phrase in (REMOVAL, COMMAND, OPENER):
        assert not phrase.search(text)
    assert set(codes(text, BALL)) <= {"prompt-negation"}


@pytest.mark.parametrize("text", [*DESCRIBES, *THERE])
def test_what_is_there_is_not_taken_for_a_negation(text: str) -> None:
    assert not NEGATION.search(text)


@pytest.mark.parametrize(
    ("text", "codes_said"),
    [
        ("A table with no ball on it.", {"prompt-names-removed"}),
        ("A table without the ball.", {"prompt-removal", "prompt-names-removed"}),
        ("There isn't a ball on the table.", {"prompt-names-removed"}),
        ("A table without a tablecloth.", {"prompt-removal"}),
        ("A table with no tablecloth.", {"prompt-negation"}),
    ],
)
def test_a_negation_of_what_is_removed_is_more_than_taste_and_said_once(
    text: str, codes_said: set[str]
) -> None:
    assert set(codes(text, BALL)) == codes_said


def test_of_a_bad_text_no_worse_one_is_proposed() -> None:
    """What remains after an opener is cut off may be as bad as it was."""
    found = lint_prompt("A video of a table without it, please.", removed=[BALL])
    assert {s.code for s in found} == {"prompt-removal", "prompt-opener"}
    assert [s.proposal for s in found] == ["", ""]
