"""Colours, planes and the samples that only kept pixels touch."""

from pathlib import Path

import numpy as np
import pytest
from clips import ClipSpec, moving_square, write_clip
from hypothesis import given, settings
from hypothesis import strategies as st

from void_audit.errors import ClipError
from void_audit.media.pixels import layout, turned_name
from void_audit.media.planes import adapt, chroma_keep, keep_bitmap, planes_to_rgb, range_of, rgb_to_planes
from void_audit.media.reader import VideoClip
from void_audit.model.clip import ClipInfo, PlaneFrame
from void_audit.model.geometry import Size

RNG = np.random.default_rng(3)


@pytest.fixture(scope="module")
def info(tmp_path_factory: pytest.TempPathFactory) -> ClipInfo:
    return VideoClip(write_clip(tmp_path_factory.mktemp("a") / "a.mp4", frames=1)).info


def planar(pixel_format: str, size: Size) -> tuple[np.ndarray, ...]:
    form = layout(pixel_format)
    top = 1 << form.depth
    return tuple(RNG.integers(0, top, form.shape(i, size)).astype(form.dtype) for i in range(form.planes))


@pytest.mark.parametrize(
    ("name", "depth", "planes", "factor"),
    [
        ("yuv420p", 8, 3, (2, 2)),
        ("yuv422p10le", 10, 3, (2, 1)),
        ("yuv440p", 8, 3, (1, 2)),
        ("yuv444p12le", 12, 3, (1, 1)),
        ("yuv411p", 8, 3, (4, 1)),
        ("gbrp", 8, 3, (1, 1)),
        ("gray16le", 16, 1, (1, 1)),
    ],
)
def test_layouts(name: str, depth: int, planes: int, factor: tuple[int, int]) -> None:
    form = layout(name)
    assert (form.depth, form.planes, form.factor(1)) == (depth, planes, factor)
    assert form.factor(0) == (1, 1)


@pytest.mark.parametrize(
    "name", ["yuva420p", "pal8", "nv12", "yuyv422", "yuv420p10be", "gbrpf32le", "monow", "nonsense"]
)
def test_other_layouts_are_refused(name: str) -> None:
    with pytest.raises(ClipError) as caught:
        layout(name)
    assert caught.value.code == "clip-pixel-format"


def test_turning_swaps_subsampling() -> None:
    assert turned_name("yuv422p", 90) == "yuv440p"
    assert turned_name("yuv440p10le", 270) == "yuv422p10le"
    assert turned_name("yuv422p", 180) == "yuv422p"
    assert turned_name("yuv420p", 90) == "yuv420p"
    with pytest.raises(ClipError):
        turned_name("yuv411p", 90)


@pytest.mark.parametrize("name", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv444p10le", "yuv440p"])
@pytest.mark.parametrize(("space", "range_"), [(1, 1), (6, 1), (9, 1), (1, 2), (2, 0)])
def test_rgb_to_planes_and_back(info: ClipInfo, name: str, space: int, range_: int) -> None:
    info = info.model_copy(update={"color_space": space, "color_range": range_, "pixel_format": name})
    y, x = np.mgrid[0:48, 0:64]
    smooth = np.stack([40 + 2 * x, 60 + 2 * y, 200 - x - y], axis=-1).astype(np.uint8)
    planes = rgb_to_planes(smooth, name, info)
    assert [p.shape for p in planes] == [layout(name).shape(i, Size(64, 48)) for i in range(3)]
    back = planes_to_rgb(PlaneFrame(planes, name, 0), info)
    error = np.abs(back.astype(int) - smooth)[2:-2, 2:-2]
    assert error.max() <= 4
    assert error.mean() < 1.0


@pytest.mark.parametrize(
    ("space", "range_", "expected"),
    [(1, 1, (63, 102, 240)), (6, 1, (81, 90, 240)), (1, 2, (54, 99, 255)), (9, 1, (74, 97, 240))],
)
def test_pure_red_by_the_standards(
    info: ClipInfo, space: int, range_: int, expected: tuple[int, ...]
) -> None:
    """Values of Rec. ITU-R BT.601, BT.709 and BT.2020, computed by hand from Kr and Kb."""
    info = info.model_copy(update={"color_space": space, "color_range": range_})
    red = np.full((16, 16, 3), (255, 0, 0), np.uint8)
    got = tuple(int(p[4, 4]) for p in rgb_to_planes(red, "yuv444p", info))
    np.testing.assert_allclose(got, expected, atol=1)


def test_gbr_is_exact(info: ClipInfo) -> None:
    info = info.model_copy(update={"color_space": 0, "color_range": 2, "pixel_format": "gbrp"})
    picture = RNG.integers(0, 256, (20, 30, 3), np.uint8)
    planes = rgb_to_planes(picture, "gbrp", info)
    np.testing.assert_array_equal(planes_to_rgb(PlaneFrame(planes, "gbrp", 0), info), picture)


def test_range_when_unspecified(info: ClipInfo) -> None:
    for name, expected in (("yuv420p", 1), ("gbrp", 2), ("gray", 2)):
        assert range_of(info.model_copy(update={"pixel_format": name, "color_range": 0})) == expected


def test_the_reader_agrees(tmp_path: Path) -> None:
    clip = VideoClip(write_clip(tmp_path / "a.mp4", ClipSpec(frames=2)))
    for frame, rgb in zip(clip.planes(), clip.frames(), strict=True):
        np.testing.assert_array_equal(planes_to_rgb(frame, clip.info), rgb)
    assert np.abs(rgb.astype(int) - moving_square((64, 48), 1)).mean() < 8


@pytest.mark.parametrize("size", [(64, 48), (65, 47)])
@pytest.mark.parametrize("name", ["yuv420p", "yuv422p10le", "yuv440p", "yuv411p"])
def test_replicated_chroma(name: str, size: tuple[int, int]) -> None:
    form = layout(name)
    planes = planar(name, Size(*size))
    target = "yuv444p" if form.depth == 8 else "yuv444p10le"
    grown = adapt(planes, name, target)
    across, down = form.factor(1)
    y, x = np.mgrid[0 : size[1], 0 : size[0]]
    np.testing.assert_array_equal(grown[0], planes[0])
    np.testing.assert_array_equal(grown[2], planes[2][y // down, x // across])


@pytest.mark.parametrize("target", ["yuv420p", "yuv444p"])
def test_grey_gains_neutral_chroma(target: str) -> None:
    planes = adapt(planar("gray", Size(8, 6)), "gray", target)
    assert {int(v) for p in planes[1:] for v in p.ravel()} == {128}
    assert planes[1].shape == layout(target).shape(1, Size(8, 6))


@pytest.mark.parametrize(
    ("source", "target"),
    [("yuv444p", "yuv420p"), ("yuv420p", "yuv444p10le"), ("gbrp", "yuv444p"), ("yuv420p", "gray")],
)
def test_no_silent_loss(source: str, target: str) -> None:
    with pytest.raises(ValueError, match="without change"):
        adapt(planar(source, Size(8, 6)), source, target)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["yuv420p", "yuv422p", "yuv440p", "yuv411p", "yuv444p", "gbrp", "gray"]),
    st.integers(1, 20),
    st.integers(1, 20),
    st.integers(0, 2**32),
)
def test_kept_samples_touch_kept_pixels_only(name: str, width: int, height: int, seed: int) -> None:
    keep = np.random.default_rng(seed).random((height, width)) < 0.8
    form = layout(name)
    kept = chroma_keep(keep, name)
    assert len(kept) == form.planes
    for plane, bitmap in enumerate(kept):
        across, down = form.factor(plane)
        assert bitmap.shape == form.shape(plane, Size(width, height))
        for row, column in np.ndindex(bitmap.shape):
            block = keep[row * down : (row + 1) * down, column * across : (column + 1) * across]
            assert bitmap[row, column] == block.all()


def test_keep_bitmap() -> None:
    assert keep_bitmap(np.arange(4, dtype=np.uint8)[None]).tolist() == [[False, False, False, True]]
