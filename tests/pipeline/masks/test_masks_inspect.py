"""The report of a mask: shares, fit, findings in order, in one pass."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from clips import moving_square
from held_mask import AFFECTED, KEEP, REMOVE, HeldMask, even, house_schema, noise
from hypothesis import given
from hypothesis import strategies as st

from void_audit.canon.mask import mask_statistics
from void_audit.errors import MaskError
from void_audit.media.memory import ArrayClip
from void_audit.model.clip import ClipInfo
from void_audit.pipeline.masks.inspect import MaskReport, inspect
from void_audit.pipeline.masks.schema import builtin

QUADMASK = builtin("quadmask")


def source(frames: int, width: int, height: int) -> ClipInfo:
    return ArrayClip([moving_square((width, height), 0)] * frames).info


def good(frames: int = 6) -> HeldMask:
    """An object that moves, and from frame 1 on what it caused beside it."""
    pictures = []
    for number in range(frames):
        picture = np.full((96, 160), KEEP, np.uint8)
        picture[20:50, 20 + number : 50 + number] = REMOVE
        picture[20:50, 50 + number : 60 + number] = AFFECTED if number else KEEP
        pictures.append(picture)
    return HeldMask(pictures)


def codes(report: MaskReport) -> list[str]:
    return [finding.code for finding in report.findings]


def test_a_mask_with_nothing_to_say() -> None:
    report = inspect(good(), QUADMASK, source(6, 160, 96))
    assert report.findings == ()
    assert report.usable
    assert (report.width, report.height, report.frames) == (160, 96, 6)
    assert (report.touching_frame, report.max_opened_frame) == (1, 1)
    assert report.max_opened_share == 1200 / 15360
    remove, overlap, affected, keep = report.classes
    assert (remove.name, remove.frames, remove.max_frame) == ("remove", 6, 0)
    assert remove.mean_share == remove.max_share == 900 / 15360
    assert (affected.frames, affected.max_frame, affected.max_share) == (5, 1, 300 / 15360)
    assert affected.mean_share == pytest.approx(250 / 15360)
    assert (overlap.frames, overlap.max_frame, overlap.max_share) == (0, None, 0)
    assert (keep.name, keep.max_frame) == ("keep", 0)
    assert MaskReport.model_validate_json(report.model_dump_json()) == report


@given(seed=st.integers(0, 999), name=st.sampled_from(["quadmask", "house"]))
def test_shares_are_those_of_the_record(seed: int, name: str) -> None:
    schema = QUADMASK if name == "quadmask" else house_schema()
    mask = noise(seed, classes=len(schema.classes))
    report, statistics = inspect(mask, schema), mask_statistics(mask, schema)
    assert [c.mean_share for c in report.classes] == pytest.approx(statistics.mean_share)
    assert [c.max_share for c in report.classes] == pytest.approx(statistics.max_share)
    assert report.max_opened_share == pytest.approx(statistics.max_opened_share)
    for index, presence in enumerate(report.classes):
        assert presence.max_frame is not None
        assert (mask.pictures[presence.max_frame] == index).mean() == presence.max_share
        assert presence.frames == sum(bool((p == index).any()) for p in mask.pictures)


def test_errors_come_first() -> None:
    pictures = [p.copy() for p in good().pictures]
    pictures[0][80, 80] = AFFECTED
    pictures[2][:, :] = KEEP
    report = inspect(HeldMask(pictures), QUADMASK, source(7, 80, 48))
    assert not report.usable
    assert codes(report)[:3] == ["mask-size", "mask-frames", "mask-frame-zero"]
    assert codes(report)[3:] == ["mask-object-absent", "mask-specks", "mask-jump", "mask-flicker"]
    assert [f.severity for f in report.findings] == ["error"] * 3 + ["warning"] * 4
    assert "160x96" in report.findings[0].message
    assert "80x48" in report.findings[0].message
    assert "6 frames" in report.findings[1].message


def test_the_fit_is_told_only_where_there_is_a_source() -> None:
    assert codes(inspect(good(), QUADMASK)) == []
    assert codes(inspect(good(), QUADMASK, source(6, 160, 97))) == ["mask-size"]
    assert codes(inspect(good(), QUADMASK, source(5, 160, 96))) == ["mask-frames"]


def test_a_mask_of_nothing() -> None:
    report = inspect(even(3, 40, 30), QUADMASK)
    assert codes(report) == ["mask-empty"]
    assert (report.max_opened_frame, report.touching_frame) == (None, None)


def test_specks_grow_with_the_picture() -> None:
    for width, height, largest in ((160, 96, 3), (2000, 1000, 19)):
        for area, found in ((largest, ["mask-specks"]), (largest + 1, [])):
            picture = np.full((height, width), KEEP, np.uint8)
            picture[10:40, 10:40] = REMOVE
            picture[60, 60 : 60 + area] = REMOVE
            assert codes(inspect(HeldMask([picture]), QUADMASK)) == found


def test_findings_do_not_multiply_with_frames() -> None:
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 4, (20, 30), np.uint8) for _ in range(60)]
    assert len(inspect(HeldMask(pictures), QUADMASK).findings) <= 10


def test_a_class_that_the_schema_does_not_have() -> None:
    pictures = [p.copy() for p in good().pictures]
    pictures[4][0, 0] = 4
    with pytest.raises(MaskError, match="Frame 4") as caught:
        inspect(HeldMask(pictures), QUADMASK)
    assert caught.value.code == "mask-values"


def test_one_pass_and_little_memory() -> None:
    picture = np.full((512, 1024), KEEP, np.uint8)
    picture[100:200, 100:200] = REMOVE
    mask = HeldMask([picture] * 100)
    tracemalloc.start()
    inspect(mask, QUADMASK)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert mask.reads == 100
    assert peak < 8 * 2**20
