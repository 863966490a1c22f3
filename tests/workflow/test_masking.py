"""Segment, reason, compose: what is refused, what is stored, what is not asked twice."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
from house import FAST, STORY, CountingEngines
from hypothesis import given, settings
from hypothesis import strategies as st
from simulator.studio import BOX, FRAMES, SIZE, consequences

from void_audit.errors import LedgerError, ReasoningError, RequestError
from void_audit.model.geometry import Size
from void_audit.model.mask import MaskClass, PackedBitmaps
from void_audit.model.track import Click
from void_audit.pipeline.reason.scripted import ScriptedReasoner
from void_audit.workflow.masking import stored_mask
from void_audit.workflow.material import source_clip
from void_audit.workflow.recorder import Recorder
from void_audit.workflow.seeing import scaled_marks as scaled
from void_audit.workflow.seeing import working_size


@settings(deadline=None)
@given(st.integers(2, 8192), st.integers(2, 4320))
def test_the_working_size_is_even_small_and_never_larger(width, height):
    working = working_size(Size(width, height))
    assert working.width % 2 == working.height % 2 == 0
    assert min(working) <= 384
    assert working.width <= max(2, width + 1)
    assert working.height <= max(2, height + 1)


def test_clicks_are_scaled_with_the_picture():
    (click,) = scaled([Click(frame=3, x=960.0, y=540.0)], Size(1920, 1080), Size(682, 384))
    assert (click.frame, click.x, click.y) == (3, 341.0, 192.0)


def test_the_mask_is_of_the_source_and_holds_the_object(house):
    recorder = Recorder(house.workshop, house.planned("mask"))
    mask = stored_mask(recorder)
    assert (mask.size, len(mask)) == (SIZE, FRAMES)
    assert source_clip(recorder).info.size == SIZE
    first = next(mask.classes(0, 1))
    assert (first[BOX.y : BOX.bottom, BOX.x : BOX.right] == MaskClass.REMOVE).all()
    assert set(np.unique(next(mask.classes(1, 2)))) == {MaskClass.REMOVE, MaskClass.AFFECTED, MaskClass.KEEP}


class Blind(CountingEngines):
    """A segmenter that finds nothing."""

    def segmenter(self, settings):
        engine = super().segmenter(settings)
        work = engine.segment

        def blind(clip, *args):
            track = work(clip, *args)
            return replace(track, masks=PackedBitmaps.empty(track.masks.size, len(track.masks)))

        engine.segment = blind
        return engine


def test_an_object_that_is_not_found(house):
    folder, sighted = house.request("blind"), house.workshop
    house.workshop = replace(sighted, engines=Blind())
    with pytest.raises(RequestError) as caught:
        house.plan(folder, FAST)
    assert (caught.value.code, caught.value.exit_code) == ("object-not-found", 2)
    assert house.steps(house.edits()[-1]) == STORY[:3]
    house.workshop = sighted
    assert house.plan(folder, FAST).resumed


def test_a_reasoner_that_answers_nonsense(house):
    class Wild:
        info = ScriptedReasoner(consequences()).info
        settings: ClassVar = {}

        def reason(self, clip, track, request, progress=None):
            good = ScriptedReasoner(consequences()).reason(clip, track, request)
            return replace(good, consequences=consequences(frames=10_000))

    class Engines(CountingEngines):
        def reasoner(self, settings):
            return Wild()

    folder, sane = house.request("wild"), house.workshop
    house.workshop = replace(sane, engines=Engines())
    with pytest.raises(ReasoningError) as caught:
        house.plan(folder, FAST)
    assert caught.value.code == "reply-out-of-bounds"
    assert house.steps(house.edits()[-1]) == [*STORY[:6], "refused-reply"]
    house.workshop = sane


def stopped_after(house, name, stage):
    """An edit whose planning was stopped before ``stage`` worked."""
    folder = house.request(name)
    house.engines.before = lambda engine: (
        (_ for _ in ()).throw(KeyboardInterrupt) if engine == stage else None
    )
    with pytest.raises(KeyboardInterrupt):
        house.plan(folder, FAST)
    house.engines.before = lambda engine: None
    return folder, house.edits()[-1]


def test_a_stored_track_is_read_back_exactly_and_not_made_again(house):
    fresh = Recorder(house.workshop, house.planned("fresh")).state.mask.identity
    folder, edit = stopped_after(house, "stopped", "reason")
    assert house.steps(edit) == STORY[:6]
    calls = house.engines.calls["segment"]
    assert house.plan(folder, FAST).state.mask.identity == fresh
    assert house.engines.calls["segment"] == calls


def test_a_stored_track_that_was_changed(house):
    folder, edit = stopped_after(house, "changed", "reason")
    state = Recorder(house.workshop, edit).state
    with house.damaged(state.segmentation.track.sha256), pytest.raises(LedgerError) as caught:
        house.plan(folder, FAST)
    assert (caught.value.code, caught.value.exit_code) == ("blob-corrupt", 1)
    assert house.steps(edit) == STORY[:6]
