"""The predictor computes a frame's features once for all objects, and remembers what it needs."""

import pytest
import torch
from tiny_sam2 import ARCHITECTURE

from void_audit.model.geometry import Size
from void_audit.pipeline.segment.sam2.pictures import Screen


@pytest.fixture
def looks(predictor, monkeypatch):
    """How often the image encoder ran."""
    seen: list[int] = []
    encode = predictor.forward_image

    def count(picture):
        seen.append(1)
        return encode(picture)

    monkeypatch.setattr(predictor, "forward_image", count)
    return seen


@torch.inference_mode()
def test_a_frame_is_encoded_once_for_all_objects(predictor, looks, clip_of):
    screen = Screen(64)
    states = [predictor.begin(screen, Size(80, 48), 9) for _ in range(3)]
    for frame, picture in enumerate(clip_of(3).frames()):
        screen.show(frame, picture)
        for state in states:
            predictor.add_new_points_or_box(state, frame, 1, points=[[9, 9]], labels=[1])
            predictor.propagate_in_video_preflight(state)
            assert state["cached_features"] == {}
        assert len(looks) == frame + 1
        assert list(screen.features) == [frame]


def test_how_far_back_it_attends(predictor):
    assert predictor.num_maskmem == 7
    assert predictor.reach == predictor.max_obj_ptrs_in_encoder == 16
    predictor.max_obj_ptrs_in_encoder = 3
    assert predictor.reach == 7
    predictor.memory_temporal_stride_for_eval = 5
    assert predictor.reach == 35


@torch.inference_mode()
def test_the_estimated_quality_is_that_of_the_mask_that_is_chosen(predictor, clip_of):
    screen = Screen(ARCHITECTURE["image_size"])
    state = predictor.begin(screen, Size(80, 48), 9)
    screen.show(0, next(clip_of(1).frames()))
    heads, seen = predictor.sam_mask_decoder.forward, []
    predictor.sam_mask_decoder.forward = lambda **inputs: seen.append(heads(**inputs)) or seen[-1]
    predictor.add_new_points_or_box(state, 0, 1, points=[[9, 9]], labels=[1])
    estimates = seen[0][1]
    assert estimates.shape == (1, 3)
    output = state["temp_output_dict_per_obj"][0]["cond_frame_outputs"][0]
    assert output["iou"] == estimates.max()
    assert 0 < output["iou"] < 1
    chosen = seen[0][0][0, estimates.argmax()]
    assert torch.equal(output["pred_masks"][0, 0] > 0, chosen > 0)
