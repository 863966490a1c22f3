"""Random answers of reasoners, a plain reading of what they mean, and random mask schemas."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
from hypothesis import strategies as st

from void_audit.model.engine import EngineInfo
from void_audit.model.geometry import FrameRange, Size
from void_audit.model.mask import PackedBitmaps
from void_audit.model.mask_schema import ClassSpec, Composition, MaskSchema
from void_audit.model.reasoning import (
    AffectedObject,
    Belonging,
    Cell,
    CellSize,
    Consequences,
    Grid,
    GridLocalization,
    TrajectoryPoint,
)
from void_audit.model.track import Track

GRID = Grid(rows=4, cols=5)
SIZE = Size(23, 17)
FRAMES = 9
SCRIPTED = EngineInfo(name="drawn", version="1", kind="scripted", description="a test")

Place = tuple[int, int]


def cells(*places: Place) -> tuple[Cell, ...]:
    return tuple(Cell(row=row, col=col) for row, col in places)


def localizations(told: dict[int, list[Place]]) -> tuple[GridLocalization, ...]:
    return tuple(
        GridLocalization(frame=frame, cells=cells(*places)) for frame, places in sorted(told.items())
    )


def keyframes(told: dict[int, Place]) -> tuple[TrajectoryPoint, ...]:
    return tuple(TrajectoryPoint(frame=frame, row=row, col=col) for frame, (row, col) in sorted(told.items()))


def affected(
    span: tuple[int, int] = (0, FRAMES), category: str = "physical", **more: object
) -> AffectedObject:
    fields = {"noun": "cup", "why": "it stood on it", "will_move": True, "localizations": (), **more}
    return AffectedObject(category=category, frames=FrameRange(start=span[0], stop=span[1]), **fields)


def answer(*found: AffectedObject | Belonging, grid: Grid = GRID) -> Consequences:
    return Consequences(
        grid=grid,
        instruction="remove it",
        affected=tuple(one for one in found if isinstance(one, AffectedObject)),
        belongings=tuple(one for one in found if isinstance(one, Belonging)),
        summary="told",
        confidence=1.0,
    )


def track(bitmaps: list[np.ndarray]) -> Track:
    height, width = bitmaps[0].shape
    return Track(PackedBitmaps(Size(width, height), bitmaps), (1.0,) * len(bitmaps), (0,), SCRIPTED)


def found_in(consequences: Consequences) -> tuple[AffectedObject | Belonging, ...]:
    return (*consequences.affected, *consequences.belongings)


PLACE = st.tuples(st.integers(0, GRID.rows - 1), st.integers(0, GRID.cols - 1))
PLACES = st.lists(PLACE, max_size=5, unique=True)
SPANS = st.tuples(st.integers(0, FRAMES - 1), st.integers(1, FRAMES)).filter(lambda span: span[0] < span[1])


@st.composite
def affected_objects(draw: st.DrawFn) -> AffectedObject:
    start, stop = draw(SPANS)
    size = st.builds(CellSize, rows=st.integers(1, GRID.rows), cols=st.integers(1, GRID.cols))
    return affected(
        (start, stop),
        draw(st.sampled_from(["physical", "visual_artifact"])),
        localizations=localizations(draw(st.dictionaries(st.integers(start, stop - 1), PLACES, max_size=4))),
        between=draw(st.sampled_from(["hold", "linear"])),
        should_have_stayed=draw(st.booleans()),
        original_position=cells(*draw(PLACES)),
        trajectory=keyframes(draw(st.dictionaries(st.integers(0, FRAMES - 1), PLACE, max_size=4))),
        size=draw(st.none() | size),
    )


BELONGINGS = st.builds(
    lambda told, between: Belonging(noun="hat", localizations=localizations(told), between=between),
    st.dictionaries(st.integers(0, FRAMES - 1), PLACES, max_size=3),
    st.sampled_from(["hold", "linear"]),
)
ANSWERS = st.lists(affected_objects() | BELONGINGS, max_size=5).map(lambda found: answer(*found))


def plainly(found: AffectedObject | Belonging, frame: int, grid: Grid = GRID) -> set[Place]:
    """The cells on a frame by the words of ``FindingCells``, one cell after the other."""
    linear = found.between == "linear"
    placed = _moved(found.localizations, frame, grid) if linear else _held(found.localizations, frame)
    if isinstance(found, Belonging):
        return placed
    if not found.frames.start <= frame < found.frames.stop:
        return set()
    return placed | {(cell.row, cell.col) for cell in found.original_position} | _along(found, frame, grid)


def _held(places: tuple[GridLocalization, ...], frame: int) -> set[Place]:
    last = [place for place in places if place.frame <= frame][-1:]
    return {(cell.row, cell.col) for place in last for cell in place.cells}


def _moved(places: tuple[GridLocalization, ...], frame: int, grid: Grid) -> set[Place]:
    for a, b in pairwise(places):
        if a.frame < frame < b.frame and a.cells and b.cells:
            part = Fraction(frame - a.frame, b.frame - a.frame)
            (row, col), (to_row, to_col) = _box_middle(a.cells), _box_middle(b.cells)
            step = (part * (to_row - row), part * (to_col - col))
            back = (step[0] - (to_row - row), step[1] - (to_col - col))
            squares = [(cell, step) for cell in a.cells] + [(cell, back) for cell in b.cells]
            return {
                place
                for cell, (down, across) in squares
                for place in _touched(cell.row + down, cell.col + across, 1, 1, grid)
            }
    return _held(places, frame)


def _box_middle(named: tuple[Cell, ...]) -> tuple[Fraction, Fraction]:
    rows, cols = [cell.row for cell in named], [cell.col for cell in named]
    return Fraction(min(rows) + max(rows), 2), Fraction(min(cols) + max(cols), 2)


def _along(thing: AffectedObject, frame: int, grid: Grid) -> set[Place]:
    before = [point for point in thing.trajectory if point.frame <= frame]
    after = [point for point in thing.trajectory if point.frame > frame]
    if not before:
        return set()
    a, b = before[-1], after[0] if after else before[-1]
    part = Fraction(frame - a.frame, b.frame - a.frame) if after else 0
    row, col = a.row + part * (b.row - a.row), a.col + part * (b.col - a.col)
    rows, cols = (thing.size.rows, thing.size.cols) if thing.size else (1, 1)
    top, left = row + Fraction(1, 2) - Fraction(rows, 2), col + Fraction(1, 2) - Fraction(cols, 2)
    return set(_touched(top, left, rows, cols, grid))


def _touched(top: Fraction, left: Fraction, rows: int, cols: int, grid: Grid) -> list[Place]:
    """Cells of the grid that share area with a rectangle."""
    return [
        (row, col)
        for row in range(grid.rows)
        for col in range(grid.cols)
        if top < row + 1 and row < top + rows and left < col + 1 and col < left + cols
    ]


@st.composite
def schemas(draw: st.DrawFn) -> MaskSchema:
    """A schema for removal: any number of classes, any values, background anywhere, with or without consequences."""
    caused = draw(st.sampled_from(["affected", "remove", None]))
    kinds = ["object", "background", *(["consequence", "both"] if caused else [])]
    kinds += [f"unused-{i}" for i in range(draw(st.integers(0, 6 - len(kinds))))]
    kinds = draw(st.permutations(kinds))
    count = len(kinds)
    values = sorted(draw(st.lists(st.integers(0, 255), min_size=count, max_size=count, unique=True)))
    patterns = iter(["solid", "cross", "stripes", "dots", "rows", "columns", "checks"])
    return MaskSchema(
        name="random",
        description="a test",
        classes=tuple(
            _spec(kind, value, caused, patterns) for kind, value in zip(kinds, values, strict=True)
        ),
        compose={
            "remove": Composition(object="object", consequence="consequence", both="both")
            if caused
            else Composition(object="object")
        },
    )


def _spec(kind: str, value: int, caused: str | None, patterns) -> ClassSpec:
    change, conditioning, counts_as = "content", "remove", "removed"
    if kind == "background":
        change, conditioning, counts_as = "nothing", "keep", "kept"
    elif kind == "consequence" and caused == "affected":
        change, conditioning, counts_as = "consequence", "affected", "affected"
    return ClassSpec(
        name=kind,
        value=value,
        meaning="a test",
        color=(value, 0, 0),
        pattern="none" if kind == "background" else next(patterns),
        change=change,
        conditioning=conditioning,
        counts_as=counts_as,
    )
