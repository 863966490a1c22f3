"""Masks made elsewhere: quantised by VOID's thresholds, refused if they hold more than the four classes.

VOID's files are H.264, lossless or not, with grey stored as luma of limited or full range; a decoder that
guesses the range wrongly turns 63 and 127 into 54 and 129 (spec/media 4.3). So luma is read as coded, and
the range is the one in which the file's values fit the four classes better.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from void_audit.errors import MaskError
from void_audit.media.pixels import layout
from void_audit.media.reader import VideoClip
from void_audit.model.clip import ClipInfo, PlaneFrame
from void_audit.model.geometry import Size
from void_audit.model.mask import VALUES, Classes, MaskClass

Gray = npt.NDArray[np.uint8]
Histogram = npt.NDArray[np.int64]

THRESHOLDS = (31, 95, 191)
"""VOID's upper bounds of remove, overlap and affected (spec/void 1.3)."""

NOISE = 12
"""Levels by which lossy coding moves an even area at most; farther off the four values it is another value."""

PLATEAU_SHARE = 1 / 2000
"""Part of a picture that even areas of another value may hold before the mask is refused."""

EXACT_VALUES = 8
"""A file with no more distinct values than these was coded without loss: nothing in it is noise."""

COLOUR_SHARE = 1 / 200
"""Part of a picture whose chroma may be off neutral."""

_CLASSES = np.searchsorted(np.array(THRESHOLDS), np.arange(256), side="left").astype(np.uint8)
_LEVELS = np.array(VALUES)
_DISTANCE = np.abs(np.arange(256)[:, None] - _LEVELS[None, :]).min(axis=1)
_FULL: Gray = np.arange(256, dtype=np.uint8)
_LIMITED: Gray = np.clip(np.round((np.arange(256) - 16) * 255 / 219), 0, 255).astype(np.uint8)


class ImportedMask:
    """Implements ``model.mask.ClassSequence`` over a foreign file; ``changes`` says what had to be changed."""

    def __init__(self, clip: VideoClip, expand: Gray, changes: tuple[str, ...]) -> None:
        self._clip, self._expand = clip, expand
        self.changes = changes

    @property
    def size(self) -> Size:
        """Width and height of every picture."""
        return self._clip.info.size

    def __len__(self) -> int:
        return self._clip.info.frames

    def classes(self, start: int = 0, stop: int | None = None) -> Iterator[Classes]:
        """Class indices of frames ``start`` to ``stop``; frame 0 holds no AFFECTED (spec/void 3, stage 4)."""
        first, _, _ = slice(start, stop).indices(len(self))
        for number, frame in enumerate(self._clip.planes(start, stop), first):
            classes = _CLASSES[self._expand[_luma(frame)]]
            if number == 0:
                classes[classes == MaskClass.AFFECTED] = MaskClass.KEEP
            yield classes


def import_mask(path: Path, info: ClipInfo) -> ImportedMask:
    """A mask video for the clip of ``info``: VOID's ``quadmask_0.mp4`` or any other four-value grey video.

    Raises:
        MaskError: mask-size, mask-frames if it does not fit the clip; mask-values if it holds even areas of
            a fifth value, or colour.
        ClipError: if the file is missing, damaged or cut off.
    """
    clip = VideoClip(path)
    _check_fit(clip, info)
    histogram = sum((_histogram(frame, path) for frame in clip.planes()), np.zeros(256, np.int64))
    expand = _better_range(histogram, clip.info)
    values = np.bincount(expand, weights=histogram, minlength=256).astype(np.int64)
    _check_exact(values, path)
    for number, frame in enumerate(clip.planes()):
        _check_plateaus(expand[_luma(frame)], number, path)
    first = expand[_luma(next(clip.planes(0, 1)))]
    return ImportedMask(clip, expand, _changes(expand, values, first))


def _check_fit(clip: VideoClip, info: ClipInfo) -> None:
    if clip.info.size != info.size:
        raise MaskError(
            "mask-size",
            f"The mask is {clip.info.width}x{clip.info.height}, the clip {info.width}x{info.height}.",
            "Make the mask at the clip's own size; it is not scaled, because that invents classes at edges.",
        )
    if clip.info.frames != info.frames:
        raise MaskError(
            "mask-frames",
            f"The mask has {clip.info.frames} frames, the clip {info.frames}.",
            "Make a mask with one picture for every frame of the clip.",
        )


def _luma(frame: PlaneFrame) -> Gray:
    """Luma as coded (green of RGB), brought to 8 bits."""
    plane = frame.planes[0]
    return np.asarray(plane >> (layout(frame.pixel_format).depth - 8), np.uint8)


def _histogram(frame: PlaneFrame, path: Path) -> Histogram:
    """How often each value of luma occurs. Refuses pictures that are not grey."""
    form = layout(frame.pixel_format)
    neutral = frame.planes[0].astype(np.int32) if form.rgb else np.int32(1 << (form.depth - 1))
    for plane in frame.planes[1:]:
        off = np.abs(plane.astype(np.int32) - neutral) > NOISE << (form.depth - 8)
        if off.mean() > COLOUR_SHARE:
            raise MaskError(
                "mask-values", f"{path.name} holds colour, not grey classes.", "Give a grey mask."
            )
    return np.bincount(_luma(frame).ravel(), minlength=256).astype(np.int64)


def _better_range(histogram: Histogram, info: ClipInfo) -> Gray:
    """The table from luma to 0-255: the range in which the values lie closer to the four classes."""
    if layout(info.pixel_format).rgb:
        return _FULL
    misfit = [float((histogram * np.minimum(_DISTANCE[table], NOISE)).sum()) for table in (_LIMITED, _FULL)]
    return _LIMITED if misfit[0] <= misfit[1] else _FULL


def _check_exact(values: Histogram, path: Path) -> None:
    """In a file coded without loss every other value is a class that is not ours."""
    present = np.flatnonzero(values)
    strange = present[_DISTANCE[present] > 1]
    if len(present) <= EXACT_VALUES and len(strange):
        value = int(strange[np.argmax(values[strange])])
        raise _fifth(path, f"the value {value} on {int(values[value])} pixels")


def _check_plateaus(gray: Gray, number: int, path: Path) -> None:
    """Compression blurs edges and shivers by a few levels; it does not make even areas of another value."""
    kernel = np.ones((5, 5), np.uint8)
    spread = cv2.subtract(cv2.dilate(gray, kernel), cv2.erode(gray, kernel))
    plateau = (spread <= NOISE // 2) & (_DISTANCE[gray] > NOISE)
    count = int(plateau.sum())
    if count > max(8, gray.size * PLATEAU_SHARE):
        value = int(np.median(gray[plateau]))
        raise _fifth(path, f"an area of value {value} ({count} pixels) on frame {number}")


def _fifth(path: Path, what: str) -> MaskError:
    return MaskError(
        "mask-values",
        f"{path.name} holds {what}, which is none of 0, 63, 127 and 255.",
        "Check which class it should be and write the mask again.",
    )


def _changes(expand: Gray, values: Histogram, first: Gray) -> tuple[str, ...]:
    changes = []
    if expand is _LIMITED:
        changes.append("Luma of limited range (16 to 235) was expanded to 0 to 255.")
    between = int(values[_DISTANCE > 1].sum())
    if between:
        share = 100 * between / int(values.sum())
        changes.append(
            f"The file is lossy: {between} pixels ({share:.3g} %) held none of 0, 63, 127 and 255 and were put into "
            f"classes by VOID's thresholds 31, 95 and 191."
        )
    grey = int((_CLASSES[first] == MaskClass.AFFECTED).sum())
    if grey:
        changes.append(f"{grey} affected pixels (127) on frame 0 became keep (255), as VOID does.")
    return tuple(changes)
