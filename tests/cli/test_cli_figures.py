"""A pass's figures are told in words, and none is lost."""

from __future__ import annotations

from void_audit.cli.figures import in_words


def test_figures_are_told_in_words_and_in_one_order():
    said = in_words({"flicker_after": 1.25, "flicker_before": 2.5, "refined": 1.0, "sharpness_kept": 0.9})
    assert said == "flicker 2.50 levels before, 1.25 after, 90% of the sharpness kept"


def test_shares_are_percent():
    said = in_words({"from_other_frames_share": 0.9871, "from_examples_share": 0.0129})
    assert "98.7% of what is made anew was seen in other frames" in said
    assert "1.3% was made after" in said
    assert "_" not in said


def test_what_a_treatment_filled_is_told_as_the_filling_engine_tells_it():
    assert "seen in other frames" in in_words({"toned_levels": 3.0, "fill_from_other_frames_share": 1.0})


def test_a_figure_without_words_keeps_its_name():
    assert in_words({"lost_marbles": 3.0}) == "lost marbles 3"


def test_nothing_is_nothing():
    assert in_words({}) == ""
    assert in_words({"refined": 0.0}) == ""


def test_a_pass_that_began_at_its_beginning_has_not_gone_on():
    assert in_words({"steps": 30, "resumed_from_step": 0}) == "30 steps"
    assert in_words({"steps": 30, "resumed_from_step": 12}) == "30 steps, gone on from step 12"
