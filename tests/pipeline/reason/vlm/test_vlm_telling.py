"""A person reads who said what, and what was left open."""

from vlm_scenes import cells, good_reply, read

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


def test_policy_reads_every_word_of_a_reply():
    """``reasoning.words`` are of summary, scene and reasons: what is said elsewhere must stand in the summary."""
    reply = good_reply()
    said = {}
    for at in (*reply["affected_objects"], *reply["integral_belongings"]):
        for key, most in (("noun", 60), ("why", 200), ("movement_description", 300)):
            if key in at:
                word = f"police{'abcdefghijkl'[len(said)]}"
                said[word] = at[key] = f"{'x' * (most - len(word) - 1)} {word}"
    words = read(reply).summary
    assert len(said) == 11
    assert [text for text in said.values() if text not in words] == []


def test_the_longest_reply_still_has_a_summary():
    reply = good_reply()
    longest = {"noun": "n" * 120, "why": "w" * 400, "movement_description": "m" * 600}
    reply["affected_objects"] = [reply["affected_objects"][0] | longest] * 5
    reply["integral_belongings"] = [
        reply["integral_belongings"][0] | {"noun": "b" * 120, "why": "y" * 400}
    ] * 3
    summary = read(reply, said_by="s" * 400).summary
    assert len(summary) == 4000
    assert "with a confidence of 0.75: bbb" in summary


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
