"""What is known of a video, and the one interface through which stages see its pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import Field

from void_audit.model.base import Name, Sha256, Value
from void_audit.model.geometry import Rect, Size

RGB = npt.NDArray[np.uint8]
"""One picture, ``(height, width, 3)`` uint8, sRGB-like, display orientation."""


class AudioInfo(Value):
    """One sound track."""

    codec: Name
    sample_rate: int
    channels: int


class ClipInfo(Value):
    """Facts of a video file. Sizes are in *display* orientation (rotation already applied)."""

    width: Annotated[int, Field(gt=0)]
    height: Annotated[int, Field(gt=0)]
    frames: Annotated[int, Field(gt=0)]
    frame_rate: Name
    """Average rate as a fraction, e.g. ``24/1``."""
    time_base: Name
    duration_seconds: Annotated[float, Field(ge=0)]
    container: Name
    codec: Name
    pixel_format: Name
    bit_depth: int
    rotation: int
    """Clockwise degrees that the container asks the player to turn the coded picture: 0, 90, 180, 270."""
    variable_frame_rate: bool
    color_space: int
    color_range: int
    color_primaries: int
    color_transfer: int
    """The four numbers of ITU-T H.273; 2 means unspecified (range: 0 unspecified, 1 limited, 2 full)."""
    timecode: str | None
    audio: tuple[AudioInfo, ...]

    @property
    def size(self) -> Size:
        """Display width and height."""
        return Size(self.width, self.height)

    @property
    def rate(self) -> Fraction:
        """Average frames per second."""
        return Fraction(self.frame_rate)


class PacketDigests(Value):
    """SHA-256 over the concatenated coded packets of each track: survives a remux, not a transcode."""

    video: Sha256
    audio: tuple[Sha256, ...]


Plane = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
"""One plane of a picture as coded, ``(rows, columns)``."""


@dataclass(frozen=True)
class PlaneFrame:
    """One picture as coded, turned to display orientation: planes in their own size and bit depth.

    ``pixel_format`` is FFmpeg's name (``yuv420p``, ``yuv422p10le``, ...), ``pts`` counts ``time_base``.
    """

    planes: tuple[Plane, ...]
    pixel_format: str
    pts: int


class Clip(Protocol):
    """Pictures in order. Memory does not grow with the length of the clip."""

    @property
    def info(self) -> ClipInfo:
        """Facts of the clip; width and height are those of the pictures that are handed out."""

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[RGB]:
        """Pictures ``start`` to ``stop`` (excluded; default the end), in display order."""

    def frames_backwards(self, stop: int | None = None, start: int = 0) -> Iterator[RGB]:
        """Pictures ``stop - 1`` down to ``start``, decoded in bounded chunks."""

    def view(self, crop: Rect | None = None, size: Size | None = None) -> Clip:
        """The same clip seen through a crop (in this clip's pixels), then scaled to ``size``."""
