"""Mask files of our own, exact and strict: class values 0, 63, 127, 255 (or 0 and 255) as lossless grey video."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from void_audit.errors import MaskError
from void_audit.media.lossless import GrayWriter
from void_audit.media.maskimport import ImportedMask, import_mask
from void_audit.media.reader import VideoClip
from void_audit.model.geometry import Size
from void_audit.model.mask import VALUES, Bitmap, Classes

__all__ = [
    "BitmapFile",
    "BitmapWriter",
    "ImportedMask",
    "MaskFile",
    "MaskWriter",
    "import_mask",
    "write_masks",
]

_INVALID = 255
_VALUES = np.array(VALUES, np.uint8)
_CLASS_OF = np.full(256, _INVALID, np.uint8)
_CLASS_OF[_VALUES] = np.arange(len(VALUES), dtype=np.uint8)
_BIT_OF = np.full(256, _INVALID, np.uint8)
_BIT_OF[[0, 255]] = (0, 1)


class MaskWriter(GrayWriter):
    """Writes a quadmask file; FFV1, so that every reader gives back exactly these values."""

    def write(self, classes: Classes) -> None:
        """Add one picture of class indices. Raises MaskError mask-values for an index over 3."""
        if classes.max() >= len(VALUES):
            raise MaskError("mask-values", f"There is no mask class {classes.max()}.", "Classes are 0 to 3.")
        self.write_gray(_VALUES[classes])


class BitmapWriter(GrayWriter):
    """Writes a yes/no file: 255 where set."""

    def write(self, bitmap: Bitmap) -> None:
        """Add one picture."""
        self.write_gray(bitmap.astype(np.uint8) * np.uint8(255))


def write_masks(path: Path, size: Size, frames: Iterable[Classes], frame_rate: str = "24/1") -> Path:
    """Write pictures of class indices as a quadmask file. Raises as ``MaskWriter``."""
    with MaskWriter(path, size, frame_rate) as writer:
        for classes in frames:
            writer.write(classes)
    return path


class _GrayFile:
    """A lossless grey file whose every sample must be in a table.

    Raises:
        MaskError: mask-format if the pictures are not grey with 8 bits.
        ClipError: if the file is missing, damaged or cut off.
    """

    _table: npt.NDArray[np.uint8]
    _allowed: str

    def __init__(self, path: Path) -> None:
        self._clip = VideoClip(path)
        if self._clip.info.pixel_format != "gray":
            raise MaskError(
                "mask-format",
                f"{path.name} holds {self._clip.info.pixel_format} pictures, not 8-bit grey.",
                "Import it as a mask first.",
            )

    @property
    def size(self) -> Size:
        """Width and height of every picture."""
        return self._clip.info.size

    def __len__(self) -> int:
        return self._clip.info.frames

    def _looked_up(self, start: int, stop: int | None) -> Iterator[npt.NDArray[np.uint8]]:
        first, last = self._clip.index.span(start, stop)
        for number, frame in enumerate(self._clip.planes(first, last), first):
            found = self._table[frame.planes[0]]
            if found.max() == _INVALID:
                value = int(frame.planes[0][found == _INVALID][0])
                raise MaskError(
                    "mask-values",
                    f"{self._clip.path.name} holds the value {value} on frame {number}; only {self._allowed} may be.",
                    "The file was not written by void-audit, or was changed.",
                )
            yield found


class MaskFile(_GrayFile):
    """Implements ``model.mask.ClassSequence`` over a file of ``MaskWriter``."""

    _table = _CLASS_OF
    _allowed = "0, 63, 127 and 255"

    def classes(self, start: int = 0, stop: int | None = None) -> Iterator[Classes]:
        """Class indices of frames ``start`` to ``stop``. Raises MaskError mask-values."""
        return self._looked_up(start, stop)


class BitmapFile(_GrayFile):
    """Yes/no pictures of a file of ``BitmapWriter``."""

    _table = _BIT_OF
    _allowed = "0 and 255"

    def bitmaps(self, start: int = 0, stop: int | None = None) -> Iterator[Bitmap]:
        """Pictures ``start`` to ``stop``. Raises MaskError mask-values."""
        return (found.astype(np.bool_) for found in self._looked_up(start, stop))
