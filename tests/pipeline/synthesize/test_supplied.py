"""Pictures of another clip, and of that one only, where the mask says so, and only there."""

from __future__ import annotations

import hashlib
import weakref
from pathlib import Path

import cv2
import numpy as np
import pytest
from clips import write_clip
from synthetic_footage import AFFECTED, KEEP, OVERLAP, REMOVE, ArrayMask, make_plan, texture

from void_audit.errors import Cancelled, ClipError, MaskError, OrderError, RequestError
from void_audit.media.lossless import LosslessWriter
from void_audit.media.memory import ArrayClip
from void_audit.media.planes import rgb_to_planes
from void_audit.media.reader import VideoClip
from void_audit.model.clip import PlaneFrame
from void_audit.model.geometry import Rect, Size
from void_audit.model.mask import Translated
from void_audit.model.plan import EditPlan, SuppliedSettings
from void_audit.pipeline.masks.schema import builtin
from void_audit.pipeline.synthesize.base import TakeReport
from void_audit.pipeline.synthesize.composite import Compositor
from void_audit.pipeline.synthesize.supplied import SuppliedSynthesizer

SIZE, FRAMES = Size(96, 64), 4
MOUTH = (slice(30, 46), slice(40, 64))
BODY = (slice(10, 64), slice(20, 84))


def shot(seed: int = 0, frames: int = FRAMES, size: Size = SIZE) -> list[np.ndarray]:
    base = texture(size.width, size.height, seed).astype(int)
    return [np.clip(base + 3 * i, 0, 255).astype(np.uint8) for i in range(frames)]


def saved(path: Path, pictures: list[np.ndarray], rate: str = "24/1") -> Path:
    size = Size(pictures[0].shape[1], pictures[0].shape[0])
    with LosslessWriter(path, size, rate) as writer:
        for picture in pictures:
            writer.write(picture)
    return path


def mouth_mask(value: int = REMOVE, frames: int = FRAMES) -> ArrayMask:
    classes = np.full((SIZE.height, SIZE.width), KEEP, np.uint8)
    classes[MOUTH] = value
    return ArrayMask([classes.copy() for _ in range(frames)])


def plan_of(path: Path, **given: object) -> EditPlan:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return make_plan(**{"size": SIZE, **given}).model_copy(update={"pass1": SuppliedSettings(clip=digest)})


def run(path: Path, clip=None, mask=None, plan=None, progress=None) -> tuple[list[np.ndarray], TakeReport]:
    out: list[np.ndarray] = []
    more = {} if progress is None else {"progress": progress}
    clip, mask = clip or ArrayClip(shot()), mask or mouth_mask()
    report = SuppliedSynthesizer(path).synthesize(clip, mask, plan or plan_of(path), out.append, **more)
    return out, report


@pytest.fixture
def dubbed(tmp_path: Path) -> Path:
    return saved(tmp_path / "dubbed.mkv", shot(seed=9))


def test_the_take_is_the_supplied_clips_pictures(dubbed: Path) -> None:
    take, report = run(dubbed)
    np.testing.assert_array_equal(take, shot(seed=9))
    assert report.frames == FRAMES


def test_it_is_cropped_and_scaled_as_the_plan_says(dubbed: Path) -> None:
    crop = Rect(x=32, y=22, width=40, height=32)
    take, _ = run(dubbed, plan=plan_of(dubbed, crop=crop))
    np.testing.assert_array_equal(take, [p[22:54, 32:72] for p in shot(seed=9)])
    take, _ = run(dubbed, plan=plan_of(dubbed, crop=crop, scaled=Size(20, 16)))
    wanted = [cv2.resize(p[22:54, 32:72], (20, 16), interpolation=cv2.INTER_AREA) for p in shot(seed=9)]
    np.testing.assert_array_equal(take, wanted)


def test_in_the_finished_picture_only_the_mouth_is_of_the_supplied_clip(dubbed: Path) -> None:
    """With the schema that ships: the actor's body is marked, and stays the source's own."""
    schema = builtin("localization")
    own = np.full((SIZE.height, SIZE.width), schema.index("background"), np.uint8)
    own[BODY], own[MOUTH] = schema.index("actor-body"), schema.index("dubbed-mouth")
    mask = Translated(ArrayMask([own] * FRAMES), schema.conditions)
    plan = plan_of(dubbed, crop=Rect(x=30, y=20, width=50, height=40), feather=2)
    take, _ = run(dubbed, mask=mask, plan=plan)
    source = ArrayClip(shot())
    info = source.info.model_copy(update={"pixel_format": "yuv420p", "color_space": 1})
    frames = [
        PlaneFrame(rgb_to_planes(p, "yuv420p", info), "yuv420p", i) for i, p in enumerate(source.frames())
    ]
    made = Compositor(ArrayClip(take), mask, plan, info)
    mouth = own == schema.index("dubbed-mouth")
    deep = (slice(34, 42), slice(44, 60))
    for number, (old, new) in enumerate(zip(frames, made.frames(frames), strict=True)):
        np.testing.assert_array_equal(new.planes[0][~mouth], old.planes[0][~mouth])
        for plane in (1, 2):
            still = ~cv2.resize(mouth.astype(np.uint8), (48, 32), interpolation=cv2.INTER_AREA).astype(bool)
            np.testing.assert_array_equal(new.planes[plane][still], old.planes[plane][still])
        wanted = rgb_to_planes(shot(seed=9)[number], "yuv420p", info)[0]
        assert np.abs(new.planes[0][deep].astype(int) - wanted[deep]).max() <= 1
        assert (new.planes[0][deep] != old.planes[0][deep]).mean() > 0.5
    assert made.report.keep_samples_changed == 0


def test_the_statistics_are_what_one_measures(dubbed: Path) -> None:
    crop = Rect(x=30, y=20, width=50, height=40)
    _, report = run(dubbed, plan=plan_of(dubbed, crop=crop), mask=mouth_mask(OVERLAP))
    mouth = mouth_mask().masks[0] != KEEP
    border = mouth.copy()
    border[31:45, 41:63] = False
    unused = np.zeros_like(mouth)
    unused[20:60, 30:80] = True
    unused &= ~mouth
    pairs = zip(shot(), shot(seed=9), strict=True)
    difference = np.stack([np.abs(b.astype(int) - a).mean(axis=2) for a, b in pairs])
    for name, where in (("replaced_levels", mouth), ("seam_levels", border), ("unused_levels", unused)):
        assert report.statistics[name] == pytest.approx(difference[:, where].mean())
    assert set(report.statistics) == {"replaced_levels", "seam_levels", "unused_levels"}


def test_it_says_that_the_seam_will_be_seen(dubbed: Path) -> None:
    _, report = run(dubbed)
    assert len(report.warnings) == 1
    assert "border" in report.warnings[0]


def test_a_mouth_that_fits_its_face_is_nothing_to_warn_of(tmp_path: Path) -> None:
    pictures = shot()
    for picture in pictures:
        picture[34:42, 46:58] = (200, 40, 40)
    _, report = run(saved(tmp_path / "fits.mkv", pictures))
    assert not report.warnings
    assert report.statistics["seam_levels"] == report.statistics["unused_levels"] == 0
    assert report.statistics["replaced_levels"] > 1


def test_it_says_that_nothing_changes(tmp_path: Path) -> None:
    _, report = run(saved(tmp_path / "same.mkv", shot()))
    assert "nothing changes" in report.warnings[0]


def test_it_says_that_the_rates_differ(tmp_path: Path) -> None:
    take, report = run(saved(tmp_path / "slow.mkv", shot(seed=9), "25/1"))
    assert any("25/1 frames per second, the source 24/1" in w for w in report.warnings)
    np.testing.assert_array_equal(take, shot(seed=9))


@pytest.mark.parametrize(
    ("color", "warns"), [((9, 1, 9, 16), True), ((1, 1, 1, 1), False), ((1, 1, 2, 2), False)]
)
def test_it_says_that_the_colours_are_of_another_kind(
    tmp_path: Path, color: tuple[int, int, int, int], warns: bool
) -> None:
    path = write_clip(tmp_path / "hdr.mp4", width=96, height=64, frames=FRAMES, color=color)
    source = ArrayClip(shot())
    source.info = source.info.model_copy(update={"color_transfer": 1, "color_primaries": 1})
    _, report = run(path, clip=source)
    assert any("transfer" in w for w in report.warnings) is warns


# Refusals


def refused(kind: type[Exception], *given: object, **named: object) -> str:
    with pytest.raises(kind) as caught:
        run(*given, **named)
    assert caught.value.hint
    return caught.value.code


@pytest.mark.parametrize("size", [Size(64, 96), Size(98, 64), Size(96, 66), Size(192, 128)])
def test_a_clip_of_another_size(tmp_path: Path, size: Size) -> None:
    assert refused(RequestError, saved(tmp_path / "s.mkv", shot(size=size))) == "supplied-size"


@pytest.mark.parametrize("frames", [1, FRAMES - 1, FRAMES + 1])
def test_a_clip_of_another_length(tmp_path: Path, frames: int) -> None:
    assert refused(RequestError, saved(tmp_path / "s.mkv", shot(frames=frames))) == "supplied-frames"


def test_another_clip_than_was_planned(tmp_path: Path, dubbed: Path) -> None:
    other = saved(tmp_path / "other.mkv", shot(seed=10))
    assert refused(OrderError, other, plan=plan_of(dubbed)) == "supplied-other"
    altered = tmp_path / "altered.mkv"
    altered.write_bytes(dubbed.read_bytes() + b"\0")
    assert refused(OrderError, altered, plan=plan_of(dubbed)) == "supplied-other"


def test_no_clip(tmp_path: Path, dubbed: Path) -> None:
    for path in (None, tmp_path, tmp_path / "gone.mkv"):
        assert refused(RequestError, path, plan=plan_of(dubbed)) == "supplied-missing"


def test_what_is_no_clip(tmp_path: Path) -> None:
    path = tmp_path / "text.mp4"
    path.write_text("no video")
    with pytest.raises(ClipError):
        run(path)


def test_a_mask_that_opens_what_is_not_replaced(dubbed: Path) -> None:
    """Nothing could be shown there; a schema with a class that counts as replaced has no such class."""
    mask = mouth_mask()
    mask.masks[2][0, 0] = AFFECTED
    assert refused(MaskError, dubbed, mask=mask) == "mask-supplied"


def test_a_mask_of_another_clip_or_settings_of_another_engine(dubbed: Path) -> None:
    assert refused(MaskError, dubbed, mask=mouth_mask(frames=3)) == "mask-frames"
    assert refused(OrderError, dubbed, plan=make_plan(SIZE)) == "engine-mismatch"


# As every engine


def test_it_can_say_what_it_is_without_a_clip() -> None:
    info = SuppliedSynthesizer(None).info
    assert (info.name, info.kind, info.weights, info.remote) == ("supplied", "classical", (), False)
    assert not info.counterfactual_dynamics
    assert "makes none itself" in info.description


def test_it_reports_progress_and_stops_where_it_is_told_to(dubbed: Path) -> None:
    calls: list[tuple[str, int, int]] = []
    run(dubbed, progress=lambda *call: calls.append(call))
    assert [call[1:] for call in calls] == [(i, FRAMES) for i in range(FRAMES + 1)]

    def stop(_what: str, done: int, _total: int) -> None:
        if done == 2:
            raise Cancelled("cancelled", "Stopped.")

    with pytest.raises(Cancelled):
        run(dubbed, progress=stop)


def test_memory_does_not_grow_with_the_clip(tmp_path: Path) -> None:
    count = 60
    path = saved(tmp_path / "long.mkv", shot(frames=count))
    held = {"now": 0, "most": 0}

    def dropped() -> None:
        held["now"] -= 1

    def sink(picture: np.ndarray) -> None:
        held["now"] += 1
        held["most"] = max(held["most"], held["now"])
        weakref.finalize(picture, dropped)

    SuppliedSynthesizer(path).synthesize(VideoClip(path), mouth_mask(frames=count), plan_of(path), sink)
    assert held["most"] <= 3
