"""Mask files of our own, exact and strict: the values of a schema's classes (or 0 and 255) as lossless grey video."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
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


def _lookup(values: Sequence[int]) -> npt.NDArray[np.uint8]:
    """From a stored value to its index; what is not a value gives ``_INVALID``."""
    table = np.full(256, _INVALID, np.uint8)
    table[list(values)] = np.arange(len(values), dtype=np.uint8)
    return table


class MaskWriter(GrayWriter):
    """Writes a mask file; FFV1, so that every reader gives back exactly these values.

    ``values`` are what is stored for each class index (``MaskSchema.values``; default VOID's four).
    """

    def __init__(self, path: Path, size: Size, frame_rate: str, values: Sequence[int] = VALUES) -> None:
        super().__init__(path, size, frame_rate)
        self._values = np.array(values, np.uint8)

    def write(self, classes: Classes) -> None:
        """Add one picture of class indices. Raises MaskError mask-values for an index that has no value."""
        if classes.max() >= len(self._values):
            last = len(self._values) - 1
            raise MaskError(
                "mask-values", f"There is no mask class {classes.max()}.", f"Classes are 0 to {last}."
            )
        self.write_gray(self._values[classes])


class BitmapWriter(GrayWriter):
    """Writes a yes/no file: 255 where set."""

    def write(self, bitmap: Bitmap) -> None:
        """Add one picture."""
        self.write_gray(bitmap.astype(np.uint8) * np.uint8(255))


def write_masks(
    path: Path,
    size: Size,
    frames: Iterable[Classes],
    frame_rate: str = "24/1",
    values: Sequence[int] = VALUES,
) -> Path:
    """Write pictures of class indices as a mask file. Raises as ``MaskWriter``."""
    with MaskWriter(path, size, frame_rate, values) as writer:
        for classes in frames:
            writer.write(classes)
    return path


class _GrayFile:
    """A lossless grey file whose every sample must be in a table.

    Raises:
        MaskError: mask-format if the pictures are not grey with 8 bits.
        ClipError: if the file is missing, damaged or cut off.
    """

    def __init__(self, path: Path, values: Sequence[int]) -> None:
        self._clip = VideoClip(path)
        self._table = _lookup(values)
        self._allowed = ", ".join(map(str, values[:-1])) + f" and {values[-1]}"
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
    """Implements ``model.mask.ClassSequence`` over a file of ``MaskWriter`` with the same ``values``."""

    def __init__(self, path: Path, values: Sequence[int] = VALUES) -> None:
        super().__init__(path, values)

    def classes(self, start: int = 0, stop: int | None = None) -> Iterator[Classes]:
        """Class indices of frames ``start`` to ``stop``. Raises MaskError mask-values."""
        return self._looked_up(start, stop)


class BitmapFile(_GrayFile):
    """Yes/no pictures of a file of ``BitmapWriter``."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, (0, 255))

    def bitmaps(self, start: int = 0, stop: int | None = None) -> Iterator[Bitmap]:
        """Pictures ``start`` to ``stop``. Raises MaskError mask-values."""
        return (found.astype(np.bool_) for found in self._looked_up(start, stop))
