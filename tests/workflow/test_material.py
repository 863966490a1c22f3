"""What an edit is made from is what its records name, and nothing beside it."""

from __future__ import annotations

import hashlib

import pytest
from clips import write_clip
from house import FAST
from simulator.studio import FRAMES, SIZE

from void_audit.media.probe import probe
from void_audit.workflow.material import recorded_request, source_clip, supplied_clip
from void_audit.workflow.recorder import Recorder
from void_audit.workflow.revising import revise_prompt


@pytest.fixture(scope="module")
def recorder(house):
    return Recorder(house.workshop, house.planned("material"))


class TestSource:
    def test_it_is_the_stored_one(self, house, recorder):
        clip = source_clip(recorder)
        given = house.folder / "material" / "clip.mp4"
        assert clip.path.is_relative_to(house.place.folder)
        assert clip.path.read_bytes() == given.read_bytes()
        assert clip.info == probe(given)

    def test_what_becomes_of_the_request_folder_does_not_matter(self, house):
        recorder = Recorder(house.workshop, house.planned("moved away"))
        before = source_clip(recorder).path.read_bytes()
        (house.folder / "moved away" / "clip.mp4").write_bytes(b"another")
        assert source_clip(recorder).path.read_bytes() == before

    def test_before_there_is_one(self, house):
        with pytest.raises(AssertionError):
            source_clip(Recorder(house.workshop, "0123456789ab"))


class TestRequest:
    def test_it_is_what_was_asked_for_by_a_key(self, house, recorder):
        request = recorded_request(recorder)
        assert (request.object, request.instruction) == ("box", "Remove the box.")
        assert request.background == "An empty gradient without a square."
        assert request.requester == house.place.person("lois").key_id
        assert request.marks[0].x == 30

    def test_its_background_is_the_one_last_confirmed(self, house):
        edit = house.planned("confirmed")
        for text in ("A wall of soft colours.", "A wall of hard colours."):
            revise_prompt(house.workshop, edit, house.place.person("lois"), text)
            request = recorded_request(Recorder(house.workshop, edit))
            assert request.background == text
            assert request.instruction == "Remove the box."

    def test_before_there_is_one(self, house):
        with pytest.raises(AssertionError):
            recorded_request(Recorder(house.workshop, "0123456789ab"))


class TestSupplied:
    def test_there_is_none_where_none_was_given(self, house, recorder):
        assert supplied_clip(recorder) is None
        assert supplied_clip(Recorder(house.workshop, "0123456789ab")) is None

    def test_it_is_the_stored_one(self, house):
        folder = house.request(
            "replaced",
            operation="replace",
            mask_schema="localization",
            supplied="dub.mp4",
            consent="lex, 2030",
        )
        write_clip(folder / "dub.mp4", width=SIZE.width, height=SIZE.height, frames=FRAMES, gop=3)
        data = (folder / "dub.mp4").read_bytes()
        recorder = Recorder(house.workshop, house.plan(folder, FAST).edit)
        (folder / "dub.mp4").write_bytes(b"another")
        assert supplied_clip(recorder).read_bytes() == data
        digest = hashlib.sha256(data).hexdigest()
        assert recorder.subject("intent", "supplied") == recorder.state.intent.supplied.sha256 == digest
        assert supplied_clip(recorder) != source_clip(recorder).path
