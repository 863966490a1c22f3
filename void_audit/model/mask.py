"""The classes of the quadmask, statistics of masks, and masks as sequences of pictures.

Stored values and meaning follow VOID (spec/void 1.2): 0 remove, 63 overlap, 127 affected, 255 keep.
In memory a mask is a picture of class *indices*; hashes are taken over those. Masks of other schemas
(``model.mask_schema``) have other classes; ``Translated`` shows them in these four, as engines are given them.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import Annotated, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import Field

from void_audit.model.base import Sha256, Share, Value
from void_audit.model.geometry import Size

Classes = npt.NDArray[np.uint8]
"""One mask picture of class indices, ``(height, width)`` uint8."""

Bitmap = npt.NDArray[np.bool_]
"""One yes/no picture, ``(height, width)``."""


class MaskClass(IntEnum):
    """Class index; ``VALUES[index]`` is what is stored in a mask file."""

    REMOVE = 0
    OVERLAP = 1
    AFFECTED = 2
    KEEP = 3


VALUES: tuple[int, int, int, int] = (0, 63, 127, 255)


class MaskStatistics(Value):
    """Shares of the picture per class, by index, over all frames."""

    frames: int
    mean_share: tuple[Share, ...]
    max_share: tuple[Share, ...]
    max_opened_share: Share
    """Largest share of any frame in which something may change."""


class MaskIdentity(Value):
    """What a mask *is*: independent of container and codec.

    ``root`` is the RFC 6962 Merkle root whose leaf ``i`` is the 32-byte SHA-256 of frame ``i``'s class
    indices (``height * width`` bytes, row major) prefixed by width and height as two big-endian u32.
    """

    width: Annotated[int, Field(gt=0)]
    height: Annotated[int, Field(gt=0)]
    frames: Annotated[int, Field(gt=0)]
    root: Sha256


class ClassSequence(Protocol):
    """A mask on every frame of a clip."""

    @property
    def size(self) -> Size:
        """Width and height of every picture."""

    def __len__(self) -> int:
        """Number of frames."""

    def classes(self, start: int = 0, stop: int | None = None) -> Iterator[Classes]:
        """Class indices of frames ``start`` to ``stop`` (excluded; default the end)."""


class Translated:
    """A mask with every class index replaced by ``table[index]``; implements ``ClassSequence``.

    With ``MaskSchema.conditions`` it is what engines are given.
    """

    def __init__(self, mask: ClassSequence, table: npt.NDArray[np.uint8]) -> None:
        self._mask, self._table = mask, table

    @property
    def size(self) -> Size:
        """Width and height of every picture."""
        return self._mask.size

    def __len__(self) -> int:
        return len(self._mask)

    def classes(self, start: int = 0, stop: int | None = None) -> Iterator[Classes]:
        """Translated class indices of frames ``start`` to ``stop``."""
        return (np.asarray(self._table[c], np.uint8) for c in self._mask.classes(start, stop))


class PackedBitmaps:
    """Yes/no pictures of one size, held compressed: a few hundred bytes for a frame with one object."""

    def __init__(self, size: Size, bitmaps: Iterable[Bitmap] = ()) -> None:
        self.size = size
        self._packed: list[bytes] = []
        for bitmap in bitmaps:
            self.append(bitmap)

    @classmethod
    def empty(cls, size: Size, frames: int) -> PackedBitmaps:
        """``frames`` pictures in which nothing is set."""
        sequence = cls(size)
        sequence._packed = [sequence._pack(np.zeros((size.height, size.width), bool))] * frames
        return sequence

    def append(self, bitmap: Bitmap) -> None:
        """Add one picture at the end. Raises ValueError if its size is another one."""
        self._packed.append(self._pack(bitmap))

    def __setitem__(self, index: int, bitmap: Bitmap) -> None:
        self._packed[index] = self._pack(bitmap)

    def __getitem__(self, index: int) -> Bitmap:
        width, height = self.size
        raw = np.frombuffer(zlib.decompress(self._packed[index]), np.uint8)
        return np.unpackbits(raw, count=width * height).reshape(height, width).astype(bool)

    def __len__(self) -> int:
        return len(self._packed)

    def __iter__(self) -> Iterator[Bitmap]:
        return (self[i] for i in range(len(self)))

    def _pack(self, bitmap: Bitmap) -> bytes:
        if bitmap.shape != (self.size.height, self.size.width):
            raise ValueError(f"bitmap of shape {bitmap.shape} in a sequence of size {self.size}")
        return zlib.compress(np.packbits(bitmap).tobytes(), 3)
