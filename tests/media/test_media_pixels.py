"""Pixel formats against FFmpeg's own buffers: every format it knows is described truly or refused."""

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from void_audit.errors import ClipError
from void_audit.media.pixels import layout, planar_name, turn, turned_name
from void_audit.model.geometry import Size

NAMES = sorted(av.video.format.names)


def described() -> list[str]:
    found = []
    for name in NAMES:
        try:
            found.append(layout(name).name)
        except ClipError:
            continue
    return found


def test_every_format_is_described_or_refused_by_our_error() -> None:
    """Among them formats without components, which live in a graphics card."""
    codes = set()
    for name in set(NAMES) - set(described()):
        with pytest.raises(ClipError, match=name) as caught:
            layout(name)
        codes.add((caught.value.code, bool(caught.value.hint)))
    assert {"cuda", "vaapi"} <= set(NAMES) - set(described())
    assert codes == {("clip-pixel-format", True)}


@pytest.mark.parametrize("name", described())
def test_planes_are_as_ffmpeg_lays_them_out(name: str) -> None:
    for size in (Size(64, 48), Size(37, 21)):
        frame, form = av.VideoFrame(*size, name), layout(name)
        assert len(frame.planes) == form.planes
        for number, plane in enumerate(frame.planes):
            assert form.shape(number, size) == (plane.height, plane.width)
            assert plane.line_size >= plane.width * np.dtype(form.dtype).itemsize
        assert form.dtype is (np.uint16 if form.depth > 8 else np.uint8)
        assert form.subsampled == (form.planes == 3 and form.shape(1, size) != form.shape(0, size))
        assert (form.gray, form.rgb) == (form.planes == 1, name.startswith("gbr"))


@pytest.mark.parametrize(
    "name",
    [
        "nv12",
        "nv21",
        "nv16",
        "nv24",
        "p010le",
        "p210le",
        "yuyv422",
        "uyvy422",
        "yvyu422",
        "yuvj420p",
        "yuvj422p",
        "yuvj440p",
        "yuvj444p",
        "rgb24",
        "bgr24",
        "bgr0",
        "rgb0",
        "0rgb",
        "0bgr",
    ],
)
def test_rearranging_loses_no_sample(name: str) -> None:
    """There and back between a packed format and its planar name is the same picture."""
    planar, size, rng = planar_name(name), Size(32, 16), np.random.default_rng(0)
    assert layout(planar).name == planar != name
    form, frame = layout(planar), av.VideoFrame(*size, planar)
    for plane in frame.planes:
        top, kind = (1 << form.depth), np.dtype(form.dtype)
        samples = rng.integers(0, top, (plane.height, plane.line_size // kind.itemsize)).astype(kind)
        plane.update(samples.tobytes())
    ranges = {"src_color_range": 2, "dst_color_range": 2}
    there = frame.reformat(format=name, **ranges)
    back = there.reformat(format=planar, **ranges)
    for before, after in zip(frame.planes, back.planes, strict=True):
        rows = [
            np.frombuffer(memoryview(p), form.dtype).reshape(p.height, -1)[:, : p.width]
            for p in (before, after)
        ]
        np.testing.assert_array_equal(*rows)


def test_other_names_stay() -> None:
    for name in ("yuv420p", "gray", "nonsense"):
        assert planar_name(name) == name


@pytest.mark.parametrize("name", described())
def test_a_turned_format_has_turned_planes(name: str) -> None:
    """Where there is no such format, it is refused: the turned planes always fit the turned name."""
    for rotation in (0, 180, 360):
        assert turned_name(name, rotation) == name
    form = layout(name)
    try:
        turned = layout(turned_name(name, 90))
    except ClipError:
        assert form.sub_x != form.sub_y
        return
    assert (turned.sub_x, turned.sub_y, turned.depth) == (form.sub_y, form.sub_x, form.depth)
    assert turned_name(turned.name, 270) == name
    for number in range(form.planes):
        plane = np.zeros(form.shape(number, Size(64, 48)))
        assert turn(plane, 90).shape == turned.shape(number, Size(48, 64))


@pytest.mark.parametrize("name", ["yuv422p9le", "yuv422p16le", "yuv411p"])
def test_a_format_whose_turn_does_not_exist(name: str) -> None:
    with pytest.raises(ClipError) as caught:
        turned_name(name, 90)
    assert caught.value.code == "clip-pixel-format"


@given(st.sampled_from([0, 90, 180, 270]), st.integers(1, 5), st.integers(1, 5))
def test_a_turn_moves_samples_and_can_be_undone(clockwise: int, rows: int, columns: int) -> None:
    plane = np.arange(rows * columns, dtype=np.uint16).reshape(rows, columns)
    turned = turn(plane, clockwise)
    assert (turned.dtype, turned.flags.c_contiguous) == (np.uint16, True)
    np.testing.assert_array_equal(turn(turned, -clockwise), plane)
    np.testing.assert_array_equal(turn(turned, (360 - clockwise) % 360), plane)


def test_clockwise_is_clockwise() -> None:
    plane = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)
    assert turn(plane, 90).tolist() == [[4, 1], [5, 2], [6, 3]]
    assert turn(plane, 180).tolist() == [[6, 5, 4], [3, 2, 1]]
