"""Edits from files and command lines: strict, bounded, and the reason with its place."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from void_audit.errors import MaskError
from void_audit.model.geometry import FrameRange
from void_audit.model.mask_edit import CellsEdit, MaskEdits, Point, StrokeEdit
from void_audit.model.reasoning import Cell, Grid
from void_audit.pipeline.masks.edit_text import (
    MAX_BYTES,
    cells_from_text,
    frames_from_text,
    grid_from_text,
    parse_edits,
    points_from_text,
)

YAML = b"""
note: the bag was missed
operations:
  - op: cells
    frames: {start: 0, stop: 30}
    grid: {rows: 8, cols: 14}
    cells: [{row: 3, col: 4}, {row: 3, col: 5}]
    to: affected
  - {op: stroke, frames: {start: 4, stop: 5}, points: [{x: 100, y: 200.5}], radius: 12, to: remove, mode: add}
  - {op: copy, frames: {start: 5, stop: 9}, from_frame: 4, classes: [remove]}
"""


def refused(data: bytes) -> str:
    with pytest.raises(MaskError) as caught:
        parse_edits(data)
    assert caught.value.code == "mask-edit-malformed"
    assert "operations" in caught.value.hint
    assert len(caught.value.message) < 2000
    return caught.value.message


def test_yaml_and_json_say_the_same() -> None:
    edits = parse_edits(YAML)
    cells, stroke, copy = edits.operations
    assert isinstance(cells, CellsEdit)
    assert isinstance(stroke, StrokeEdit)
    assert (edits.note, cells.mode, stroke.points[0].y, copy.op) == (
        "the bag was missed",
        "toggle",
        200.5,
        "copy",
    )
    assert parse_edits(edits.model_dump_json().encode()) == edits
    assert parse_edits(b" \n" + json.dumps(edits.model_dump(mode="json"), indent=1).encode()) == edits


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"operations: []", "operations"),
        (b"- 1", "edits"),
        (YAML.replace(b"radius: 12", b"radius: -1"), "operations.1.stroke.radius"),
        (YAML.replace(b"row: 3, col: 5", b"row: 300, col: 5"), "operations.0.cells.cells.1.row"),
        (YAML.replace(b"from_frame: 4", b"from_frame: '4'"), "operations.2.copy.from_frame"),
        (YAML.replace(b"op: copy", b"op: undo"), "operations.2"),
        (YAML.replace(b"note:", b"author:"), "author"),
        (YAML + b"note: again\n", "twice"),
        (b"operations: &a [*a]", "alias"),
        (b"\xff\xfe", ""),
        (b"{", "JSON"),
        (b'{"operations": [], "operations": []}', "same key twice"),
        (b'{"operations": NaN}', "NaN"),
        (b'{"operations": ' + b"[" * 100 + b"]" * 100 + b"}", "deeper"),
        (b'{"operations": []}' + b" " * MAX_BYTES, "bytes"),
        (b"#" * MAX_BYTES, "bytes"),
        (b'{"operations": "' + b"x" * 100000 + b'"}', "operations"),
    ],
)
def test_what_is_refused_says_where(data: bytes, says: str) -> None:
    assert says in refused(data)


def test_many_faults_are_told_shortly() -> None:
    points = [{"x": "a", "y": "b"}] * 1000
    stroke = {
        "op": "stroke",
        "frames": {"start": 0, "stop": 1},
        "points": points,
        "radius": 1,
        "to": "remove",
    }
    assert refused(json.dumps({"operations": [stroke]}).encode()).count("points.") == 5


def test_a_long_drawing_fits() -> None:
    stroke = {"op": "stroke", "frames": {"start": 0, "stop": 1}, "radius": 1.5, "to": "remove"}
    points = [{"x": 1000.25, "y": 1000.75}] * 10000
    data = json.dumps({"operations": [{**stroke, "points": points}] * 10}).encode()
    assert len(data) < MAX_BYTES
    assert len(parse_edits(data).operations) == 10


@given(st.binary(max_size=60))
def test_any_bytes_give_edits_or_a_reason(data: bytes) -> None:
    try:
        assert isinstance(parse_edits(data), MaskEdits)
    except MaskError as error:
        assert error.code == "mask-edit-malformed"  # noqa: PT017 - either is right


def pairs(text: str) -> list[tuple[int, int]]:
    return [(cell.row, cell.col) for cell in cells_from_text(text)]


def test_cells() -> None:
    assert pairs("3,4 3,5 4,4-6") == [(3, 4), (3, 5), (4, 4), (4, 5), (4, 6)]
    assert pairs("0-1,2-3") == [(0, 2), (0, 3), (1, 2), (1, 3)]
    assert pairs(" 7,7\n7,7\t7-7,7 ") == [(7, 7)]
    assert pairs("255,0 0,255") == [(255, 0), (0, 255)]
    assert len(pairs("0-255,0-255 0-9,0-9")) == 65536
    assert cells_from_text("1,2") == (Cell(row=1, col=2),)


@pytest.mark.parametrize(
    "text",
    ["", "  ", "3", "3,4,5", "3,", ",4", "a,b", "3;4", "-1,4", "3,4-", "4-3,1", "3,-4", "1,256", "0-256,1", "3.0,4",
     "1,2-3-4", "1,99999999999999999999", "1,9999999", "٣,4", "1 ,2", "+1,2", "1,2 x"],
)  # fmt: skip
def test_cells_that_are_none(text: str) -> None:
    with pytest.raises(MaskError, match="cell") as caught:
        cells_from_text(text)
    assert caught.value.code == "mask-edit-cell"


def test_points() -> None:
    assert points_from_text("100,200 120.5,-210 .5,0 7.,+1") == (
        Point(x=100, y=200), Point(x=120.5, y=-210), Point(x=0.5, y=0), Point(x=7, y=1),
    )  # fmt: skip
    assert len(points_from_text("1,2 " * 10000)) == 10000


@pytest.mark.parametrize(
    "text",
    ["", "1", "1,2,3", "a,1", "1,nan", "inf,1", "1e3,2", "1,2 3", "16385,0", "0,-16385", "1_0,2", "1,٣", ".,1",
     "1234567,1", "1,2 " * 10001],
)  # fmt: skip
def test_points_that_are_none(text: str) -> None:
    with pytest.raises(MaskError, match="point") as caught:
        points_from_text(text)
    assert caught.value.code == "mask-edit-point"
    assert len(caught.value.message) < 200


def test_frames_and_grids() -> None:
    assert frames_from_text("12") == FrameRange(start=12, stop=13)
    assert frames_from_text(" 0-20 ") == FrameRange(start=0, stop=21)
    assert grid_from_text("8x14") == Grid(rows=8, cols=14)
    for text in ("", "a", "5-4", "-1", "1-", "1,2", "1-2-3"):
        with pytest.raises(MaskError) as caught:
            frames_from_text(text)
        assert caught.value.code == "mask-edit-frames"
    for text in ("", "8", "8x", "x8", "0x4", "4x257", "8x8x8", "1_0x4", "8*4", "-1x4", "٨x4"):
        with pytest.raises(MaskError) as caught:
            grid_from_text(text)
        assert caught.value.code == "mask-edit-grid"
