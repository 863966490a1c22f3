"""Candidates: crops that hold the marks, masks within the box, and no mark that stops GrabCut."""

import numpy as np
import pytest

from void_audit.model.geometry import Rect, Size
from void_audit.pipeline.segment.candidates import candidates, crops
from void_audit.pipeline.segment.marks import Prompt
from void_audit.pipeline.segment.window import Window, overlap

SIZE = Size(672, 384)


def clicked(*inside, outside=()):
    return Prompt(0, tuple(inside), tuple(outside))


def boxed(x, y, width, height, inside=(), outside=()):
    return Prompt(0, tuple(inside), tuple(outside), Rect(x=x, y=y, width=width, height=height))


def test_crops_round_clicks_grow_and_hold_them():
    found = crops(clicked((100, 80), (160, 90)), SIZE)
    widths = [w.shape[1] for w in found]
    assert widths == sorted(widths)
    assert len(set(widths)) == len(widths)
    assert all(w.left <= 100 and w.right > 160 for w in found)
    assert len(crops(clicked((0, 0), (671, 383)), SIZE)) == 1


@pytest.mark.parametrize("box", [(200, 100, 200, 80), (0, 0, 30, 300), (600, 300, 72, 84), (5, 5, 1, 1)])
def test_crops_round_a_box_grow_and_hold_it(box):
    prompt = boxed(*box, inside=[(300, 120)])
    found = crops(prompt, SIZE)
    assert len(found) > 1 or box[2] == 1
    assert all(w.left <= box[0] and w.top <= box[1] for w in found)
    assert all(w.right >= box[0] + box[2] and w.bottom >= box[1] + box[3] for w in found)
    assert all(
        w.left >= 0 and w.top >= 0 and w.right <= SIZE.width and w.bottom <= SIZE.height for w in found
    )
    areas = [w.shape[0] * w.shape[1] for w in found]
    assert areas == sorted(set(areas))
    assert areas[0] < 6 * max(64 * 64, box[2] * box[3])


def test_a_box_of_the_whole_picture_is_one_crop():
    assert crops(boxed(0, 0, *SIZE), SIZE) == [Window(0, 0, *SIZE)]


def test_no_candidate_reaches_out_of_the_box(scenes, saliency):
    picture = next(scenes(1, lambda i: (120, 80), radius=30).clip.frames())
    outside = np.ones(picture.shape[:2], bool)
    outside[70:100, 100:150] = False
    found = list(candidates(picture, boxed(100, 70, 50, 30), saliency))
    assert any(c.mask.any() for c in found)
    assert not any((c.mask & outside).any() for c in found)


def test_a_box_takes_every_part_and_clicks_only_the_clicked(scenes, saliency):
    scene = scenes(1, lambda i: (70, 80), radius=20)
    picture = next(scene.clip.frames()).copy()
    picture[50:111, 130:191] = picture[50:111, 40:101]
    both = scene.masks[0] | np.roll(scene.masks[0], 90, axis=1)
    by_box = [c.mask for c in candidates(picture, boxed(45, 55, 142, 52), saliency)]
    by_click = [c.mask for c in candidates(picture, clicked((70, 80)), saliency)]
    assert max(overlap(mask, both) for mask in by_box) > 0.85
    assert max(overlap(mask, both) for mask in by_click) < 0.6
    assert max(overlap(mask, scene.masks[0]) for mask in by_click) > 0.9


def test_a_candidate_is_whole_where_it_fills_its_box(scenes, saliency):
    picture = next(scenes(1, lambda i: (120, 80), radius=28).clip.frames())
    tight = [c for c in candidates(picture, boxed(92, 52, 57, 57), saliency) if c.source == 1]
    loose = [c for c in candidates(picture, boxed(60, 20, 121, 121), saliency) if c.source == 1]
    assert all(c.whole > 0.9 for c in tight)
    assert all(0.1 < c.whole < 0.4 for c in loose)


def test_a_crop_that_cuts_the_object_off_makes_no_whole_candidate(scenes, saliency):
    picture = next(scenes(1, lambda i: (120, 80), radius=60).clip.frames())
    found = list(
        candidates(picture, clicked((120, 80)), lambda part, side: np.ones(part.shape[:2], np.float32))
    )
    assert found[0].whole == 0.0


@pytest.mark.parametrize(
    "prompt",
    [
        boxed(0, 0, 240, 160),
        boxed(0, 0, 1, 1),
        boxed(239, 159, 1, 1),
        boxed(17, 33, 2, 2),
        boxed(0, 0, 240, 160, outside=[(5, 5)]),
        clicked((0, 0), (239, 0), (239, 159), (0, 159)),
        clicked(*((x, y) for x in range(0, 240, 4) for y in range(0, 160, 4))),
        boxed(10, 10, 60, 60, inside=[(200, 100)]),
    ],
)
def test_no_mark_stops_the_work(scenes, blind_saliency, prompt):
    picture = next(scenes(1, lambda i: (120, 80)).clip.frames())
    assert all(c.mask.shape == (160, 240) for c in candidates(picture, prompt, blind_saliency))


@pytest.mark.parametrize("shape", [(8, 8), (2, 2), (3, 40)])
def test_tiny_pictures_are_no_special_case(saliency, shape):
    picture = np.full((*shape, 3), 90, np.uint8)
    for prompt in (clicked((1, 1)), boxed(0, 0, 2, 2), boxed(0, 0, *shape[::-1])):
        assert all(c.mask.shape == shape for c in candidates(picture, prompt, saliency))
