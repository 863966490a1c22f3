"""Pixel formats as numbers: planes, subsampling, depth, and what becomes of them when a picture is turned."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import av
import numpy as np

from void_audit.errors import ClipError
from void_audit.model.clip import Plane
from void_audit.model.geometry import Size

_PLANAR = {
    "nv12": "yuv420p", "nv21": "yuv420p", "nv16": "yuv422p", "nv24": "yuv444p",
    "p010le": "yuv420p10le", "p210le": "yuv422p10le",
    "yuyv422": "yuv422p", "uyvy422": "yuv422p", "yvyu422": "yuv422p",
    "yuvj420p": "yuv420p", "yuvj422p": "yuv422p", "yuvj440p": "yuv440p", "yuvj444p": "yuv444p",
    "rgb24": "gbrp", "bgr24": "gbrp", "bgr0": "gbrp", "rgb0": "gbrp", "0rgb": "gbrp", "0bgr": "gbrp",
}  # fmt: skip
"""Formats with the same samples in another arrangement, and the planar name of those samples."""


def planar_name(pixel_format: str) -> str:
    """The planar format that holds exactly the samples of ``pixel_format``."""
    return _PLANAR.get(pixel_format, pixel_format)


@dataclass(frozen=True)
class Layout:
    """A planar pixel format. Plane 0 is full size; chroma is ``1 / 2**sub_x`` by ``1 / 2**sub_y`` of it."""

    name: str
    depth: int
    planes: int
    sub_x: int
    sub_y: int
    rgb: bool

    @property
    def subsampled(self) -> bool:
        """Whether chroma is smaller than luma."""
        return bool(self.sub_x or self.sub_y)

    @property
    def gray(self) -> bool:
        """Whether there is no colour."""
        return self.planes == 1

    @property
    def dtype(self) -> type[np.uint8] | type[np.uint16]:
        """Type of a sample."""
        return np.uint8 if self.depth == 8 else np.uint16

    def factor(self, plane: int) -> tuple[int, int]:
        """How many pixels, across and down, share one sample of ``plane``."""
        return (1 << self.sub_x, 1 << self.sub_y) if plane and not self.rgb else (1, 1)

    def shape(self, plane: int, size: Size) -> tuple[int, int]:
        """Rows and columns of ``plane`` in a picture of ``size``."""
        across, down = self.factor(plane)
        return -(-size.height // down), -(-size.width // across)


@lru_cache(maxsize=64)
def layout(pixel_format: str) -> Layout:
    """Describe a planar format of 8 to 16 bits without transparency.

    Raises:
        ClipError: clip-pixel-format for any other.
    """
    try:
        form = av.VideoFormat(pixel_format, 64, 64)
    except ValueError as error:
        raise _unsupported(pixel_format) from error
    parts = form.components
    if not parts:  # pictures that stay in a graphics card
        raise _unsupported(pixel_format)
    alpha = any(part.is_alpha for part in parts)
    planes = {part.plane for part in parts}
    depth = parts[0].bits
    whole = len(planes) == len(parts) in (1, 3) and all(part.bits == depth for part in parts)
    if alpha or not whole or form.is_big_endian or form.has_palette or not 8 <= depth <= 16:
        raise _unsupported(pixel_format)
    if "f32" in pixel_format or "f16" in pixel_format or "msb" in pixel_format:
        raise _unsupported(pixel_format)
    gray = len(parts) == 1
    sub_x = 0 if gray else (64 // form.chroma_width(64)).bit_length() - 1
    sub_y = 0 if gray else (64 // form.chroma_height(64)).bit_length() - 1
    return Layout(pixel_format, depth, len(parts), sub_x, sub_y, form.is_rgb)


def turned_name(pixel_format: str, rotation: int) -> str:
    """The format after a turn by ``rotation`` degrees: a quarter turn swaps 4:2:2 and 4:4:0."""
    if rotation % 180 == 0 or layout(pixel_format).sub_x == layout(pixel_format).sub_y:
        return pixel_format
    if "422" in pixel_format:
        name = pixel_format.replace("422", "440")
    elif "440" in pixel_format:
        name = pixel_format.replace("440", "422")
    else:
        raise _unsupported(pixel_format)
    return layout(name).name


def turn(plane: Plane, clockwise: int) -> Plane:
    """The plane turned by 0, 90, 180 or 270 degrees clockwise; no sample changes."""
    return cast(Plane, np.ascontiguousarray(np.rot90(plane, -(clockwise // 90) % 4)))


def _unsupported(pixel_format: str) -> ClipError:
    return ClipError(
        "clip-pixel-format",
        f"The pixel format {pixel_format} is not supported.",
        "Convert the clip to planar YUV, grey or RGB of 8 to 16 bits without transparency.",
    )
