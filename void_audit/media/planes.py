"""Between pictures as coded (planes) and RGB, with the clip's own colour matrix and range."""

from __future__ import annotations

from typing import cast

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation

from void_audit.media.pixels import Layout, layout, planar_name
from void_audit.model.clip import RGB, ClipInfo, Plane, PlaneFrame
from void_audit.model.geometry import Size
from void_audit.model.mask import Bitmap, Classes, MaskClass

LIMITED, FULL = 1, 2
_EXACT = (
    Interpolation.FULL_CHR_H_INT
    | Interpolation.FULL_CHR_H_INP
    | Interpolation.ACCURATE_RND
    | Interpolation.BITEXACT
)
_MATRICES = {
    1: Colorspace.ITU709, 4: Colorspace.FCC, 5: Colorspace.ITU601, 6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M, 9: Colorspace.BT2020, 10: Colorspace.BT2020,
}  # fmt: skip
"""ITU-T H.273 matrix coefficients to swscale's."""


def matrix_of(info: ClipInfo) -> Colorspace:
    """The clip's YUV matrix. Unspecified: BT.709 from 720 coded lines up, else BT.601, as players do."""
    lines = min(info.width, info.height) if info.rotation % 180 else info.height
    by_height = Colorspace.ITU709 if lines >= 720 else Colorspace.ITU601
    return _MATRICES.get(info.color_space, by_height)


def range_of(info: ClipInfo) -> int:
    """1 limited or 2 full. Unspecified: full for RGB and grey, else limited."""
    if info.color_range in (LIMITED, FULL):
        return info.color_range
    form = layout(info.pixel_format)
    return FULL if form.rgb or form.gray else LIMITED


def frame_to_rgb(frame: av.VideoFrame, info: ClipInfo, size: Size | None = None) -> RGB:
    """A frame of ``pack`` to ``(height, width, 3)`` uint8, scaled to ``size`` on the way.

    Scaling is area averaging down and bicubic up. Chroma is taken to lie in the middle of its pixels, whatever
    the file says, so that pictures can be turned, and ``rgb_to_planes`` is the inverse.
    """
    target = size or Size(frame.width, frame.height)
    out = frame.reformat(
        target.width,
        target.height,
        "rgb24",
        src_colorspace=matrix_of(info),
        dst_colorspace=matrix_of(info),
        src_color_range=ColorRange(range_of(info)),
        dst_color_range=ColorRange.JPEG,
        interpolation=_filter(Size(frame.width, frame.height), target) | _EXACT,
        threads=1,
    )
    return np.asarray(out.to_ndarray(), np.uint8)


def _filter(source: Size, target: Size) -> int:
    if source == target:
        return Interpolation.BILINEAR
    shrink = target.width <= source.width and target.height <= source.height
    return Interpolation.AREA if shrink else Interpolation.BICUBIC


def planes_to_rgb(frame: PlaneFrame, info: ClipInfo) -> RGB:
    """A picture in planes to RGB in the same orientation."""
    return frame_to_rgb(pack(frame.planes, frame.pixel_format), info)


def rgb_to_planes(rgb: RGB, pixel_format: str, info: ClipInfo) -> tuple[Plane, ...]:
    """RGB to planes of ``pixel_format``, in the same orientation, with the clip's matrix and range."""
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), "rgb24")
    out = frame.reformat(
        format=pixel_format,
        src_colorspace=matrix_of(info),
        dst_colorspace=matrix_of(info),
        src_color_range=ColorRange.JPEG,
        dst_color_range=ColorRange(range_of(info)),
        interpolation=Interpolation.AREA | _EXACT,
        threads=1,
    )
    return unpack(out)


def unpack(frame: av.VideoFrame) -> tuple[Plane, ...]:
    """Copies of the planes of a decoded frame, as coded."""
    name = planar_name(frame.format.name)
    if frame.format.name not in (name, f"yuvj{name[3:]}"):
        frame = frame.reformat(format=name, interpolation=Interpolation.POINT | _EXACT, threads=1)
    form, size = layout(name), Size(frame.width, frame.height)
    return tuple(_view(frame, form, i, size).copy() for i in range(form.planes))


def pack(planes: tuple[Plane, ...], pixel_format: str) -> av.VideoFrame:
    """A frame of FFmpeg that holds copies of ``planes``."""
    form = layout(pixel_format)
    size = Size(planes[0].shape[1], planes[0].shape[0])
    frame = av.VideoFrame(size.width, size.height, pixel_format)
    for i, plane in enumerate(planes):
        _view(frame, form, i, size)[:] = plane
    return frame


def _view(frame: av.VideoFrame, form: Layout, plane: int, size: Size) -> Plane:
    """The samples of one plane inside FFmpeg's memory, without the padding of its lines."""
    rows, columns = form.shape(plane, size)
    raw = frame.planes[plane]
    lines = np.frombuffer(memoryview(raw), np.uint8).reshape(-1, raw.line_size)[:rows]
    return cast(Plane, lines.view(form.dtype)[:, :columns])


def adapt(planes: tuple[Plane, ...], pixel_format: str, target: str) -> tuple[Plane, ...]:
    """The same picture in another format of the same depth; luma is untouched.

    Grey gains neutral chroma; subsampled chroma is replicated: every pixel gets the sample that covers it.
    """
    if pixel_format == target:
        return planes
    source, form = layout(pixel_format), layout(target)
    height, width = planes[0].shape
    if source.depth != form.depth or source.rgb or form.rgb or form.gray:
        raise ValueError(f"cannot hold {pixel_format} in {target} without change")
    if source.gray:
        neutral = cast(Plane, np.full(form.shape(1, Size(width, height)), 1 << (form.depth - 1), form.dtype))
        return (planes[0], neutral, neutral)
    if form.subsampled:
        raise ValueError(f"cannot hold {pixel_format} in {target} without change")
    across, down = source.factor(1)
    grown: list[Plane] = [np.kron(p, np.ones((down, across), p.dtype))[:height, :width] for p in planes[1:]]
    return (planes[0], *grown)


def chroma_keep(keep: Bitmap, pixel_format: str) -> tuple[Bitmap, ...]:
    """For each plane: which samples are touched by KEEP pixels only.

    A chroma sample that also covers one opened pixel is not kept. ``keep`` is full size, ``(height, width)``.
    """
    form = layout(pixel_format)
    if not form.subsampled:
        return (keep,) * form.planes
    small = _all_of(keep, *form.factor(1))
    return (keep, small, small)


def keep_bitmap(classes: Classes) -> Bitmap:
    """Pixels that must stay the source's own."""
    return np.asarray(classes == MaskClass.KEEP, np.bool_)


def _all_of(keep: Bitmap, across: int, down: int) -> Bitmap:
    """True where the whole block of ``across`` by ``down`` pixels is; blocks at the edge may be smaller."""
    height, width = keep.shape
    padded = np.pad(keep, ((0, -height % down), (0, -width % across)), constant_values=True)
    blocks = padded.reshape(padded.shape[0] // down, down, padded.shape[1] // across, across)
    return np.asarray(blocks.all(axis=(1, 3)), np.bool_)
