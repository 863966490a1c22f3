from __future__ import annotations

import cv2
import numpy as np
import pytest
from synthetic_footage import HEIGHT, KEEP, WIDTH, make_plan, scene

from void_audit.model.geometry import FrameRange, Rect, Size
from void_audit.pipeline.synthesize import samples
from void_audit.pipeline.synthesize.footage import FootageReader, opened_at


@pytest.mark.parametrize("unit", [1, 3])
def test_the_guard_is_not_trusted_and_grows_with_the_picture(monkeypatch, unit):
    monkeypatch.setattr(samples, "LINES", HEIGHT // unit)
    made = scene(frames=6, path=lambda i: (80, 60))
    footage = FootageReader(made.clip, made.mask, make_plan(guard=2)).window(FrameRange(start=0, stop=6))
    opened = made.mask.masks[0] != KEEP
    side = 2 * 2 * unit + 1
    near = cv2.dilate(opened.astype(np.uint8), np.ones((side, side), np.uint8)).astype(bool)
    assert footage.unit == unit
    for trusted in footage.trusted:
        np.testing.assert_array_equal(trusted, ~near)


def test_windows_hold_their_own_frames_only():
    made = scene(frames=12)
    reader = FootageReader(made.clip, made.mask, make_plan())
    for start, stop in ((0, 5), (3, 8), (8, 12)):
        footage = reader.window(FrameRange(start=start, stop=stop))
        assert len(footage) == stop - start
        for index, frame in enumerate(footage.frames):
            np.testing.assert_array_equal(frame, made.pictures[start + index])
            np.testing.assert_array_equal(footage.opened[index], made.mask.masks[start + index] != KEEP)


def test_a_pixel_is_open_if_anything_that_it_covers_is():
    classes = np.full((HEIGHT, WIDTH), KEEP, np.uint8)
    classes[61, 83] = 2
    small = opened_at(classes, Rect(x=20, y=10, width=120, height=100), Size(30, 25))
    assert np.argwhere(small).tolist() == [[(61 - 10) // 4, (83 - 20) // 4]]
