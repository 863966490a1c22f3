"""Following: through motion, panning, occlusion and absence."""

import numpy as np
import pytest

from void_audit.pipeline.segment.colour import ColourModel, bins_of, histogram
from void_audit.pipeline.segment.follow import Follower
from void_audit.pipeline.segment.window import overlap


def follow(scene, saliency, score=0.9):
    """Overlaps, confidences and areas from the exact mask of the first frame on."""
    pictures = list(scene.clip.frames())
    bins = bins_of(pictures[0])
    inside, around = histogram(bins, scene.masks[0]), histogram(bins, ~scene.masks[0])
    size = scene.clip.info.size
    follower = Follower(saliency, size, ColourModel(inside, inside, around))
    said = [follower.start(pictures[0], scene.masks[0], score), *(follower.step(p) for p in pictures[1:])]
    masks = [estimate.heat(size) > 0 for estimate in said]
    return (
        [overlap(m, r) for m, r in zip(masks, scene.masks, strict=True)],
        [e.confidence for e in said],
        masks,
    )


def test_a_moving_object_is_followed(scenes, saliency):
    scene = scenes(12, lambda i: (50 + 8 * i, 60 + 3 * i))
    overlaps, confidence, _ = follow(scene, saliency)
    assert min(overlaps) > 0.85
    assert min(confidence) > 0.6


def test_it_is_followed_while_the_camera_pans(scenes, saliency):
    scene = scenes(12, lambda i: (60 + 8 * i, 80), pan=4)
    assert min(follow(scene, saliency)[0]) > 0.85


def test_flow_colour_and_plate_suffice_where_the_network_is_blind(scenes, blind_saliency):
    scene = scenes(12, lambda i: (50 + 8 * i, 60 + 3 * i))
    overlaps, _, _ = follow(scene, blind_saliency)
    assert np.mean(overlaps) > 0.75


def test_an_object_that_leaves_is_gone_and_that_is_not_sure(scenes, saliency):
    scene = scenes(16, lambda i: (150 + 10 * i, 80))
    _, confidence, masks = follow(scene, saliency)
    assert not masks[-1].any()
    assert not masks[-2].any()
    assert confidence[-1] <= 0.6 < confidence[1]


def test_an_object_behind_a_pillar_is_found_again(scenes, saliency):
    scene = scenes(24, lambda i: (30 + 8 * i, 80), radius=14, occluder=(95, 140))
    overlaps, confidence, masks = follow(scene, saliency)
    hidden = [i for i, mask in enumerate(scene.masks) if not mask.any()]
    assert hidden
    assert any(not masks[i].any() for i in hidden)
    assert np.mean(overlaps[-4:]) > 0.8
    assert min(confidence[i] for i in hidden) < 0.6


def test_it_comes_back_after_it_left(scenes, saliency):
    def path(i):
        return (180 + 14 * i, 80) if i < 9 else (180 + 14 * (17 - i), 80)

    overlaps, _, masks = follow(scenes(18, path), saliency)
    assert not masks[8].any()
    assert overlaps[-1] > 0.8


def test_no_frame_is_surer_than_the_clicked_one(scenes, saliency):
    scene = scenes(6, lambda i: (60 + 8 * i, 80))
    _, sure, _ = follow(scene, saliency, score=0.9)
    _, unsure, _ = follow(scene, saliency, score=0.4)
    assert max(unsure) < 0.5 < min(sure)


def test_evidence_survives_its_packing(scenes, saliency):
    scene = scenes(3, lambda i: (60 + 8 * i, 80))
    size = scene.clip.info.size
    pictures = list(scene.clip.frames())
    bins = bins_of(pictures[0])
    colours = ColourModel(
        histogram(bins, scene.masks[0]), histogram(bins, scene.masks[0]), histogram(bins, ~scene.masks[0])
    )
    follower = Follower(saliency, size, colours)
    heat = follower.start(pictures[0], scene.masks[0], 1.0).heat(size)
    assert np.array_equal(heat > 0, scene.masks[0])
    assert heat.min() >= -1
    assert heat.max() <= 1


@pytest.mark.parametrize("jump", [60, 90])
def test_a_jump_beyond_the_window_is_caught_by_the_plate(scenes, saliency, jump):
    scene = scenes(10, lambda i: (50 + 4 * i + (jump if i >= 6 else 0), 80))
    overlaps, _, _ = follow(scene, saliency)
    assert overlaps[-1] > 0.8
