"""Attacks on the clip whose pictures are put in, by an operator who holds every key of the house."""

from __future__ import annotations

import shutil

import pytest
from clips import write_clip
from simulator.studio import FRAMES, SIZE, Studio, failures, write_request

from void_audit.canon.hashing import sha256_file
from void_audit.model.report import Obligation, State


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    return Studio(tmp_path_factory.mktemp("studio"))


@pytest.fixture(scope="module")
def dub(studio):
    """The clip that is put in."""
    folder = studio.folder / "request"
    folder.mkdir()
    write_clip(folder / "dub.mp4", width=SIZE.width, height=SIZE.height, frames=FRAMES, gop=3)
    return folder / "dub.mp4"


@pytest.fixture(scope="module")
def other(dub):
    """Another one."""
    write_clip(dub.with_name("other.mp4"), width=SIZE.width, height=SIZE.height, frames=FRAMES, gop=2)
    return dub.with_name("other.mp4")


@pytest.fixture(scope="module")
def finished(studio, dub):
    fields = {
        "operation": "replace",
        "mask_schema": "localization",
        "supplied": dub.name,
        "consent": "Signed.",
    }
    planned = studio.plan(write_request(dub.parent, object="mouth", instruction="Put the dub in.", **fields))
    studio.approve(planned.edit)
    return studio.run(planned.edit, studio.folder / "edited.mp4")


@pytest.fixture
def story(studio, finished):
    return studio.story(finished.edit)


def told(studio, finished, story, name="told.mp4"):
    (studio.folder / name).unlink(missing_ok=True)
    shutil.rmtree(studio.folder / f"{name}.ledger", ignore_errors=True)
    (studio.folder / f"{name}.mark").unlink(missing_ok=True)
    return failures(studio.retell(finished.edit, story, name).verify(source=True, receipt=True))


def test_the_honest_story_verifies_and_names_the_clip(studio, finished, story, dub):
    assert told(studio, finished, story) == set()
    report = studio.sealed(finished.delivered.path).verify(source=True, receipt=True)
    assert failures(report) == set()
    lineage = next(f for f in report.findings if f.obligation is Obligation.LINEAGE)
    assert (lineage.state, sha256_file(dub) in lineage.detail) == (State.PASS, True)
    assert "does not say" not in lineage.detail


def test_3_another_clip_was_put_in(studio, finished, story, other):
    story.supplied = lambda path: other
    assert told(studio, finished, story) == {3}


def test_3_the_intent_names_no_clip(studio, finished, story, dub):
    at = story.find("intent")
    source = {s.name: s.digest["sha256"] for s in story.records[at][0].subjects if s.name == "source"}
    story.change("intent", subjects=source, supplied=None)
    story.supplied = lambda path: dub
    assert told(studio, finished, story) >= {3, 7, 8}


def test_3_the_intent_names_another_clip(studio, finished, story, other):
    at = story.find("intent")
    named = {s.name: s.digest["sha256"] for s in story.records[at][0].subjects}
    ref = studio.workshop.blobs.put_file(other, "video/mp4")
    story.change("intent", subjects=named | {"supplied": ref.sha256}, supplied=ref)
    story.supplied = lambda path: other
    assert told(studio, finished, story) == {7}  # the plan names the first
    story.supplied = lambda path: other.with_name("dub.mp4")
    assert told(studio, finished, story) == {3, 7}


def test_7_the_intents_subject_is_another_clip(studio, finished, story, other):
    at = story.find("intent")
    named = {s.name: s.digest["sha256"] for s in story.records[at][0].subjects}
    story.change("intent", subjects=named | {"supplied": sha256_file(other)})
    assert told(studio, finished, story) == {3, 7}


def test_3_a_clip_is_put_in_where_something_was_to_be_removed(tmp_path, other):
    """In a house of its own: an edit that removes."""
    house = Studio(tmp_path)
    removed = house.edit()
    story = house.story(removed.edit)
    story.supplied = lambda path: other
    sealed = house.retell(removed.edit, story)
    assert failures(sealed.verify(source=True, receipt=True)) == {3, 11}
