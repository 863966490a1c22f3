from __future__ import annotations

import numpy as np
import pytest
from synthetic_footage import AFFECTED, HEIGHT, KEEP, OVERLAP, WIDTH, ArrayMask, make_plan, scene

from void_audit.errors import Cancelled, MaskError
from void_audit.media.memory import ArrayClip
from void_audit.model.geometry import Rect, Size
from void_audit.pipeline.synthesize.scripted import ScriptedRefiner, ScriptedSynthesizer


def test_the_scripted_synthesizer_paints_exactly_what_is_opened():
    made, out = scene(frames=3), []
    report = ScriptedSynthesizer((1, 2, 3)).synthesize(made.clip, made.mask, make_plan(), out.append)
    for picture, before, classes in zip(out, made.pictures, made.mask.masks, strict=True):
        assert (picture[classes != KEEP] == (1, 2, 3)).all()
        np.testing.assert_array_equal(picture[classes == KEEP], before[classes == KEEP])
    assert report.frames == 3
    assert ScriptedSynthesizer().info.kind == "scripted"


def test_it_keeps_to_the_geometry_and_refuses_a_wrong_mask():
    made, out = scene(frames=2), []
    plan = make_plan(crop=Rect(x=10, y=20, width=80, height=60), scaled=Size(40, 30))
    ScriptedSynthesizer().synthesize(made.clip, made.mask, plan, out.append)
    assert {p.shape for p in out} == {(30, 40, 3)}
    with pytest.raises(MaskError):
        ScriptedSynthesizer().synthesize(made.clip, ArrayMask(made.mask.masks[:1]), plan, out.append)


def test_the_scripted_refiner_hands_the_take_on():
    made, out = scene(frames=3), []
    report = ScriptedRefiner().refine(made.clip, ArrayClip(made.truth), made.mask, make_plan(), out.append)
    np.testing.assert_array_equal(out, made.truth)
    assert (report.frames, report.statistics) == (3, {"refined": 0.0})
    assert ScriptedRefiner().info.kind == "scripted"


def test_nothing_opened_changes_nothing_and_everything_opened_changes_all():
    made = scene(frames=2, path=lambda i: None, size=(35, 33))
    plan = make_plan(Size(35, 33))
    for value, colour in ((KEEP, None), (OVERLAP, (9, 8, 7))):
        mask, out = ArrayMask([np.full((33, 35), value, np.uint8)] * 2), []
        ScriptedSynthesizer((9, 8, 7)).synthesize(made.clip, mask, plan, out.append)
        expected = made.pictures if colour is None else np.full((2, 33, 35, 3), colour)
        np.testing.assert_array_equal(out, expected)


class OwnPictures(ArrayClip):
    """A clip whose view hands out its own pictures."""

    def view(self, crop=None, size=None) -> ArrayClip:
        return self


def test_the_source_is_not_painted_over():
    made, out = scene(frames=2), []
    before = np.stack(made.pictures)
    ScriptedSynthesizer((0, 0, 0)).synthesize(OwnPictures(made.pictures), made.mask, make_plan(), out.append)
    np.testing.assert_array_equal(made.pictures, before)
    assert (out != before).any()


def test_a_scaled_pixel_is_painted_if_any_pixel_under_it_is_opened():
    made, out = scene(frames=1, path=lambda i: None, noise=0), []
    made.mask.masks[0][60, 81] = AFFECTED
    plan = make_plan(scaled=Size(WIDTH // 4, HEIGHT // 4))
    ScriptedSynthesizer((1, 2, 3)).synthesize(made.clip, made.mask, plan, out.append)
    assert np.argwhere((out[0] == (1, 2, 3)).all(axis=2)).tolist() == [[15, 20]]


def test_a_mask_of_another_size_is_refused_before_anything_is_written():
    made, out = scene(frames=2), []
    narrow = ArrayMask([m[:, :-1] for m in made.mask.masks])
    with pytest.raises(MaskError) as error:
        ScriptedSynthesizer().synthesize(made.clip, narrow, make_plan(), out.append)
    assert error.value.code == "mask-size"
    assert not out


def cancelled_at_the_third(work) -> tuple[list[np.ndarray], list[tuple[int, int]]]:
    out, told = [], []

    def progress(what, done, total):
        told.append((done, total))
        if done == 2:
            raise Cancelled("stopped", "stopped")

    with pytest.raises(Cancelled):
        work(out.append, progress)
    return out, told


def test_both_report_each_frame_and_can_be_cancelled():
    made, plan = scene(frames=4), make_plan()
    take = ArrayClip(made.truth)
    for work in (
        lambda *rest: ScriptedSynthesizer().synthesize(made.clip, made.mask, plan, *rest),
        lambda *rest: ScriptedRefiner().refine(made.clip, take, made.mask, plan, *rest),
    ):
        out, told = cancelled_at_the_third(work)
        assert told == [(0, 4), (1, 4), (2, 4)]
        assert len(out) == 2
