"""What adding and erasing a class does to a pixel of every class, by a schema: look-up tables (``model.mask_edit``)."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from void_audit.model.mask import Bitmap, Classes
from void_audit.model.mask_schema import MaskSchema, Operation

Table = npt.NDArray[np.uint8]
"""256 class indices, by class index; with ``PAIR`` by two of them."""

PAIR = 3
"""``here | there << PAIR`` is one index for two classes, of which there are eight at most."""

_EXACT = 1 << 24
"""Pixels that OpenCV counts exactly: its counts are 32-bit floats."""

_ORDER: tuple[Operation, ...] = ("remove", "de-emphasize", "replace")
"""Where two operations of a schema compose the same pair differently, the first one says what it becomes."""


class ClassTables:
    """The tables of one schema. Every table keeps indices that are not classes as they are."""

    def __init__(self, schema: MaskSchema) -> None:
        self._count, self._background = len(schema.classes), schema.background
        self._unions = _unions(schema)
        self._parts: dict[int, frozenset[int]] = {}
        for pair, both in self._unions.items():
            if both not in pair:
                self._parts.setdefault(both, pair)

    def hold(self, there: int, index: int) -> bool:
        """Whether a pixel of class ``there`` holds class ``index``: it is that, or both of which that is one."""
        return there == index or index in self._parts.get(there, ())

    def holding(self, index: int) -> Table:
        """1 for every class that holds ``index``, else 0."""
        return marking(np.array([self.hold(there, index) for there in range(self._count)]))

    def add(self, there: int, index: int) -> int:
        """What a pixel of class ``there`` becomes when ``index`` is added."""
        return there if self.hold(there, index) else self._unions.get(frozenset((there, index)), index)

    def erase(self, there: int, index: int) -> int:
        """What a pixel of class ``there`` becomes when ``index`` is erased."""
        if there == index or not self.hold(there, index):
            return self._background if there == index else there
        (other,) = self._parts[there] - {index}
        return other

    def setting(self, index: int) -> Table:
        """``set``: every class becomes ``index``."""
        return self._table([index] * self._count)

    def adding(self, index: int) -> Table:
        """``add``, for every class."""
        return self._table([self.add(there, index) for there in range(self._count)])

    def erasing(self, index: int) -> Table:
        """``erase``, for every class."""
        return self._table([self.erase(there, index) for there in range(self._count)])

    def copying(self, indices: Sequence[int]) -> Table:
        """What a pixel becomes when ``indices`` are copied, by its class and that of the other frame (``PAIR``)."""
        table = np.zeros(256, np.uint8)
        for other in range(self._count):
            for here in range(self._count):
                table[here | other << PAIR] = self._copied(here, other, indices)
        return table

    def _copied(self, here: int, other: int, indices: Sequence[int]) -> int:
        for index in indices:
            here = self.erase(here, index)
        for index in indices:
            here = self.add(here, index) if self.hold(other, index) else here
        return here

    def _table(self, becomes: Sequence[int]) -> Table:
        table = np.arange(256, dtype=np.uint8)
        table[: self._count] = becomes
        return table


def _unions(schema: MaskSchema) -> dict[frozenset[int], int]:
    """The class for both, for every pair of classes that has one."""
    unions: dict[frozenset[int], int] = {}
    for operation in _ORDER:
        parts = schema.compose.get(operation)
        if parts is None or parts.consequence is None or parts.both is None:
            continue
        pair = frozenset((schema.index(parts.object), schema.index(parts.consequence)))
        if len(pair) == 2:
            unions.setdefault(pair, schema.index(parts.both))
    return unions


def counted(classes: Classes) -> npt.NDArray[np.int64]:
    """How often each of 256 indices occurs in a picture."""
    counts = np.zeros(256, np.int64)
    rows = max(1, _EXACT // classes.shape[1])
    for top in range(0, classes.shape[0], rows):
        found = cv2.calcHist([classes[top : top + rows]], [0], None, [256], [0, 256])
        counts += found.ravel().astype(np.int64)
    return counts


def paired(here: Classes, there: Classes) -> Classes:
    """Two pictures as one of index pairs (``PAIR``)."""
    return np.asarray(here | there << PAIR, np.uint8)


def marking(marked: npt.NDArray[np.bool_]) -> Table:
    """A table that is 1 for marked classes, else 0."""
    table = np.zeros(256, np.uint8)
    table[: len(marked)] = marked
    return table


def looked_up(classes: Classes, table: Table) -> Table:
    """``table[classes]``, faster."""
    return np.asarray(cv2.LUT(classes, table), np.uint8)


def repaint(region: Classes, table: Table, where: Bitmap | None = None) -> None:
    """Replace every class of ``region`` by ``table``'s, in place; only where ``where`` is set, if given."""
    if where is None:
        region[...] = looked_up(region, table)
    else:
        np.copyto(region, looked_up(region, table), where=where)
