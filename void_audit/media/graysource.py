"""Pictures of grey values made elsewhere: a video, or numbered PNG files. Values are handed out as they are coded.

Whoever reads them decides what they mean (``maskvalues``): decoders guess the range of luma, and guess wrongly.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Protocol, cast

import cv2
import numpy as np
import numpy.typing as npt

from void_audit.errors import ClipError, MaskError
from void_audit.media.container import MAX_FRAMES, MAX_PIXELS
from void_audit.media.pixels import layout
from void_audit.media.reader import VideoClip
from void_audit.model.clip import Plane, PlaneFrame
from void_audit.model.geometry import Size

Gray = npt.NDArray[np.uint8]

NOISE = 12
"""Levels by which lossy coding moves an even area at most."""

COLOUR_SHARE = 1 / 200
"""Part of a picture whose colour may be off neutral."""

MAX_PNG_BYTES = 64 << 20
"""A mask of 8K takes a fraction of this."""

_NUMBERED = re.compile(r"(.*?)([0-9]{1,9})([^0-9]*)\.png", re.IGNORECASE | re.DOTALL)
_PNG_HEAD = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"


class GraySource(Protocol):
    """Grey pictures of one size."""

    @property
    def name(self) -> str:
        """The file or folder, for messages."""

    @property
    def size(self) -> Size:
        """Width and height of every picture."""

    @property
    def rate(self) -> Fraction | None:
        """Pictures per second; None where there is no clock."""

    @property
    def video_range(self) -> bool:
        """Whether 16 to 235 is the more usual range of such a file."""

    def __len__(self) -> int:
        """Number of pictures."""

    def pictures(self, start: int = 0, stop: int | None = None) -> Iterator[Gray]:
        """Pictures ``start`` to ``stop`` (excluded), ``(height, width)``, as coded, brought to 8 bits."""


def open_gray(path: Path) -> GraySource:
    """A video file, or a folder of numbered PNG files.

    Raises:
        ClipError: as ``VideoClip``.
        MaskError: as ``GrayPngs``.
    """
    return GrayPngs(path) if path.is_dir() else GrayVideo(path)


class GrayVideo:
    """Luma of a video (green of RGB). Its pictures raise MaskError mask-values where they are coloured."""

    def __init__(self, path: Path) -> None:
        self._clip = VideoClip(path)
        self.name, self.size = path.name, self._clip.info.size
        self.rate: Fraction | None = self._clip.info.rate
        form = layout(self._clip.info.pixel_format)
        self.video_range = not form.rgb

    def __len__(self) -> int:
        return self._clip.info.frames

    def pictures(self, start: int = 0, stop: int | None = None) -> Iterator[Gray]:
        """Pictures ``start`` to ``stop``."""
        return (self._gray(frame) for frame in self._clip.planes(start, stop))

    def _gray(self, frame: PlaneFrame) -> Gray:
        form = layout(frame.pixel_format)
        luma, *others = (_eight_bits(plane, form.depth) for plane in frame.planes)
        neutral = luma if form.rgb else np.full_like(others[0], 128) if others else luma
        _check_neutral(others, neutral, self.name)
        return luma


class GrayPngs:
    """A folder of PNG files ``<name><number><anything>.png``, numbered without a gap, as ComfyUI saves them.

    Raises:
        MaskError: mask-missing if there are none; mask-sequence if there are several sequences, or one with gaps;
            mask-format for what is no opaque PNG of the first one's size; mask-values for colour.
    """

    rate: Fraction | None = None
    video_range = False

    def __init__(self, folder: Path) -> None:
        self.name = folder.name
        self._files = _sequence(folder)
        self.size = _png_size(_read(self._files[0]), self._files[0].name)

    def __len__(self) -> int:
        return len(self._files)

    def pictures(self, start: int = 0, stop: int | None = None) -> Iterator[Gray]:
        """Pictures ``start`` to ``stop``."""
        return (self._gray(path) for path in self._files[start:stop])

    def _gray(self, path: Path) -> Gray:
        data = _read(path)
        if _png_size(data, path.name) != self.size:
            raise _no_png(
                path.name, f"is not {self.size.width}x{self.size.height} as {self._files[0].name} is"
            )
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        if picture is None or picture.dtype not in (np.uint8, np.uint16):
            raise _no_png(path.name, "cannot be decoded")
        channels = np.atleast_3d(_eight_bits(cast(Plane, picture), 16 if picture.dtype == np.uint16 else 8))
        if channels.shape[2] == 4 and channels[..., 3].min() < 255:
            raise _no_png(path.name, "is partly transparent")
        gray, *others = (np.ascontiguousarray(channels[..., i]) for i in range(min(3, channels.shape[2])))
        _check_neutral(others, gray, path.name)
        return gray


def files_in(folder: Path) -> list[Path]:
    """The files of a folder, sorted by name; not those that links bring in from elsewhere.

    Raises:
        ClipError: clip-unreadable.
    """
    try:
        inside = folder.resolve()
        files = (path for path in folder.iterdir() if path.is_file())
        return sorted(path for path in files if path.resolve().is_relative_to(inside))
    except (OSError, RuntimeError) as error:  # a loop of links
        raise ClipError(
            "clip-unreadable", f"{folder} cannot be read: {error}.", "Check its permissions."
        ) from None


def _eight_bits(plane: Plane, depth: int) -> Gray:
    return np.asarray(plane >> (depth - 8), np.uint8)


def _check_neutral(planes: Sequence[Gray], neutral: Gray, name: str) -> None:
    for plane in planes:
        off = cv2.countNonZero(cv2.threshold(cv2.absdiff(plane, neutral), NOISE, 1, cv2.THRESH_BINARY)[1])
        if off > plane.size * COLOUR_SHARE:
            raise MaskError("mask-values", f"{name} holds colour, not grey classes.", "Give a grey mask.")


def _sequence(folder: Path) -> list[Path]:
    """The numbered files, in order."""
    found: dict[tuple[str, str], dict[int, Path]] = {}
    for path in files_in(folder):
        match = _NUMBERED.fullmatch(path.name)
        if match:
            found.setdefault((match[1], match[3]), {})[int(match[2])] = path
    if not found:
        raise MaskError(
            "mask-missing", f"{folder.name} holds no mask.", "Give a mask video, or PNG files with numbers."
        )
    if len(found) > 1:
        names = ", ".join(sorted(f"{a[:40]}*{b[:40]}.png" for a, b in found)[:5])
        raise _no_sequence(folder, f"several sequences: {names}", "Leave one of them in the folder.")
    files = next(iter(found.values()))
    first, last = min(files), max(files)
    if last - first + 1 != len(files) or len(files) > MAX_FRAMES:
        missing = next((n for n in range(first, last) if n not in files), last)
        raise _no_sequence(
            folder, f"{len(files)} files, none with the number {missing}", "Add what is missing."
        )
    return [files[number] for number in range(first, last + 1)]


def _no_sequence(folder: Path, what: str, hint: str) -> MaskError:
    return MaskError("mask-sequence", f"{folder.name} holds {what}.", hint)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_PNG_BYTES + 1)
    except OSError as error:
        raise ClipError("clip-unreadable", f"{path} cannot be read: {error.strerror}.", "Check it.") from None
    if len(data) > MAX_PNG_BYTES:
        raise _no_png(path.name, f"is larger than {MAX_PNG_BYTES >> 20} MiB")
    return data


def _png_size(data: bytes, name: str) -> Size:
    """From the header, before anything is decoded."""
    if not data.startswith(_PNG_HEAD):
        raise _no_png(name, "is no PNG file")
    size = Size(int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big"))
    if not 0 < size.width * size.height <= MAX_PIXELS:
        raise _no_png(name, f"claims {size.width}x{size.height} pixels")
    return size


def _no_png(name: str, what: str) -> MaskError:
    return MaskError("mask-format", f"{name} {what}.", "Give opaque grey PNG files of one size.")
