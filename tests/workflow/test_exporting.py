"""Export as a VOID sequence: what is recorded, in VOID's classes, by anybody who can read."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest

from void_audit.errors import LedgerError, OrderError, StorageError, WorkspaceError
from void_audit.media.maskfile import import_mask
from void_audit.media.probe import probe
from void_audit.media.reader import VideoClip
from void_audit.model.geometry import FrameRange
from void_audit.model.mask_edit import MaskEdits, Point, StrokeEdit
from void_audit.workflow.exporting import export_void
from void_audit.workflow.masking import engine_mask
from void_audit.workflow.planning import ask_about
from void_audit.workflow.recorder import Recorder
from void_audit.workflow.request_folder import read_request
from void_audit.workflow.revising import edit_mask, revise_prompt

DOT = MaskEdits(
    operations=(
        StrokeEdit(frames=FrameRange(start=1, stop=4), points=(Point(x=70, y=10),), radius=4, to="affected"),
    )
)


def exported(house, edit, name, **options):
    return export_void(house.place.reading, house.place.blobs, edit, house.folder / name, **options)


def classes_of(folder):
    return list(import_mask(folder / "quadmask_0.mp4", probe(folder / "input_video.mp4")).classes())


def same(a, b) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.fixture(scope="module")
def edit(house):
    return house.planned("exported")


def test_pictures_classes_and_prompt_are_the_recorded_ones(house, edit):
    report = exported(house, edit, "sequence")
    folder, recorder = house.folder / "sequence", Recorder(house.workshop, edit)
    assert same(classes_of(folder), engine_mask(recorder).classes())
    assert report.mask == recorder.state.mask.identity
    source = VideoClip(house.folder / "exported" / "clip.mp4")
    assert same(VideoClip(folder / "input_video.mp4").frames(), source.frames())
    assert json.loads((folder / "prompt.json").read_text()) == {"bg": "An empty gradient without a square."}
    assert report.frames == 6


def test_it_is_taken_in_again_as_the_same_mask(house, edit):
    exported(house, edit, "back")
    fields = {"requester": "lois", "purpose": "trailer", "asset_class": "entertainment"}
    (house.folder / "back" / "edit.yaml").write_text(
        json.dumps({**fields, "object": "box", "instruction": "Remove it."})
    )
    again = house.plan(house.folder / "back")
    assert again.state.mask.identity == Recorder(house.workshop, edit).state.mask.identity
    assert again.state.mask.origin == "imported"


def test_corrections_count(house):
    edit = house.planned("corrected")
    first = exported(house, edit, "before-correcting")
    edit_mask(house.workshop, edit, house.place.person("lois"), DOT)
    revise_prompt(house.workshop, edit, house.place.person("lois"), "A wall of soft colours.")
    report = exported(house, edit, "after-correcting")
    folder = house.folder / "after-correcting"
    assert report.mask != first.mask
    assert [frame[10, 70] for frame in classes_of(folder)] == [3, 2, 2, 2, 3, 3]
    assert json.loads((folder / "prompt.json").read_text()) == {"bg": "A wall of soft colours."}


def test_another_schema_is_written_as_engines_see_it(house):
    edit = house.planned("toned", operation="de-emphasize", mask_schema="brand-safety")
    exported(house, edit, "in-voids-classes")
    recorder, found = Recorder(house.workshop, edit), classes_of(house.folder / "in-voids-classes")
    assert same(found[1:], list(engine_mask(recorder).classes())[1:])
    assert set(np.unique(found[1:])) == {2, 3}  # affected, keep


def test_at_voids_rate(house, edit):
    report = exported(house, edit, "at-12", rate=Fraction(12))
    assert report.frame_rate == "12/1"
    assert report.changes


def test_nothing_is_recorded(house, edit):
    size, steps = house.place.reading.size, house.steps(edit)
    exported(house, edit, "unrecorded")
    assert (house.place.reading.size, house.steps(edit)) == (size, steps)


class TestRefused:
    def nothing_at(self, house, name):
        assert not [path for path in house.folder.iterdir() if name in path.name]

    def test_unknown_edits(self, house):
        for edit in ("0123456789ab", "../..", ""):
            with pytest.raises(WorkspaceError) as caught:
                exported(house, edit, "unknown")
            assert caught.value.code == "edit-unknown"
        self.nothing_at(house, "unknown")

    def test_before_there_is_a_mask(self, house):
        request = read_request(house.request("early"))
        edit = ask_about(house.workshop, request, house.place.person("lois")).edit
        with pytest.raises(OrderError) as caught:
            exported(house, edit, "too-early")
        assert caught.value.code == "export-too-early"
        self.nothing_at(house, "too-early")

    def test_a_place_that_is_taken(self, house, edit):
        (house.folder / "taken").mkdir()
        with pytest.raises(StorageError) as caught:
            exported(house, edit, "taken")
        assert caught.value.code == "storage-exists"
        assert list((house.folder / "taken").iterdir()) == []

    @pytest.mark.parametrize("what", ["source", "mask", "prompt"])
    def test_damaged_material(self, own, what):
        edit = own.planned()
        state = Recorder(own.workshop, edit).state
        digest = {
            "source": state.subjects["source"]["source"], "mask": state.mask.mask.sha256, "prompt": state.prompt.sha256,
        }[what]  # fmt: skip
        with own.damaged(digest), pytest.raises(LedgerError) as caught:
            exported(own, edit, "damaged")
        assert caught.value.code == "blob-corrupt"
        self.nothing_at(own, "damaged")
        exported(own, edit, "whole")


def test_another_schema_is_translated_and_that_is_said(own):
    edit = own.planned("toned", mask_schema="brand-safety", operation="de-emphasize")
    report = exported(own, edit, "toned-sequence")
    assert "remove is remove, de-emphasize is affected, keep is keep" in report.changes[0]
    assert "de-emphasize marks" in report.warnings[0]
    seen = set(np.unique(np.stack(classes_of(own.folder / "toned-sequence"))))
    assert seen <= {2, 3}


def test_of_voids_own_classes_nothing_is_said(house, edit):
    report = exported(house, edit, "own-classes")
    assert not any("classes of" in change for change in report.changes)
    assert not any("tones down" in warning for warning in report.warnings)
