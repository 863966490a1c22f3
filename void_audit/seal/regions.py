"""The edited regions of a mask, coarse enough for a manifest."""

from __future__ import annotations

import numpy as np

from void_audit.model.geometry import FrameRange, Rect
from void_audit.model.mask import Classes, ClassSequence, MaskClass
from void_audit.seal.base import EditedRegion

MAX_REGIONS = 24
"""A manifest names regions for people to look at; the exact mask is embedded beside them."""


def edited_regions(mask: ClassSequence, most: int = MAX_REGIONS) -> tuple[EditedRegion, ...]:
    """Rectangles around everything that is not KEEP, at most ``most``, in order of time.

    The clip is cut into equal stretches; each gives the rectangle around all that is opened in it, on
    its first to last opened frame. Every opened pixel of every frame lies in a region.
    """
    length = max(1, -(-len(mask) // most))
    regions: list[EditedRegion] = []
    present: _Stretch | None = None
    for number, classes in enumerate(mask.classes()):
        if number % length == 0:
            _close(present, regions)
            present = None
        box = _bounds(classes)
        if box is not None:
            present = _Stretch(number, box) if present is None else present.grown(number, box)
    _close(present, regions)
    return tuple(regions)


_Box = tuple[int, int, int, int]
"""Left, top, right, bottom; the last two excluded."""


class _Stretch:
    """Frames ``first`` to ``last`` (included) and the box around all that is opened on them."""

    def __init__(self, first: int, box: _Box, last: int | None = None) -> None:
        self.first, self.box, self.last = first, box, first if last is None else last

    def grown(self, number: int, box: _Box) -> _Stretch:
        (a, b, c, d), (x, y, z, w) = self.box, box
        return _Stretch(self.first, (min(a, x), min(b, y), max(c, z), max(d, w)), number)


def _bounds(classes: Classes) -> _Box | None:
    opened = classes != MaskClass.KEEP
    columns, rows = np.flatnonzero(opened.any(axis=0)), np.flatnonzero(opened.any(axis=1))
    if not columns.size:
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _close(stretch: _Stretch | None, regions: list[EditedRegion]) -> None:
    if stretch is None:
        return
    left, top, right, bottom = stretch.box
    regions.append(
        EditedRegion(
            FrameRange(start=stretch.first, stop=stretch.last + 1),
            Rect(x=left, y=top, width=right - left, height=bottom - top),
        )
    )
