"""Windows in time and their weights (spec/void section 1.7)."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from void_audit.pipeline.synthesize.void.padding import latent_length, padded_length
from void_audit.pipeline.synthesize.void.windows import latent_windows, weights


@pytest.mark.parametrize(
    ("latents", "frames", "expected"),
    [
        (22, 85, [(0, 22)]),
        (24, 85, [(0, 22), (18, 24)]),
        (50, 85, [(0, 22), (18, 40), (36, 50)]),
        (14, 21, [(0, 6), (2, 8), (4, 10), (6, 12), (8, 14)]),
        (6, 85, [(0, 6)]),
    ],
)
def test_windows_begin_an_overlap_before_the_last_ones_end(latents, frames, expected):
    assert latent_windows(latents, frames, 16) == expected


def test_197_frames_cost_58_latents_a_step_instead_of_50():
    assert sum(end - begin for begin, end in latent_windows(50)) == 58


@given(st.integers(1, 2000), st.sampled_from([21, 45, 85, 133]), st.sampled_from([0, 8, 16]))
def test_windows_cover_everything_in_even_lengths(frames, window, overlap):
    latents = latent_length(padded_length(frames, window))
    spans = latent_windows(latents, window, overlap)
    assert spans[0][0] == 0
    assert spans[-1][1] == latents
    for begin, end in spans:
        assert (end - begin) % 2 == 0
        assert overlap // 4 < end - begin <= latent_length(window)
    for (_, end), (begin, _) in pairwise(spans):
        assert end - begin == overlap // 4


@pytest.mark.parametrize(("window", "overlap"), [(80, 16), (85, 12), (85, 88), (21, 24), (85, -8)])
def test_windows_that_would_be_odd_or_stand_still_are_refused(window, overlap):
    with pytest.raises(ValueError, match=f"Windows of {window} frames overlapping by {overlap}"):
        latent_windows(50, window, overlap)


def test_weights_are_ramps_of_fifths():
    fifths = torch.tensor([1, 2, 3, 4]) / 5
    first, middle, last = (weights(w, 50, 4, torch.float32).flatten() for w in latent_windows(50))
    assert torch.equal(first, torch.cat([torch.ones(18), fifths.flip(0)]))
    assert torch.equal(middle, torch.cat([fifths, torch.ones(14), fifths.flip(0)]))
    assert torch.equal(last, torch.cat([fifths, torch.ones(10)]))


def test_where_ramps_meet_the_falling_one_holds():
    ramps = weights((2, 8), 14, 4, torch.float32).flatten()
    assert torch.equal(ramps, torch.tensor([1, 2, 4, 3, 2, 1]) / 5)


def test_a_single_window_weighs_one_everywhere():
    assert torch.equal(weights((0, 22), 22, 4, torch.float32), torch.ones(22, 1, 1, 1))


def test_without_overlap_nothing_is_faded():
    assert torch.equal(weights((22, 44), 66, 0, torch.float32), torch.ones(22, 1, 1, 1))


def test_weights_are_made_in_the_latents_dtype():
    ramp = weights((18, 40), 50, 4, torch.bfloat16)
    assert ramp.dtype == torch.bfloat16
    assert ramp.flatten()[:4].tolist() == (torch.arange(1, 5, dtype=torch.bfloat16) / 5).tolist()


@given(st.integers(1, 600))
def test_overlapping_weights_add_up_to_one(frames):
    latents = latent_length(padded_length(frames))
    total = torch.zeros(latents)
    for begin, end in latent_windows(latents):
        total[begin:end] += weights((begin, end), latents, 4, torch.float32).flatten()
    torch.testing.assert_close(total, torch.ones(latents))
