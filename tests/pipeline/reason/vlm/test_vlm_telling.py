"""A person reads who said what, and what was left open."""

from vlm_scenes import cells, good_reply, read

from void_audit.pipeline.reason.vlm.schema import MOST_AFFECTED, MOST_BELONGINGS, MOVEMENT, NOUN, WHY
from void_audit.pipeline.reason.vlm.telling import gaps


def lime(**changes):
    reply = good_reply()
    reply["affected_objects"][0].update(changes)
    return reply


def test_the_summary_says_who_and_what():
    summary = read(good_reply()).summary
    assert summary.startswith(
        "scripted-model (m-1) says, unproven, with a confidence of 0.75: ring goes with"
    )
    for words in (
        "lime behaves differently from frame 4 on: The hand holds it up. It would move without the object: It "
        "falls on the table and comes to rest.",
        "shadow of the hand looks different from frame 0 on: The hand keeps the light off the table.",
        "It would have stayed where it was.",
        "ring goes with the object: It is on a finger.",
    ):
        assert words in summary


def test_what_is_not_said_leaves_no_trace():
    reply = good_reply()
    reply["affected_objects"] = [lime(why=" ", movement_description="")["affected_objects"][0]]
    reply["integral_belongings"][0]["why"] = ""
    summary = read(reply).summary
    assert summary.endswith(
        "ring goes with the object. lime behaves differently from frame 4 on. It would move without the object."
    )


def test_movement_of_what_would_not_move_otherwise_is_told_as_said():
    stays = lime(will_move=False, trajectory_path=[], movement_description="It lies still.")
    assert (
        "from frame 4 on: The hand holds it up. Of its movement is said: It lies still."
        in read(stays).summary
    )


def test_rules_read_every_word_of_the_longest_reply_that_is_asked_for():
    """``reasoning.words`` are of summary, scene, and of nouns and reasons of what is affected."""
    reply, said = good_reply(), []
    things = [reply["affected_objects"][0] | {"should_have_stayed": True} for _ in range(MOST_AFFECTED)]
    belongings = [dict(reply["integral_belongings"][0]) for _ in range(MOST_BELONGINGS)]
    for i, at in enumerate((*things, *belongings)):
        for key, most in (("noun", NOUN), ("why", WHY), ("movement_description", MOVEMENT)):
            if key in at:
                said.append(f"police{'abcdefgh'[i]}{key[0]}")
                at[key] = f"{'x' * (most - len(said[-1]) - 1)} {said[-1]}"
    found = read(reply | {"affected_objects": things, "integral_belongings": belongings}, said_by="s" * 60)
    texts = [found.summary, *(text for thing in found.affected for text in (thing.noun, thing.why))]
    assert len(said) == 3 * MOST_AFFECTED + 2 * MOST_BELONGINGS
    assert [word for word in said if not any(word in text for text in texts)] == []


def test_the_longest_reply_still_has_a_summary():
    reply = good_reply()
    longest = {"noun": "n" * 120, "why": "w" * 400, "movement_description": "m" * 600}
    reply["affected_objects"] = [reply["affected_objects"][0] | longest] * 5
    reply["integral_belongings"] = [
        reply["integral_belongings"][0] | {"noun": "b" * 120, "why": "y" * 400}
    ] * 3
    summary = read(reply, said_by="s" * 400).summary
    assert len(summary) == 4000
    for part in ("b" * 120, "y" * 400):
        assert summary.count(part) == 3


def test_gaps_are_named():
    assert gaps(read(good_reply())) == ()
    vague = lime(grid_localizations=[], trajectory_path=[], should_have_stayed=True)
    vague["integral_belongings"][0]["grid_localizations"] = []
    vague["scene_description"] = " \n"
    said = gaps(read(vague))
    assert len(said) == 5
    assert not any(noun in line for line in said for noun in ("lime", "ring"))
    for words in (
        "not where; nothing is opened",
        "not where to",
        "not from where",
        "Belonging 1",
        "not described",
    ):
        assert any(words in line for line in said)
    assert (
        len(gaps(read(lime(grid_localizations=[{"frame": 3, "grid_regions": cells()}], trajectory_path=[]))))
        == 2
    )
