"""Options of ``mask edit``: exactly one way, and no option without effect."""

from __future__ import annotations

import inspect
import tracemalloc
from dataclasses import fields

import pytest

from void_audit.cli.mask import edit_command
from void_audit.cli.mask_edit import MAX_FILE, OPTIONS, EditOptions
from void_audit.errors import MaskError, RequestError
from void_audit.model.geometry import FrameRange, Size
from void_audit.model.mask_edit import CellsEdit, CopyEdit, Point, StrokeEdit
from void_audit.model.reasoning import Cell, Grid
from void_audit.pipeline.masks.edit_text import parse_edits

SIZE = Size(96, 64)


def only(**options):
    (operation,) = EditOptions(**options).edits(SIZE).operations
    return operation


def refusal(kind=RequestError, **options):
    with pytest.raises(kind) as caught:
        EditOptions(**options).edits(SIZE)
    assert caught.value.hint
    return caught.value


class TestOneOperation:
    def test_cells(self):
        assert only(cells="3,4-5 1,0", to="affected", frames="0-47") == CellsEdit(
            frames=FrameRange(start=0, stop=48), grid=Grid(rows=8, cols=12), to="affected", mode="toggle",
            cells=(Cell(row=3, col=4), Cell(row=3, col=5), Cell(row=1, col=0)),
        )  # fmt: skip
        assert only(cells="0,0", to="remove", frames="3", grid=4).grid == Grid(rows=4, cols=6)

    def test_a_stroke(self):
        assert only(stroke="100,80 140.5,90", to="remove", frames="12") == StrokeEdit(
            frames=FrameRange(start=12, stop=13), points=(Point(x=100, y=80), Point(x=140.5, y=90)),
            radius=10.0, to="remove", mode="set",
        )  # fmt: skip
        assert only(stroke="1,1", to="remove", frames="1", radius=3).radius == 3

    @pytest.mark.parametrize("mode", ["set", "add", "erase", "toggle"])
    def test_modes(self, mode):
        assert only(cells="0,0", to="remove", frames="0", mode=mode).mode == mode
        if mode != "toggle":
            assert only(stroke="0,0", to="remove", frames="0", mode=mode).mode == mode
        else:
            assert refusal(stroke="0,0", to="remove", frames="0", mode=mode).code == "option-value"

    def test_a_copy(self):
        frames = FrameRange(start=1, stop=4)
        assert only(copy_from=0, frames="1-3") == CopyEdit(frames=frames, from_frame=0)
        chosen = only(copy_from=0, frames="1-3", to="remove,affected")
        assert chosen.classes == ("remove", "affected")

    def test_the_note_goes_along(self):
        assert EditOptions(copy_from=0, frames="1", note="why").edits(SIZE).note == "why"


OTHERS = {"mode": "add", "grid": 4, "radius": 3.0, "to": "remove", "frames": "0", "note": "why"}
IDLE = [
    ("cells", "0,0", {"radius"}), ("stroke", "0,0", {"grid"}), ("copy_from", 0, {"mode", "grid", "radius"}),
    ("file", "x.yaml", set(OTHERS)),
]  # fmt: skip


class TestWays:
    @pytest.mark.parametrize("given", [
        {}, {"to": "remove", "frames": "0"},
        {"cells": "0,0", "stroke": "0,0"}, {"cells": "0,0", "copy_from": 0}, {"stroke": "0,0", "copy_from": 0},
        {"cells": "0,0", "stroke": "0,0", "copy_from": 0},
    ])  # fmt: skip
    def test_exactly_one(self, given):
        error = refusal(**given)
        assert error.code == "option-missing"
        assert "--cells, --stroke, --copy-from, --file" in error.hint

    def test_with_a_file_too(self, tmp_path):
        assert refusal(file=tmp_path / "x", cells="0,0").code == "option-missing"

    @pytest.mark.parametrize("given", [
        {"cells": "0,0", "frames": "0"}, {"stroke": "0,0", "frames": "0"},
        {"cells": "0,0", "to": "remove"}, {"stroke": "0,0", "to": "remove"}, {"copy_from": 0},
    ])  # fmt: skip
    def test_what_an_edit_needs(self, given):
        assert refusal(**given).code == "option-missing"

    @pytest.mark.parametrize(("way", "value", "idle"), IDLE)
    def test_no_option_is_taken_and_then_ignored(self, way, value, idle):
        plain = {"copy_from": {"frames": "0"}, "file": {}}.get(way, {"frames": "0", "to": "remove"})
        for name, other in OTHERS.items():
            given = {way: value, **plain, name: other}
            if name in idle:
                error = refusal(**given)
                assert error.code == "option-unused"
                assert f"--{name} {other}" in error.message
            else:
                EditOptions(**given).edits(SIZE)

    def test_every_option_is_accounted_for(self):
        assert {f.name for f in fields(EditOptions)} - OPTIONS == {"cells", "stroke", "copy_from", "file"}


class TestValues:
    @pytest.mark.parametrize("given", [
        {"cells": "0"}, {"cells": "0,x"}, {"cells": "0,0,0"}, {"cells": "5-3,0"}, {"cells": "999,0"},
        {"stroke": "0"}, {"stroke": "nan,0"}, {"stroke": "1e9,0"}, {"stroke": "0,0 x"}, {"stroke": "99999,0"},
    ])  # fmt: skip
    def test_places_that_are_none(self, given):
        assert refusal(MaskError, to="remove", frames="0", **given).code in {
            "mask-edit-cell",
            "mask-edit-point",
        }

    @pytest.mark.parametrize("frames", ["x", "3-1", "-1", "0-", "1,2", "9" * 30])
    def test_frames_that_are_none(self, frames):
        assert refusal(MaskError, cells="0,0", to="remove", frames=frames).code == "mask-edit-frames"

    @pytest.mark.parametrize("to", ["Remove", "\x1b[31m", "x" * 50, "a b"])
    def test_classes_that_no_schema_has(self, to):
        error = refusal(cells="0,0", to=to, frames="0")
        assert (error.code, "\x1b" in error.message) == ("option-value", False)

    @pytest.mark.parametrize("to", ["remove,,x", "a,b,c,d,e,f,g,h,i"])
    def test_classes_to_copy(self, to):
        assert refusal(copy_from=0, frames="1", to=to).code == "option-value"

    def test_a_note_that_is_too_long(self):
        assert refusal(copy_from=0, frames="1", note="x" * 100_000).code == "option-value"


class TestFiles:
    GOOD = (
        '{"operations": [{"op": "copy", "frames": {"start": 1, "stop": 2}, "from_frame": 0}], "note": "why"}'
    )

    def read(self, tmp_path, data: bytes):
        path = tmp_path / "batch"
        path.write_bytes(data)
        return EditOptions(file=path).edits(SIZE)

    def test_json_and_yaml(self, tmp_path):
        yaml = b"note: why\noperations:\n- {op: copy, frames: {start: 1, stop: 2}, from_frame: 0}\n"
        assert self.read(tmp_path, self.GOOD.encode()) == self.read(tmp_path, yaml)

    @pytest.mark.parametrize("data", [
        b"", b"[", b"\x00", b"\xff\xfe", b"- a", b"a: &a [x]\nb: *a", b"x: !!python/object/apply:os.system [id]",
        b'{"operations": []}', b'{"operations": [{"op": "paint"}]}', b'{"note": "\\ud800"}', b"{" * 100_000,
        GOOD.replace("copy", "cells").encode(), GOOD.replace('"stop": 2', '"stop": 1').encode(),
        GOOD.replace('"note"', '"approve"').encode(), b"note: x\n" * 100_000,
    ], ids=range(15))  # fmt: skip
    def test_hostile_and_broken_ones(self, tmp_path, data):
        with pytest.raises(MaskError) as caught:
            self.read(tmp_path, data)
        assert caught.value.code == "mask-edit-malformed"
        assert len(caught.value.message) < 3000

    def test_no_more_is_read_than_may_be(self, tmp_path):
        with pytest.raises(MaskError):
            self.read(tmp_path, self.GOOD.encode() + b" " * MAX_FILE)

    def test_a_file_of_any_size_takes_little_memory(self, tmp_path):
        path = tmp_path / "huge.yaml"
        with path.open("wb") as file:
            file.truncate(2**30)
        tracemalloc.start()
        refusal(MaskError, file=path)
        assert tracemalloc.get_traced_memory()[1] < 8 * MAX_FILE
        tracemalloc.stop()

    def test_missing_or_a_folder(self, tmp_path):
        for path in (tmp_path, tmp_path / "missing"):
            assert refusal(file=path).code == "request-unreadable"


def test_the_batch_in_the_help_text_is_one():
    text = inspect.getdoc(edit_command).split("    operations:\n")[1].split("There")[0]
    edits = parse_edits(("operations:\n" + text).encode())
    assert [operation.op for operation in edits.operations] == ["cells", "stroke", "copy"]
