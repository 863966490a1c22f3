"""A person reads who said what, and what was left open."""

from vlm_scenes import cells, good_reply, read

from void_audit.pipeline.reason.vlm.telling import gaps


def lime(**changes):
    reply = good_reply()
    reply["affected_objects"][0].update(changes)
    return reply


def test_the_summary_says_who_and_what():
    summary = read(good_reply()).summary
    assert summary.startswith("scripted-model (m-1) says")
    for words in (
        "lime behaves differently from frame 4 on: The hand holds it up. It would move without the object.",
        "shadow of the hand looks different from frame 0 on: The hand keeps the light off the table.",
        "It would have stayed where it was.",
        "With the object goes: ring.",
        "Its own confidence is 0.75.",
    ):
        assert words in summary


def test_the_longest_reply_still_has_a_summary():
    reply = good_reply()
    reply["affected_objects"] = [reply["affected_objects"][0] | {"noun": "n" * 120, "why": "w" * 400}] * 5
    reply["integral_belongings"] = [reply["integral_belongings"][0] | {"noun": "b" * 120}] * 3
    summary = read(reply, said_by="s" * 400).summary
    assert len(summary) <= 4000
    assert summary.endswith("Its own confidence is 0.75.")


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
