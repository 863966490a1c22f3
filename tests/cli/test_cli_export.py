"""``export --void``: a folder for other tools that appears whole or not at all."""

from __future__ import annotations

import json

import numpy as np
import pytest

from void_audit.media.maskfile import MaskFile, import_mask
from void_audit.media.probe import probe


class TestVoid:
    def test_for_a_program(self, revised):
        said = revised.json(f"export {revised.edit} --void sequence")
        folder = revised.folder / "sequence"
        assert {p.name for p in folder.iterdir()} == {"input_video.mp4", "quadmask_0.mp4", "prompt.json"}
        assert set(said["sha256"]) == {p.name for p in folder.iterdir()}
        assert (said["folder"], said["frames"], said["frame_rate"]) == ("sequence", 6, "24/1")
        assert said["mask"]["root"] == revised.json(f"mask show {revised.edit}")["root"]
        assert json.loads((folder / "prompt.json").read_text()) == {
            "bg": "An empty gradient without a square."
        }

    def test_for_a_person(self, revised):
        said = revised(f"export {revised.edit} --void told").stdout
        assert said.startswith("Written: told, 6 frames at 24/1\n")
        assert "warning: ComfyUI takes 5, 13, 21, ... frames" in said
        assert said.endswith("plan told --requester NAME --purpose TEXT --asset-class CLASS\n")

    def test_the_classes_are_the_recorded_ones(self, revised):
        revised(f"export {revised.edit} --void classes")
        revised(f"mask export {revised.edit} --out classes.mkv")
        info = probe(revised.folder / "request" / "clip.mp4")
        given = import_mask(revised.folder / "classes" / "quadmask_0.mp4", info)
        assert [change for change in given.changes if "Luma of limited range" not in change] == []
        recorded = MaskFile(revised.folder / "classes.mkv")
        assert np.array_equal(list(given.classes()), list(recorded.classes()))

    def test_at_another_rate(self, revised):
        said = revised.json(f"export {revised.edit} --void slow --rate 12")
        assert said["frame_rate"] == "12/1"
        assert said["changes"]
        assert probe(revised.folder / "slow" / "input_video.mp4").frame_rate == "12/1"
        assert "- changed:" in revised(f"export {revised.edit} --void slow-again --rate 12").stdout

    def test_nothing_is_logged_and_no_key_is_needed(self, begun):
        before = begun.log_size()
        for key in (begun.folder / ".void-audit" / "keys").rglob("*.pem"):
            key.write_text("locked")
        begun(f"export {begun.edit} --void sequence")
        assert begun.log_size() == before


@pytest.mark.parametrize(
    ("line", "code", "error"),
    [
        ("EDIT", 2, "export-form"),
        ("EDIT --void request", 2, "storage-exists"),
        ("EDIT --void request/clip.mp4", 2, "storage-exists"),
        ("EDIT --void missing/sequence", 2, "storage-unwritable"),
        ("0123456789ab --void sequence-x", 2, "edit-unknown"),
        ("../../etc --void sequence-x", 2, "edit-unknown"),
    ],
)
def test_what_is_refused_leaves_nothing(revised, line, code, error):
    before = {p.name for p in revised.folder.iterdir()}
    revised.refused(f"export {line.replace('EDIT', revised.edit)}", code, error)
    assert {p.name for p in revised.folder.iterdir()} == before


@pytest.mark.parametrize("rate", ["0", "241", "-1", "x", "12.5"])
def test_rates_that_are_none(revised, rate):
    assert "Usage" in revised(f"export {revised.edit} --void never --rate {rate}", 2).output


def test_before_there_is_a_mask(own):
    edit = own.json(f"reason {own.request('asked')}")["edit"]
    own.refused(f"export {edit} --void sequence", 2, "export-too-early")


def test_a_workspace_that_is_none(terminal):
    terminal.refused("export 0123456789ab --void sequence", 2, "workspace-missing")
