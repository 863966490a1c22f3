"""Mask pictures set aside by number: compressed, in memory while they are few, then in a temporary file."""

from __future__ import annotations

import tempfile
import weakref
import zlib

import numpy as np

from void_audit.model.geometry import Size
from void_audit.model.mask import Classes

IN_MEMORY = 32 * 2**20
"""Bytes of compressed pictures before they go to a file."""

AT_HAND = 4
"""Pictures that are held uncompressed: the ones used last."""

_LEVEL = 1


class PictureStore:
    """Keeps pictures of one size. The file goes when the store does."""

    def __init__(self, size: Size) -> None:
        self._shape = (size.height, size.width)
        # Closed by the finalizer: the store lives as long as the mask that it belongs to.
        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self._places: dict[int, tuple[int, int]] = {}
        self._at_hand: dict[int, Classes] = {}
        self._end = 0

    def __contains__(self, number: int) -> bool:
        return number in self._places

    def put(self, number: int, picture: Classes) -> None:
        """Set a picture aside; it is not to be written to afterwards."""
        packed = zlib.compress(picture.tobytes(), _LEVEL)
        self._file.seek(self._end)
        self._file.write(packed)
        self._places[number] = (self._end, len(packed))
        self._end += len(packed)
        self._hold(number, picture)

    def get(self, number: int) -> Classes:
        """A picture, not to be written to. Raises KeyError."""
        if number in self._at_hand:
            picture = self._at_hand.pop(number)
        else:
            place, length = self._places[number]
            self._file.seek(place)
            raw = zlib.decompress(self._file.read(length))
            picture = np.frombuffer(raw, np.uint8).reshape(self._shape)
        self._hold(number, picture)
        return picture

    def _hold(self, number: int, picture: Classes) -> None:
        self._at_hand[number] = picture
        while len(self._at_hand) > AT_HAND:
            del self._at_hand[next(iter(self._at_hand))]
