"""Short ways to write operations, and random batches of them."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from void_audit.model.geometry import FrameRange
from void_audit.model.mask_edit import CellsEdit, CopyEdit, MaskEdits, MaskOperation, Point, StrokeEdit
from void_audit.model.mask_schema import MaskSchema
from void_audit.model.reasoning import Cell, Grid


def batch(*operations: MaskOperation) -> MaskEdits:
    return MaskEdits(operations=operations)


def span(frames: int | tuple[int, int]) -> FrameRange:
    start, stop = (frames, frames + 1) if isinstance(frames, int) else frames
    return FrameRange(start=start, stop=stop)


def cells(
    frames: int | tuple[int, int], places: Sequence[tuple[int, int]], to: str, mode: str = "toggle",
    grid: tuple[int, int] = (3, 4),
) -> CellsEdit:  # fmt: skip
    chosen = tuple(Cell(row=r, col=c) for r, c in places)
    return CellsEdit(
        frames=span(frames), grid=Grid(rows=grid[0], cols=grid[1]), cells=chosen, to=to, mode=mode,  # type: ignore[arg-type]
    )  # fmt: skip


def stroke(
    frames: int | tuple[int, int],
    points: Sequence[tuple[float, float]],
    to: str,
    mode: str = "set",
    radius: float = 2.0,
) -> StrokeEdit:
    line = tuple(Point(x=x, y=y) for x, y in points)
    return StrokeEdit(frames=span(frames), points=line, radius=radius, to=to, mode=mode)  # type: ignore[arg-type]


def copy(frames: int | tuple[int, int], from_frame: int, *classes: str) -> CopyEdit:
    return CopyEdit(frames=span(frames), from_frame=from_frame, classes=classes)


def batches(schema: MaskSchema, frames: int, most: int = 8) -> st.SearchStrategy[MaskEdits]:
    """Batches for a mask of ``frames`` pictures of about 17x11."""
    names = [c.name for c in schema.classes]
    others = [n for i, n in enumerate(names) if i != schema.background]
    spans = st.tuples(st.integers(0, frames - 1), st.integers(1, frames)).map(
        lambda s: span((s[0], min(frames, s[0] + s[1])))
    )
    painted = st.one_of(
        st.tuples(st.sampled_from(names), st.sampled_from(["set", "add"])),
        st.tuples(st.sampled_from(others), st.just("erase")),
    )
    toggled = st.tuples(st.sampled_from(others), st.just("toggle"))
    grids = st.builds(Grid, rows=st.integers(1, 11), cols=st.integers(1, 17))

    @st.composite
    def cell_edits(draw: st.DrawFn) -> CellsEdit:
        grid, (to, mode) = draw(grids), draw(st.one_of(painted, toggled))
        place = st.builds(Cell, row=st.integers(0, grid.rows - 1), col=st.integers(0, grid.cols - 1))
        chosen = draw(st.lists(place, min_size=1, max_size=6, unique=True))
        return CellsEdit(frames=draw(spans), grid=grid, cells=tuple(chosen), to=to, mode=mode)

    points = st.builds(Point, x=st.floats(-5, 22), y=st.floats(-5, 16))
    strokes = painted.flatmap(
        lambda p: st.builds(
            StrokeEdit, frames=spans, points=st.lists(points, min_size=1, max_size=3).map(tuple),
            radius=st.floats(0.5, 6), to=st.just(p[0]), mode=st.just(p[1]),
        )
    )  # fmt: skip
    copies = st.builds(
        CopyEdit, frames=spans, from_frame=st.integers(0, frames - 1),
        classes=st.lists(st.sampled_from(others), max_size=3).map(tuple),
    )  # fmt: skip
    operations = st.lists(st.one_of(cell_edits(), strokes, copies), min_size=1, max_size=most)
    return st.builds(MaskEdits, operations=operations.map(tuple))
