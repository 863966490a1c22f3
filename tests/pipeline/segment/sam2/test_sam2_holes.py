"""Small holes are filled, and nothing else is changed."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from void_audit.pipeline.segment.sam2.holes import fill_holes


def scores_of(rows: str) -> torch.Tensor:
    """``#`` is object, ``.`` is not."""
    table = [[3.0 if mark == "#" else -2.0 for mark in row] for row in rows.split()]
    return torch.tensor(table)[None, None]


def text(scores: torch.Tensor) -> str:
    return " ".join("".join("#" if s > 0 else "." for s in row) for row in scores[0, 0].tolist())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("##### #...# #####", "##### ##### #####"),
        ("##### #...# #...# #...# #####", "##### #...# #...# #...# #####"),  # nine pixels
        ("###### #....# #....# ######", "###### ###### ###### ######"),  # eight
        ("#### #.## ##.# ####", "#### #### #### ####"),
        ("..... ..#.. .....", "..... ..#.. ....."),
        ("####### #......", "####### #######"),  # at the edge too
        ("........", "########"),
        (".........", "........."),
        ("###", "###"),
    ],
)
def test_holes_of_up_to_eight_connected_pixels(before, after):
    scores = scores_of(before)
    assert text(fill_holes(scores)) == after


def test_corners_connect():
    diagonal = scores_of(" ".join("#" * i + "." + "#" * (9 - i) for i in range(10)))
    assert torch.equal(fill_holes(diagonal), diagonal)


@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
def test_what_is_object_keeps_its_score_and_what_is_filled_is_just_object(seed, area):
    generator = np.random.default_rng(seed)
    scores = torch.from_numpy(generator.normal(0.5, 1, (2, 1, 14, 17)).astype(np.float32))
    before = scores.clone()
    filled = fill_holes(scores, area)
    assert torch.equal(scores, before)
    changed = filled != scores
    assert torch.equal(filled[changed], torch.full_like(filled[changed], 0.1))
    assert (scores[changed] <= 0).all()
    for number in range(2):
        assert torch.equal(filled[number : number + 1], fill_holes(scores[number : number + 1], area))


def test_an_object_smaller_than_a_hole_is_left_as_it_is():
    speck = scores_of(".......... ....##.... ..........")
    assert torch.equal(fill_holes(speck), speck)


def test_no_score_is_no_number_and_stays_none():
    scores = torch.full((1, 1, 4, 4), float("nan"))
    assert fill_holes(scores).isnan().all()
