"""What a batch of edits may say: strict, bounded, one meaning."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from void_audit.model.mask_edit import CellsEdit, CopyEdit, MaskEdits, StrokeEdit

FRAMES = {"start": 0, "stop": 2}
CELLS: dict[str, Any] = {
    "op": "cells", "frames": FRAMES, "grid": {"rows": 4, "cols": 4}, "cells": [{"row": 1, "col": 2}], "to": "remove",
}  # fmt: skip
STROKE: dict[str, Any] = {
    "op": "stroke", "frames": FRAMES, "points": [{"x": 1, "y": 2.5}], "radius": 3, "to": "remove", "mode": "add",
}  # fmt: skip
COPY: dict[str, Any] = {"op": "copy", "frames": FRAMES, "from_frame": 7}


def parsed(*operations: dict[str, Any], **more: Any) -> MaskEdits:
    return MaskEdits.model_validate_json(json.dumps({"operations": operations, **more}))


def test_every_kind_and_its_defaults() -> None:
    cells, stroke, copy = parsed(CELLS, STROKE, COPY, note="why").operations
    assert isinstance(cells, CellsEdit)
    assert isinstance(stroke, StrokeEdit)
    assert isinstance(copy, CopyEdit)
    assert (cells.mode, stroke.mode, copy.classes) == ("toggle", "add", ())
    assert parsed({k: v for k, v in STROKE.items() if k != "mode"}).operations[0].mode == "set"
    assert MaskEdits.model_validate_json(parsed(CELLS, COPY).model_dump_json()) == parsed(CELLS, COPY)


@pytest.mark.parametrize(
    ("operation", "changes"),
    [
        (CELLS, {"op": "fill"}),
        (CELLS, {"mode": "invert"}),
        (CELLS, {"cells": []}),
        (CELLS, {"cells": [{"row": 256, "col": 0}]}),
        (CELLS, {"cells": [{"row": -1, "col": 0}]}),
        (CELLS, {"cells": [{"row": 1, "col": 2}, {"row": 0, "col": 2}, {"row": 1, "col": 2}]}),
        (CELLS, {"grid": {"rows": 0, "cols": 4}}),
        (CELLS, {"grid": {"rows": 4, "cols": 257}}),
        (CELLS, {"to": "Remove"}),
        (CELLS, {"frames": {"start": 2, "stop": 2}}),
        (CELLS, {"frames": {"start": 3, "stop": 2}}),
        (CELLS, {"frames": {"start": "0", "stop": 2}}),
        (CELLS, {"undo": True}),
        (STROKE, {"mode": "toggle"}),
        (STROKE, {"points": []}),
        (STROKE, {"points": [{"x": 0, "y": 0}] * 10001}),
        (STROKE, {"points": [{"x": 16385, "y": 0}]}),
        (STROKE, {"points": [{"x": 0, "y": -16385}]}),
        (STROKE, {"radius": 0}),
        (STROKE, {"radius": 2001}),
        (COPY, {"from_frame": -1}),
        (COPY, {"classes": ["remove"] * 9}),
        (COPY, {"frames": {"start": 2, "stop": 1}}),
    ],
)
def test_what_does_not_fit_is_refused(operation: dict[str, Any], changes: dict[str, Any]) -> None:
    parsed(operation)
    with pytest.raises(ValidationError):
        parsed(operation | changes)


def test_a_batch_is_bounded_and_not_empty() -> None:
    for operations in ([], [COPY] * 10001):
        with pytest.raises(ValidationError):
            parsed(*operations)
    assert len(parsed(*[COPY] * 10000).operations) == 10000


def test_the_reason_names_the_operation_and_the_cell() -> None:
    with pytest.raises(ValidationError, match="operation 1: frames 5 to 4"):
        parsed(COPY, COPY | {"frames": {"start": 5, "stop": 4}})
    with pytest.raises(ValidationError, match="cell 3,0 is named twice"):
        parsed(CELLS | {"cells": [{"row": 3, "col": 0}] * 2})
