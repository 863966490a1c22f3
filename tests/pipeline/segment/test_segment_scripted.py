"""The scripted segmenter does exactly what its script says, and checks clicks like the real one."""

import numpy as np
import pytest

from void_audit.errors import MaskError, RequestError
from void_audit.model.geometry import Size
from void_audit.model.track import Click
from void_audit.pipeline.segment.scripted import MovingShape, ScriptedSegmenter

CLICKS = [Click(frame=0, x=50, y=40)]


@pytest.fixture
def clip(scenes):
    return scenes(4, lambda i: (60, 60)).clip


def test_a_disc_moves_as_scripted(clip):
    shape = MovingShape(x=50, y=40, radius=10, dx=20, dy=5)
    track = ScriptedSegmenter(shape, confidence=0.8).segment(clip, CLICKS)
    rows, columns = np.nonzero(track.masks[3])
    assert (columns.mean(), rows.mean()) == (110, 55)
    assert columns.max() - columns.min() == 20
    assert track.confidence == (0.8,) * 4
    assert track.engine.kind == "scripted"


def test_a_square_is_cut_at_the_edge_and_gone_beyond_it():
    shape = MovingShape(x=0, y=0, radius=4, dx=-30, kind="square")
    assert shape.at(0, Size(20, 20)).sum() == 25
    assert not shape.at(1, Size(20, 20)).any()


def test_given_masks_come_back_unchanged(clip):
    rng = np.random.default_rng(0)
    masks = [rng.random((160, 240)) > 0.5 for _ in range(4)]
    track = ScriptedSegmenter(masks).segment(clip, CLICKS)
    assert all(np.array_equal(a, b) for a, b in zip(track.masks, masks, strict=True))


@pytest.mark.parametrize(
    ("masks", "code"),
    [
        ([np.zeros((160, 240), bool)] * 3, "mask-frames"),
        ([np.zeros((160, 240), bool)] * 3 + [np.zeros((240, 160), bool)], "mask-size"),
    ],
)
def test_masks_that_do_not_fit_are_refused(clip, masks, code):
    with pytest.raises(MaskError) as caught:
        ScriptedSegmenter(masks).segment(clip, CLICKS)
    assert caught.value.code == code


def test_clicks_are_checked_like_the_real_segmenters(clip):
    with pytest.raises(RequestError):
        ScriptedSegmenter(MovingShape(1, 1, 1)).segment(clip, [])
