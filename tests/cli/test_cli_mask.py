"""``mask``: what is looked at stays as it is; what is corrected is a signed revision."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from simulator.studio import SIZE

from void_audit.media.maskfile import MaskFile, write_masks
from void_audit.model.mask import MaskClass
from void_audit.pipeline.masks.schema import builtin

HOUSE = """\
name: lower-third
description: A caption that is taken out.
classes:
  - {name: caption, value: 0, meaning: the caption, color: [230, 57, 70], pattern: solid, change: content,
     conditioning: remove, counts_as: removed}
  - {name: keep, value: 255, meaning: the rest, color: [255, 255, 255], pattern: none, change: nothing,
     conditioning: keep, counts_as: kept}
compose:
  remove: {object: caption}
"""


def is_picture(path: Path) -> bool:
    return cv2.imread(str(path)).shape[1] > 100


@pytest.mark.parametrize(
    ("line", "code", "error"),
    [
        ("mask show 0123456789ab", 2, "edit-unknown"),
        ("mask show ../../etc", 2, "edit-unknown"),
        ("mask show EDIT --revision 3", 2, "revision-unknown"),
        ("mask show EDIT --frames 6", 2, "option-value"),
        ("mask show EDIT --frames 0,x", 2, "option-value"),
        ("mask show EDIT --frames -1", 2, "option-value"),
        ("mask show EDIT --frames 99999999999999999999", 2, "option-value"),
        ("mask show EDIT --out missing/mask.png", 2, "storage-unwritable"),
        ("mask show EDIT --out request", 2, "storage-unwritable"),
        ("mask export 0123456789ab --out m.mkv", 2, "edit-unknown"),
        ("mask export EDIT --out missing/m.mkv", 2, "storage-unwritable"),
        ("mask export EDIT --out m.mkv --revision 9", 2, "revision-unknown"),
        ("mask import EDIT missing.mkv --as lois", 2, "clip-missing"),
        ("mask import EDIT request/edit.yaml --as lois", 2, "clip-not-video"),
        ("mask import EDIT request/clip.mp4 --as lois", 2, "mask-values"),
        ("mask import 0123456789ab request/clip.mp4 --as lois", 2, "edit-unknown"),
        ("mask import EDIT request/clip.mp4 --as nobody", 2, "person-unknown"),
        ("mask import EDIT request/clip.mp4 --as perry", 4, "role-missing"),
        ("mask edit EDIT --as perry --cells 1,1 --to remove --frames 0", 4, "role-missing"),
        ("mask edit EDIT --as nobody --cells 1,1 --to remove --frames 0", 2, "person-unknown"),
        ("mask edit 0123456789ab --as lois --cells 1,1 --to remove --frames 0", 2, "edit-unknown"),
        ("mask edit EDIT --as lois --cells 1,1 --to remove --frames 0-6", 2, "mask-edit-frames"),
        ("mask edit EDIT --as lois --cells 8,0 --to remove --frames 0", 2, "mask-edit-cell"),
        ("mask edit EDIT --as lois --cells 1,1 --to other --frames 0", 2, "mask-edit-class"),
        ("mask edit EDIT --as lois --copy-from 6 --frames 0", 2, "mask-edit-frames"),
        ("mask edit EDIT --as lois --copy-from 3 --frames 3", 2, "mask-unchanged"),
        ("mask edit EDIT --as lois --cells 1,1 --to remove --frames 0 --on 1", 2, "mask-newer"),
        ("mask import EDIT request/clip.mp4 --as lois --on 0", 2, "mask-newer"),
        ("mask revert 0123456789ab --to 0 --as lois", 2, "edit-unknown"),
        ("mask revert EDIT --to 0 --as perry", 4, "role-missing"),
        ("mask revert EDIT --to 2 --as lois", 2, "mask-unchanged"),
        ("mask revert EDIT --to 3 --as lois", 2, "revision-unknown"),
        ("mask diff 0123456789ab", 2, "edit-unknown"),
        ("mask diff EDIT --from 3", 2, "revision-unknown"),
        ("mask diff EDIT --to 3", 2, "revision-unknown"),
        ("mask diff EDIT --to 0", 2, "revision-unknown"),
        ("mask diff EDIT --out missing/d.png", 2, "storage-unwritable"),
        ("mask check 0123456789ab", 2, "edit-unknown"),
        ("mask check EDIT --revision 3", 2, "revision-unknown"),
        ("mask schemas --check missing.yaml", 2, "schema-missing"),
        ("mask schemas --check request", 2, "schema-missing"),
        ("mask schemas --check request/clip.mp4", 2, "schema-malformed"),
    ],
)
def test_what_is_refused_leaves_no_trace(revised, line, code, error):
    before = revised.log_size()
    revised.refused(line.replace("EDIT", revised.edit), code, error)
    assert revised.log_size() == before


@pytest.mark.parametrize("line", ["show", "import EDIT", "import EDIT x", "edit EDIT", "show EDIT --revision -1",
                                  "show EDIT --grid 0", "export EDIT", "edit EDIT --as lois --radius 0"])  # fmt: skip
def test_wrong_usage(revised, line):
    assert "Usage" in revised(f"mask {line.replace('EDIT', revised.edit)}", 2).output


class TestShow:
    def test_the_newest(self, revised):
        said = revised.json(f"mask show {revised.edit} --frames 0,5 --grid 8 --out shown.png")
        assert said["revision"] == 2
        assert is_picture(revised.folder / said["picture"])
        assert list(said["max_share"]) == ["remove", "overlap", "affected", "keep"]
        spoken = revised(f"mask show {revised.edit}").output
        assert f"Mask 2 of edit {revised.edit} (quadmask), root {said['root'][:16]}" in spoken
        assert f"remove: at most {said['max_share']['remove']:.2%} of a frame" in spoken

    def test_an_earlier_one_beside_the_edit(self, revised):
        said = revised.json(f"mask show {revised.edit} --revision 0")
        assert said["revision"] == 0
        assert Path(said["picture"]).parent.name == revised.edit
        assert is_picture(Path(said["picture"]))
        assert said["root"] != revised.json(f"mask show {revised.edit}")["root"]

    def test_frames_and_grid_are_in_the_picture(self, revised):
        pictures = set()
        for number, options in enumerate(("", "--frames 0", "--frames 0 --grid 4", "--frames 0 --grid 8")):
            revised(f"mask show {revised.edit} {options} --out p{number}.png")
            pictures.add((revised.folder / f"p{number}.png").read_bytes())
        assert len(pictures) == 4

    def test_nothing_is_logged(self, revised):
        before = revised.log_size()
        for line in ("show", "check", "diff", "export --out looked.mkv"):
            command, *rest = line.split(" ", 1)
            revised(f"mask {command} {revised.edit} {' '.join(rest)}", code=0)
        assert revised.log_size() == before

    def test_a_damaged_mask_is_not_shown(self, begun):
        stored = begun.json("plan request")["mask_file"]
        data = bytearray(Path(stored).read_bytes())
        data[len(data) // 2] ^= 1
        Path(stored).chmod(0o600)
        Path(stored).write_bytes(data)
        for line in ("mask show EDIT", "mask check EDIT", "mask export EDIT --out m.mkv"):
            begun.refused(line.replace("EDIT", begun.edit), 1, "blob-corrupt")
        assert not (begun.folder / "m.mkv").exists()


class TestEdit:
    def test_cells_then_a_stroke_then_a_copy(self, begun):
        first = begun.json(
            f"mask edit {begun.edit} --as lois --cells 0,0-1 --to remove --frames 1-5 --note why"
        )
        assert (first["edit"], first["revision"]) == (begun.edit, 1)
        assert first["changed_percent_max"] == pytest.approx(100 * 2 / 96)
        second = begun.json(f"mask edit {begun.edit} --as lois --stroke '70,10 80,10' --to remove --frames 2")
        third = begun.json(f"mask edit {begun.edit} --as lois --copy-from 0 --frames 5")
        assert len({said["root"] for said in (first, second, third)}) == 3
        assert begun.steps()[-3:] == ["mask-revision"] * 3
        told = begun.json(f"history {begun.edit}")["records"][-3]
        assert told["who"] == "lois"
        assert "note: why" in told["why"]

    def test_what_a_person_reads(self, begun):
        said = begun(f"mask edit {begun.edit} --as lois --cells 0,0 --to remove --frames 0-5").stdout
        assert f"Mask 1 of edit {begun.edit}: at most 1.04% of a frame changed." in said
        assert f"void-audit mask diff {begun.edit}" in said
        assert f"void-audit plan {begun.edit} (earlier approvals no longer count)" in said

    def test_a_file_with_a_batch_is_one_revision(self, begun):
        (begun.folder / "batch.yaml").write_text(
            "operations:\n"
            "  - {op: cells, frames: {start: 0, stop: 6}, grid: {rows: 8, cols: 12}, to: remove,\n"
            "     cells: [{row: 0, col: 0}], mode: set}\n"
            "  - {op: stroke, frames: {start: 2, stop: 3}, points: [{x: 80, y: 10}], radius: 4,\n"
            "     to: remove, mode: add}\n"
            "  - {op: copy, frames: {start: 3, stop: 4}, from_frame: 2, classes: [remove]}\n"
        )
        said = begun.json(f"mask edit {begun.edit} --as lois --file batch.yaml")
        assert (said["revision"], said["changes"], said["warnings"]) == (1, [], [])
        begun(f"mask export {begun.edit} --out after.mkv")
        after = list(MaskFile(begun.folder / "after.mkv").classes())
        assert all(picture[2, 2] == MaskClass.REMOVE for picture in after)
        assert [picture[10, 80] == MaskClass.REMOVE for picture in after] == [
            False,
            False,
            True,
            True,
            False,
            False,
        ]

    def test_approvals_lapse_until_it_is_planned_again(self, begun):
        edit = begun.edit
        begun(f"approve {edit} --as perry")
        begun(f"mask edit {edit} --as lois --cells 0,0 --to remove --frames 0-5")
        begun.refused(f"run {edit} --out out.mp4", 2, "plan-stale")
        begun.refused(f"approve {edit} --as perry", 2, "plan-stale")
        assert begun.json(f"plan {edit}")["approvals_missing"] == 1
        begun.refused(f"run {edit} --out out.mp4", 4, "approvals-missing")
        begun(f"approve {edit} --as perry")
        begun(f"run {edit} --out out.mp4")
        begun("verify out.mp4 --source request/clip.mp4")
        begun.refused(f"mask edit {edit} --as lois --cells 0,1 --to remove --frames 0", 2, "synthesis-begun")

    def test_a_note_and_a_class_command_no_terminal(self, begun):
        hostile = "\x1b]0;owned\x07\x1b[31m"
        for option in ("--to", "--cells", "--frames", "--stroke"):
            rest = {"--to": "remove", "--cells": "0,0", "--frames": "0"}
            if option == "--stroke":
                del rest["--cells"]
            rest[option] = hostile
            words = " ".join(f"{name} '{value}'" for name, value in rest.items())
            result = begun(f"mask edit {begun.edit} --as lois {words}", 2)
            assert "\x1b" not in result.output
            assert "\x07" not in result.output
        begun(
            f"mask edit {begun.edit} --as lois --cells 0,0 --to remove --frames 0 --note 'a {hostile} note'",
            0,
        )
        assert "\x1b" not in begun(f"history {begun.edit}").output


class TestImport:
    def given(self, folder: Path, value: int = MaskClass.REMOVE, frames: int = 6, size=SIZE) -> str:
        pictures = [np.full((size.height, size.width), MaskClass.KEEP, np.uint8) for _ in range(frames)]
        for picture in pictures:
            picture[8:24, 8:40] = value
        write_masks(folder / "given.mkv", size, pictures)
        return "given.mkv"

    def test_a_mask_takes_the_place_of_the_other(self, begun):
        file = self.given(begun.folder)
        said = begun.json(f"mask import {begun.edit} {file} --as lois")
        assert said["revision"] == 1
        begun(f"mask export {begun.edit} --out back.mkv")
        both = [list(MaskFile(begun.folder / name).classes()) for name in (file, "back.mkv")]
        assert np.array_equal(*both)
        begun.refused(f"mask import {begun.edit} {file} --as lois", 2, "mask-unchanged")

    def test_what_had_to_be_changed_is_said(self, begun):
        said = begun(
            f"mask import {begun.edit} {self.given(begun.folder, MaskClass.AFFECTED)} --as lois"
        ).stdout
        assert "- import: 512 affected pixels (127) on frame 0 became keep (255)" in said
        assert "- import: 512 affected pixels" in begun(f"plan {begun.edit}").stdout

    def test_a_short_one_begins_where_is_said(self, begun):
        file = self.given(begun.folder, frames=4)
        assert "--begins-at FRAME" in begun(f"mask import {begun.edit} {file} --as lois", 2).stderr
        said = begun(f"mask import {begun.edit} {file} --as lois --begins-at 2 --on 0").stdout
        assert "begins at frame 2, as was said" in said.replace("\n", " ")
        begun(f"mask export {begun.edit} --out back.mkv")
        marked = [bool((p != MaskClass.KEEP).any()) for p in MaskFile(begun.folder / "back.mkv").classes()]
        assert marked == [False, False, True, True, True, True]

    @pytest.mark.parametrize("changes", [{"frames": 5}, {"frames": 7}, {"size": SIZE._replace(width=48)}])
    def test_one_that_does_not_fit(self, begun, changes):
        before = begun.log_size()
        result = begun(f"mask import {begun.edit} {self.given(begun.folder, **changes)} --as lois", 2)
        assert "error mask-" in result.stderr
        assert begun.log_size() == before


class TestRevert:
    def test_a_correction_is_taken_back_and_that_too(self, begun):
        edit = begun.edit
        root = begun.json(f"mask show {edit}")["root"]
        begun(f"mask edit {edit} --as lois --cells 0,0 --to remove --frames 0-5")
        said = begun(f"mask revert {edit} --to 0 --as lois").stdout.replace("\n", " ")
        assert f"Mask 2 of edit {edit}" in said
        assert "- Mask 0 of this edit" in said
        assert "was taken again" in begun(f"history {edit}").stdout.replace("\n", " ")
        shown = begun.json(f"mask show {edit}")
        assert (shown["revision"], shown["root"]) == (2, root)
        assert [(m["revision"], m["origin"]) for m in shown["masks"]] == [
            (0, "composed"), (1, "edited"), (2, "edited"),
        ]  # fmt: skip
        assert begun.json(f"mask revert {edit} --to 1 --as lois")["revision"] == 3
        assert begun.json(f"mask diff {edit} --from 1 --to 3")["changed_pixels"] == 0
        assert begun.json(f"plan {edit}")["approvals_missing"] == 1

    def test_which_masks_there_are(self, revised):
        said = revised(f"mask show {revised.edit} --out m.png").stdout
        assert "  0  composed, root" in said
        assert "  2  edited, root" in said
        assert "mask revert takes one again" in said


class TestExport:
    def test_what_is_on_record_byte_for_byte(self, revised):
        for revision in range(3):
            said = revised.json(f"mask export {revised.edit} --out m{revision}.mkv --revision {revision}")
            assert (said["revision"], said["file"]) == (revision, f"m{revision}.mkv")
            assert said["values"] == {"remove": 0, "overlap": 63, "affected": 127, "keep": 255}
        files = [(revised.folder / f"m{revision}.mkv").read_bytes() for revision in range(3)]
        assert len(set(files)) == 3
        revised(f"mask export {revised.edit} --out newest.mkv")
        assert (revised.folder / "newest.mkv").read_bytes() == files[2]

    def test_what_a_person_reads(self, revised):
        said = revised(f"mask export {revised.edit} --out m.mkv").stdout
        assert said == "m.mkv: mask 2; 0 remove, 63 overlap, 127 affected, 255 keep\n"

    def test_nothing_is_left_where_it_fails(self, revised):
        (revised.folder / "place").mkdir(exist_ok=True)
        revised(f"mask export {revised.edit} --out place", 2)
        assert not [p for p in revised.folder.iterdir() if "partial" in p.name]


class TestDiff:
    def test_against_the_one_before(self, revised):
        said = revised.json(f"mask diff {revised.edit}")
        assert (said["from"], said["to"]) == (1, 2)
        assert (said["frames_changed"], said["first_changed"], said["last_changed"]) == (1, 2, 2)
        assert said["opened_pixels"] == 49  # a disc of radius 4
        assert is_picture(Path(said["picture"]))

    def test_against_the_first(self, revised):
        said = revised.json(f"mask diff {revised.edit} --from 0 --out d.png")
        assert (said["from"], said["to"], said["frames_changed"]) == (0, 2, 5)
        spoken = revised(f"mask diff {revised.edit} --from 0 --out d.png").output
        assert "5 of 6 frames differ (1 to 5)" in spoken
        assert f"keep to affected: {5 * 64} pixels" in spoken
        assert "keep to remove: 49 pixels" in spoken
        assert "Picture: d.png" in spoken

    def test_backwards_and_with_itself(self, revised):
        back = revised.json(f"mask diff {revised.edit} --from 2 --to 0")
        assert (back["opened_pixels"], back["closed_pixels"]) == (0, 5 * 64 + 49)
        assert "no pixel is of another class" in revised(f"mask diff {revised.edit} --from 1 --to 1").output

    def test_with_one_mask_there_is_nothing_to_compare(self, begun):
        assert "before mask 0" in begun.refused(f"mask diff {begun.edit}", 2, "revision-unknown")


class TestCheck:
    def test_nothing_wrong(self, revised):
        """The scripted shadow lies apart from its box, and that is all there is to say."""
        said = revised(f"mask check {revised.edit} --revision 0").output
        assert "never touches it" in said
        assert "error" not in said

    def test_an_error_is_exit_1(self, begun):
        drawn = begun(f"mask edit {begun.edit} --as lois --cells 0,0 --to affected --frames 0-5").stdout
        assert (
            "warning: Frame 0 holds 64 pixels of affected" in drawn
        )  # said where it is drawn, not only on asking
        said = begun.json(f"mask check {begun.edit}", 1)
        assert [f["code"] for f in said["findings"] if f["severity"] == "error"] == ["mask-frame-zero"]
        spoken = begun(f"mask check {begun.edit}", 1).output
        assert "error: Frame 0 holds 64 pixels of affected" in spoken
        assert "2 finding(s)." in spoken
        begun(f"mask check {begun.edit} --revision 0")

    def test_advice_alone_is_exit_0(self, begun):
        begun(f"mask edit {begun.edit} --as lois --stroke 90,60 --radius 0.5 --to remove --frames 3")
        said = begun.json(f"mask check {begun.edit}")
        assert {f["severity"] for f in said["findings"]} == {"warning"}
        assert "warning: " in begun(f"mask check {begun.edit}").output


class TestSchemas:
    def test_the_ones_that_are_there(self, revised):
        assert [s["name"] for s in revised.json("mask schemas")["schemas"]] == [
            "brand-safety",
            "localization",
            "quadmask",
        ]
        said = revised("mask schemas").output
        for line in (
            "quadmask (for remove)",
            "brand-safety (for de-emphasize, remove)",
            "localization (for replace)",
        ):
            assert line in said

    def test_json_is_the_schema_itself(self, revised):
        (found,) = [s for s in revised.json("mask schemas")["schemas"] if s["name"] == "quadmask"]
        assert found == json.loads(builtin("quadmask").model_dump_json())

    def test_a_houses_own_is_checked_then_listed(self, begun):
        (begun.folder / "lower-third.yaml").write_text(HOUSE)
        said = begun("mask schemas --check lower-third.yaml").output
        place = begun.folder / ".void-audit" / "schemas"
        assert f"Put it at {place / 'lower-third.yaml'}" in said.replace("\n", "")
        assert "lower-third" not in str(begun.json("mask schemas"))
        place.mkdir()
        (begun.folder / "lower-third.yaml").rename(place / "lower-third.yaml")
        assert "lower-third" in [s["name"] for s in begun.json("mask schemas")["schemas"]]

    @pytest.mark.parametrize(
        "text",
        [
            "", "[", "a: &a [x]\nb: *a", "name: !!python/name:os.system", "x" * 200_000, "\x1b[31mred", "- 1",
            HOUSE.replace("conditioning: remove", "conditioning: keep"),
            HOUSE.replace("meaning: the caption", 'meaning: "the \\e[31mcaption"'),
            HOUSE.replace("object: caption", "object: other"),
        ],
        ids=range(10),
    )  # fmt: skip
    def test_hostile_and_broken_ones(self, begun, text):
        (begun.folder / "lower-third.yaml").write_text(text)
        assert "\x1b" not in begun.refused("mask schemas --check lower-third.yaml", 2, "schema-malformed")
        place = begun.folder / ".void-audit" / "schemas"
        place.mkdir()
        (begun.folder / "lower-third.yaml").rename(place / "lower-third.yaml")
        begun.refused("mask schemas", 2, "schema-malformed")

    @pytest.mark.parametrize("name", ["quadmask", "upper-third"])
    def test_under_anothers_name(self, begun, name):
        (begun.folder / f"{name}.yaml").write_text(HOUSE.replace("lower-third", "quadmask"))
        begun.refused(f"mask schemas --check {name}.yaml", 2, "schema-name")

    def test_without_a_workspace(self, terminal):
        assert len(terminal.json("mask schemas")["schemas"]) == 3
