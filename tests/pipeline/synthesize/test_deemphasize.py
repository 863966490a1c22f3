"""What is toned down loses its detail or its colour, and shows nothing of what was removed or lies around it."""

from __future__ import annotations

import weakref
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_footage import AFFECTED, HEIGHT, KEEP, OVERLAP, REMOVE, WIDTH, ArrayMask, make_plan, texture

from void_audit.errors import Cancelled, MaskError, OrderError
from void_audit.media.memory import ArrayClip
from void_audit.media.planes import planes_to_rgb, rgb_to_planes
from void_audit.model.clip import PlaneFrame
from void_audit.model.geometry import Rect, Size
from void_audit.model.plan import DeemphasizeSettings, EditPlan
from void_audit.pipeline.synthesize import deemphasize as module
from void_audit.pipeline.synthesize.base import TakeReport
from void_audit.pipeline.synthesize.composite import Compositor
from void_audit.pipeline.synthesize.deemphasize import (
    DeemphasizeSynthesizer,
    TonedClip,
    blurred,
    desaturated,
    toned,
)

SIZE = Size(WIDTH, HEIGHT)
LOGO = (slice(30, 90), slice(40, 120))
BLUR, GREY = DeemphasizeSettings(), DeemphasizeSettings(treatment="desaturate")


def plan_of(how: DeemphasizeSettings = BLUR, **given: object) -> EditPlan:
    return make_plan(**given).model_copy(update={"pass1": how})


def logo_mask(frames: int, value: int = AFFECTED) -> ArrayMask:
    classes = np.full((HEIGHT, WIDTH), KEEP, np.uint8)
    classes[LOGO] = value
    return ArrayMask([classes.copy() for _ in range(frames)])


def footage(frames: int = 3, seed: int = 0, height: int = HEIGHT, width: int = WIDTH) -> ArrayClip:
    """A still camera with a little grain; on the wall a logo of one-pixel checks in strong colours."""
    random = np.random.default_rng(seed)
    wall = texture(width, height)
    y, x = np.mgrid[0:height, 0:width]
    check = np.where(((x + y) % 2 == 0)[..., None], (250, 30, 30), (20, 20, 240)).astype(np.uint8)
    scale = height // HEIGHT
    logo = tuple(slice(s.start * scale, s.stop * scale) for s in LOGO)
    wall[logo] = check[logo]
    grain = (random.normal(scale=1.0, size=wall.shape) for _ in range(frames))
    return ArrayClip([np.clip(np.rint(wall + g), 0, 255).astype(np.uint8) for g in grain])


def run(clip, mask, plan: EditPlan | None = None, progress=None) -> tuple[list[np.ndarray], TakeReport]:
    out: list[np.ndarray] = []
    more = {} if progress is None else {"progress": progress}
    return out, DeemphasizeSynthesizer().synthesize(clip, mask, plan or plan_of(), out.append, **more)


def detail(picture: np.ndarray, part=(slice(34, 86), slice(44, 116))) -> float:
    grey = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY)
    return float(np.abs(cv2.Laplacian(grey, cv2.CV_32F))[part].mean())


def composited(clip: ArrayClip, take: list[np.ndarray], mask: ArrayMask, plan: EditPlan):
    info = clip.info.model_copy(update={"pixel_format": "yuv420p", "color_space": 1})
    frames = [
        PlaneFrame(rgb_to_planes(p, "yuv420p", info), "yuv420p", i) for i, p in enumerate(clip.frames())
    ]
    made = Compositor(ArrayClip(take), mask, plan, info)
    return frames, list(made.frames(frames)), made, info


# What it does


@pytest.mark.parametrize("how", [BLUR, GREY], ids=lambda s: s.treatment)
def test_in_the_finished_picture_only_the_area_changed_and_by_how_much(how: DeemphasizeSettings) -> None:
    clip, mask, plan = footage(), logo_mask(3), plan_of(how)
    take, report = run(clip, mask, plan)
    before, after, made, info = composited(clip, take, mask, plan)
    assert made.report.keep_samples_changed == 0
    kept = mask.masks[0] == KEEP
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(new.planes[0][kept], old.planes[0][kept])
    inner = (slice(38, 82), slice(48, 112))  # inside the feathered seam
    shown, source = planes_to_rgb(after[1], info)[inner], planes_to_rgb(before[1], info)[inner]
    left_detail = detail(planes_to_rgb(after[1], info), inner) / detail(planes_to_rgb(before[1], info), inner)
    left_colour = np.ptp(shown, axis=2).mean() / np.ptp(source, axis=2).mean()
    if how.treatment == "blur":
        assert left_detail < 0.02
        assert report.statistics["detail_kept"] < 0.02
    else:
        assert left_colour < 0.05
        assert left_detail > 0.5  # grey, and as sharp as before
        assert report.statistics["colour_kept"] < 0.02
    assert not report.warnings
    assert report.frames == 3


def test_the_statistics_are_what_one_measures_on_the_take() -> None:
    clip, mask = footage(), logo_mask(3)
    take, report = run(clip, mask, plan_of(DeemphasizeSettings(treatment="desaturate", strength=0.5)))
    pairs = [(s[LOGO].astype(int), t[LOGO].astype(int)) for s, t in zip(clip.frames(), take, strict=True)]
    change = np.stack([np.abs(t - s).mean(axis=2) for s, t in pairs])
    border = np.ones(change.shape[1:], bool)
    border[1:-1, 1:-1] = False
    colours = [[np.ptp(p, axis=2).sum() for p in pair] for pair in pairs]
    found = report.statistics
    assert found["toned_levels"] == pytest.approx(change.mean())
    assert found["seam_levels"] == pytest.approx(change[:, border].mean())
    assert found["colour_kept"] == pytest.approx(sum(t for _, t in colours) / sum(s for s, _ in colours))
    part = (slice(31, 89), slice(41, 119))
    wanted = sum(detail(t, part) for t in take) / sum(detail(s, part) for s in clip.frames())
    assert found["detail_kept"] == pytest.approx(wanted)
    assert set(found) == {"toned_levels", "seam_levels", "detail_kept", "colour_kept"}


@pytest.mark.parametrize("strength", [0.25, 0.5, 1.0])
def test_strength_is_the_share_of_colour_taken_away_and_luma_stays(strength: float) -> None:
    picture = texture(64, 48)
    out = desaturated(picture, strength).astype(float)
    spread = np.ptp(picture.astype(float), axis=2)
    np.testing.assert_allclose(np.ptp(out, axis=2), (1 - strength) * spread, atol=1.01)
    luma = np.array([0.2126, 0.7152, 0.0722])
    np.testing.assert_allclose(out @ luma, picture @ luma, atol=0.51)


def naive(picture: np.ndarray, area: np.ndarray, sigma: float) -> np.ndarray:
    """The mean over the area's pixels, weighted by a Gaussian of their distance, one by one."""
    at = np.argwhere(area)
    out = picture.astype(float).copy()
    for place in at:
        weight = np.exp(-((at - place) ** 2).sum(axis=1) / (2 * sigma**2))
        out[tuple(place)] = weight @ picture[area] / weight.sum()
    return out


@pytest.mark.parametrize(("sigma", "off"), [(0.8, 2.0), (3.0, 2.0), (7.0, 3.0), (9.0, 4.0), (30.0, 2.0)])
def test_the_blur_is_a_gaussian_mean_over_the_area(sigma: float, off: float) -> None:
    """Also where it is computed on a smaller picture (from sigma 8), at edges that divide no cell evenly."""
    picture = texture(61, 47, seed=3)
    area = np.zeros((47, 61), bool)
    area[5:41, 7:52] = True
    area[20:30, 20:40] = False
    found = blurred(picture, area, sigma)
    np.testing.assert_allclose(found[area], naive(picture, area, sigma)[area], atol=off)


def test_sigma_is_a_tenth_of_the_frames_short_side_times_strength(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(module, "blurred", lambda own, area, sigma: asked.append(sigma) or own)
    area = np.zeros((200, 300), bool)
    area[5, 5] = True
    for strength in (1.0, 0.3):
        toned(np.zeros((200, 300, 3), np.uint8), area, DeemphasizeSettings(strength=strength))
        toned(np.zeros((300, 200, 3), np.uint8), area.T, DeemphasizeSettings(strength=strength))
    assert asked == pytest.approx([20, 20, 6, 6])


def test_strength_does_not_depend_on_the_size_at_which_it_is_made() -> None:
    clip, mask = footage(2), logo_mask(2)
    crop = Rect(x=20, y=10, width=120, height=100)
    how = DeemphasizeSettings(strength=0.4)
    native, _ = run(clip, mask, plan_of(how, crop=crop))
    half, _ = run(clip, mask, plan_of(how, crop=crop, scaled=Size(60, 50)))
    for large, small in zip(native, half, strict=True):
        assert large.shape == (100, 120, 3)
        scaled = cv2.resize(large, (60, 50), interpolation=cv2.INTER_AREA)
        assert np.abs(scaled.astype(int) - small).max() <= 1


# What it does not show


@settings(max_examples=25)
@given(
    st.integers(0, 10_000),
    st.sampled_from([BLUR, DeemphasizeSettings(strength=0.05), GREY]),
    st.sampled_from([REMOVE, OVERLAP, KEEP]),
)
def test_nothing_outside_the_area_reaches_into_it(seed: int, how: DeemphasizeSettings, around: int) -> None:
    """Whatever a removed object, or the rest of the picture, looks like: the area is the same."""
    random = np.random.default_rng(seed)
    classes = np.where(random.random((40, 56)) < 0.7, around, AFFECTED).astype(np.uint8)
    picture = random.integers(0, 256, (40, 56, 3), np.uint8)
    other = np.where(
        (classes == AFFECTED)[..., None], picture, random.integers(0, 256, picture.shape, np.uint8)
    )
    mask = ArrayMask([classes])
    (one,) = TonedClip(ArrayClip([picture]), mask, how).frames()
    (two,) = TonedClip(ArrayClip([other]), mask, how).frames()
    area = classes == AFFECTED
    np.testing.assert_array_equal(one[area], two[area])
    np.testing.assert_array_equal(one[~area], picture[~area])


def passing(frames: int = 16) -> tuple[ArrayClip, ArrayMask]:
    """Something green passes in front of the logo and is to be removed; the rest of the logo is toned down."""
    clip, mask = footage(frames), logo_mask(frames)
    pictures = list(clip.frames())
    for index, (picture, classes) in enumerate(zip(pictures, mask.masks, strict=True)):
        box = (slice(20, 100), slice(10 + 8 * index, 24 + 8 * index))
        picture[box], classes[box] = (0, 255, 0), REMOVE if index % 2 else OVERLAP
    return ArrayClip(pictures), mask


def test_what_is_uncovered_is_toned_down_too() -> None:
    """Else the logo would be sharp in the outline of what was removed, and walk along with it."""
    clip, mask = passing()
    take, report = run(clip, mask)
    for index in range(5, 12):
        where = np.zeros((HEIGHT, WIDTH), bool)
        where[34:86, 12 + 8 * index : 22 + 8 * index] = True
        where[:, :44], where[:, 116:] = False, False
        grey = cv2.cvtColor(take[index], cv2.COLOR_RGB2GRAY)
        assert np.abs(cv2.Laplacian(grey, cv2.CV_32F))[where].mean() < 6
        assert detail(next(clip.frames(0, 1))) > 100
    assert not any((t[..., 1] > 200)[(t[..., 0] < 60) & (t[..., 2] < 60)].any() for t in take)  # no green
    assert report.statistics["fill_never_seen_share_max"] == 0
    assert report.statistics["detail_kept"] < 0.05


def test_no_outline_of_what_was_removed_is_left_in_the_area() -> None:
    clip, mask = passing()
    take, _ = run(clip, mask)
    clean, _ = run(footage(16), logo_mask(16))
    for with_object, without in zip(take, clean, strict=True):
        difference = np.abs(with_object[LOGO].astype(int) - without[LOGO])
        assert difference.mean() < 6
        assert difference.max() < 40


def test_kept_pixels_are_the_clips_own() -> None:
    clip, mask = passing()
    take, _ = run(clip, mask)
    for picture, source, classes in zip(take, clip.frames(), mask.masks, strict=True):
        np.testing.assert_array_equal(picture[classes == KEEP], source[classes == KEEP])


# When it fills


def test_nothing_is_filled_where_nothing_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_args: object, **_named: object) -> None:
        raise AssertionError("filled")

    monkeypatch.setattr(module.PropagateSynthesizer, "synthesize", never)
    take, report = run(footage(), logo_mask(3))
    assert len(take) == 3
    assert not any(name.startswith("fill_") for name in report.statistics)


@pytest.mark.parametrize("value", [REMOVE, OVERLAP])
def test_one_pixel_on_the_last_frame_is_enough(value: int) -> None:
    clip, mask = footage(4), logo_mask(4)
    mask.masks[3][100, 20] = value
    clip = ArrayClip([*list(clip.frames())[:3], marked(list(clip.frames())[3])])
    take, report = run(clip, mask)
    assert "fill_from_other_frames_share" in report.statistics
    assert take[3][100, 20].max() < 250
    np.testing.assert_array_equal(take[3][99, 20], list(clip.frames())[3][99, 20])


def marked(picture: np.ndarray) -> np.ndarray:
    picture[100, 20] = 255
    return picture


def test_the_fills_own_settings_and_warnings_count() -> None:
    clip, mask = footage(4), logo_mask(4)
    for classes in mask.masks:
        classes[95:115, 10:40] = REMOVE  # never seen
    _, report = run(clip, mask)
    assert any("never seen" in warning for warning in report.warnings)
    strict = DeemphasizeSettings(fill={"min_samples": 40})
    _, report = run(*passing(), plan_of(strict))
    assert report.statistics["fill_never_seen_share_max"] == 1


# What it says


@pytest.mark.parametrize("treatment", ["blur", "desaturate"])
def test_it_says_when_little_was_taken_away(treatment: str) -> None:
    _, report = run(footage(), logo_mask(3), plan_of(DeemphasizeSettings(treatment=treatment, strength=0.02)))
    assert len(report.warnings) == 1
    assert ("detail" if treatment == "blur" else "colour") in report.warnings[0]


@pytest.mark.parametrize("treatment", ["blur", "desaturate"])
@pytest.mark.parametrize("value", [KEEP, REMOVE])
def test_where_nothing_is_toned_down_there_is_nothing_to_warn_of(treatment: str, value: int) -> None:
    clip, mask = passing()
    for classes in mask.masks:
        classes[classes == AFFECTED] = KEEP
        if value == KEEP:
            classes[:] = KEEP
    take, report = run(clip, mask, plan_of(DeemphasizeSettings(treatment=treatment, strength=0.02)))
    assert not [w for w in report.warnings if "toned down" in w]
    assert report.statistics["toned_levels"] == report.statistics["seam_levels"] == 0
    assert report.statistics["detail_kept"] == report.statistics["colour_kept"] == 1
    if value == KEEP:
        np.testing.assert_array_equal(take, list(clip.frames()))


def test_an_even_grey_area_has_nothing_to_lose() -> None:
    clip = ArrayClip([np.full((HEIGHT, WIDTH, 3), 90, np.uint8)] * 2)
    for how in (BLUR, GREY):
        take, report = run(clip, logo_mask(2), plan_of(how))
        assert not report.warnings
        assert (np.asarray(take) == 90).all()


def test_it_says_what_it_is() -> None:
    info = DeemphasizeSynthesizer().info
    assert (info.name, info.kind, info.weights, info.remote) == ("de-emphasize", "classical", (), False)
    assert not info.counterfactual_dynamics
    assert "Not a redaction" in info.description
    assert cv2.__version__ in info.version
    assert "patchmatch" in info.version


# As every engine


def test_equal_plans_give_equal_takes() -> None:
    np.testing.assert_array_equal(run(*passing(6))[0], run(*passing(6))[0])


def test_a_mask_of_another_clip_or_settings_of_another_engine_are_refused() -> None:
    clip = footage()
    with pytest.raises(MaskError) as caught:
        run(clip, logo_mask(2))
    assert caught.value.code == "mask-frames"
    with pytest.raises(MaskError) as caught:
        run(clip, ArrayMask([m[:50] for m in logo_mask(3).masks]))
    assert caught.value.code == "mask-size"
    with pytest.raises(OrderError) as caught:
        run(clip, logo_mask(3), make_plan())
    assert caught.value.code == "engine-mismatch"


@pytest.mark.parametrize("removed", [False, True])
def test_it_reports_progress_and_stops_where_it_is_told_to(removed: bool) -> None:
    clip, mask = passing(6) if removed else (footage(6), logo_mask(6))
    calls: list[tuple[str, int, int]] = []
    run(clip, mask, progress=lambda *call: calls.append(call))
    assert [done for _, done, _ in calls] == list(range(7))
    assert {total for _, _, total in calls} == {6}

    def stop(_what: str, done: int, _total: int) -> None:
        if done == 2:
            raise Cancelled("cancelled", "Stopped.")

    with pytest.raises(Cancelled):
        run(clip, mask, progress=stop)


class Endless:
    """A clip of ``count`` pictures that are made when they are asked for; counts those that somebody holds."""

    def __init__(self, count: int, size: Size = SIZE) -> None:
        self.info = footage(1).info.model_copy(update={"frames": count})
        self.alive, self.most = 0, 0

    def _dropped(self) -> None:
        self.alive -= 1

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[np.ndarray]:
        for number in range(*slice(start, stop).indices(self.info.frames)):
            picture = np.full((HEIGHT, WIDTH, 3), number % 250, np.uint8)
            self.alive += 1
            self.most = max(self.most, self.alive)
            weakref.finalize(picture, self._dropped)
            yield picture

    def view(self, crop: Rect | None = None, size: Size | None = None):
        return module.FittedClip(self, crop, size)


class Repeated:
    def __init__(self, count: int, size: Size = SIZE) -> None:
        self.size, self._count, self._picture = size, count, logo_mask(1).masks[0]

    def __len__(self) -> int:
        return self._count

    def classes(self, start: int = 0, stop: int | None = None) -> Iterator[np.ndarray]:
        return (self._picture for _ in range(*slice(start, stop).indices(self._count)))


def test_memory_does_not_grow_with_the_clip() -> None:
    clip = Endless(120)
    report = DeemphasizeSynthesizer().synthesize(clip, Repeated(120), plan_of(GREY), lambda _: None)
    assert report.frames == 120
    assert clip.most <= 6


def test_a_toned_clip_is_read_backwards_too() -> None:
    clip = TonedClip(footage(4), logo_mask(4), BLUR)
    forwards = list(clip.frames())
    np.testing.assert_array_equal(list(clip.frames_backwards()), forwards[::-1])
    np.testing.assert_array_equal(list(clip.frames_backwards(3, 1)), forwards[2:0:-1])
    np.testing.assert_array_equal(list(clip.frames(1, 3)), forwards[1:3])
    assert clip.info == footage(4).info
