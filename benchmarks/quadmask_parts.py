"""What the difference between the published affected area and ours is made of: `benchmarks.quadmask` prints it.

Counted in pixels of the working size, over all frames but frame 0 (where no mask may have anything affected).
The published *affected* area (values 63 and 127) falls into five parts, in this order:

- *found*: ours too;
- *behind the object*: value 63. Engines treat it as the object itself; nothing more is opened by naming it;
- *changes*: the place differs by more than 12 levels from its first five frames outside the object;
- *its cell*: nothing differs, but something does, or the object is, in the same cell of the published grid (8
  on the short side): the grid's rim;
- *nothing to see*: none of these. Nothing happens there in the footage; something would, without the object. Only
  foresight can name it.

*Ours beyond* is what of ours is not theirs, against ours; *near*, the share of it within one published cell
of theirs; *changes*, the share where the footage differs. *Ceiling* is the overlap that the best choice of cells
of our grid reaches. *Frame 0 without shadow* is ``grown`` on frame 0 without the rule of ADR 3.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from void_audit.model.clip import RGB
from void_audit.model.geometry import Size
from void_audit.model.grid import VOID_MINIMUM_GRID, cell_counts, cells_touched, edges, fill_cells, grid_for
from void_audit.model.mask import Bitmap
from void_audit.model.reasoning import Grid

LEVELS, FIRST, EDGE = 12, 5, 5
HEAD = (
    "| clip | published affected | found | behind the object | changes | its cell | nothing to see | "
    "ours beyond | near | changes | ceiling | frame 0 without shadow |"
)


@dataclass(frozen=True)
class Frame:
    """One frame at the working size: the picture, the published object and affected area, and ours."""

    picture: RGB
    object: Bitmap
    theirs: Bitmap
    ours: Bitmap


@dataclass(frozen=True)
class Parts:
    """Shares, 0 to 1, in the order of HEAD."""

    affected: float
    found: float
    behind: float
    changes: float
    cell: float
    unseen: float
    beyond: float
    near: float
    beyond_changes: float
    ceiling: float

    def cells(self) -> Iterator[str]:
        """For a table: percent, and the ceiling as it is."""
        values = list(vars(self).values())
        yield from (f"{100 * value:.1f} %" for value in values[:1])
        yield from (f"{100 * value:.0f} %" for value in values[1:-1])
        yield f"{self.ceiling:.3f}"


def parts_of(frames: Sequence[Frame], grid: Grid) -> Parts:
    """``grid`` is ours. Frame 0 is left out."""
    height, width = frames[0].object.shape
    coarse = grid_for(Size(width, height), VOID_MINIMUM_GRID)
    first = _first_look(frames)
    counts = np.zeros(9)
    for frame in frames[1:]:
        changed = _changed(frame, first)
        counts += _counted(frame, changed, coarse)
    theirs, *kinds, ours, beyond, near, beyond_changes = counts
    return Parts(
        theirs / (height * width * (len(frames) - 1)),
        *(kind / max(theirs, 1) for kind in (*kinds, theirs - sum(kinds))),
        beyond / max(ours, 1),
        near / max(beyond, 1),
        beyond_changes / max(beyond, 1),
        float(np.mean([ceiling(frame.theirs, grid) for frame in frames[1:]])),
    )


def _counted(frame: Frame, changed: Bitmap, coarse: Grid) -> np.ndarray:
    """Pixels: theirs, four of its parts, ours, ours beyond, of that near theirs, of that changing."""
    size = Size(*reversed(frame.object.shape))
    missing = frame.theirs & ~frame.ours
    outside = missing & ~frame.object
    busy = fill_cells(cells_touched(changed | frame.object, coarse), size)
    beyond = frame.ours & ~frame.theirs & ~frame.object
    cell = max(np.diff(edges(size.height, coarse.rows)))
    near = cv2.dilate(frame.theirs.astype(np.uint8), np.ones((2 * cell + 1, 2 * cell + 1), np.uint8)) > 0
    measured = (
        frame.theirs,
        frame.theirs & frame.ours,
        missing & frame.object,
        outside & changed,
        outside & ~changed & busy,
        frame.ours & ~frame.object,
        beyond,
        beyond & near,
        beyond & changed,
    )
    return np.array([bitmap.sum() for bitmap in measured], float)


def ceiling(theirs: Bitmap, grid: Grid) -> float:
    """The best overlap with ``theirs`` that cells of ``grid`` can reach; 1 where nothing is affected."""
    total = theirs.sum()
    if not total:
        return 1.0
    hits = cell_counts(theirs, grid).ravel()
    sizes = cell_counts(np.ones_like(theirs), grid).ravel()
    order = np.argsort(-hits / sizes, kind="stable")
    hit, named = np.cumsum(hits[order]), np.cumsum(sizes[order])
    return float((hit / (total + named - hit)).max())


def _first_look(frames: Sequence[Frame]) -> np.ndarray:
    """Every place as it is on the first frames on which the object is not there; never seen: not a number."""
    stack = np.full((FIRST, *frames[0].picture.shape), np.nan, np.float32)
    seen = np.zeros(frames[0].object.shape, int)
    for frame in frames:
        free = ~_with_edge(frame.object) & (seen < FIRST)
        rows, columns = np.nonzero(free)
        stack[seen[free], rows, columns] = _smooth(frame.picture)[free]
        seen += free
    stack[:, seen == 0] = np.nan
    known = np.where(np.isnan(stack), np.inf, stack)
    known.sort(axis=0)
    middle = np.maximum(seen - 1, 0) // 2
    return np.take_along_axis(known, middle[None, ..., None].repeat(3, axis=3), axis=0)[0]


def _changed(frame: Frame, first: np.ndarray) -> Bitmap:
    delta = np.abs(_smooth(frame.picture) - np.where(np.isfinite(first), first, 0)).max(axis=2)
    changed = (delta > LEVELS) & np.isfinite(first[..., 0]) & ~_with_edge(frame.object)
    return cv2.morphologyEx(changed.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0


def _with_edge(bitmap: Bitmap) -> Bitmap:
    return cv2.dilate(bitmap.astype(np.uint8), np.ones((2 * EDGE + 1, 2 * EDGE + 1), np.uint8)) > 0


def _smooth(picture: RGB) -> np.ndarray:
    return cv2.GaussianBlur(picture.astype(np.float32), (0, 0), 1.5)
