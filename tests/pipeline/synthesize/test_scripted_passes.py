from __future__ import annotations

import numpy as np
import pytest
from synthetic_footage import KEEP, ArrayMask, make_plan, scene

from void_audit.errors import MaskError
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
