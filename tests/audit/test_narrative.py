"""Records as a story: complete, honest about what is missing, and unimpressed by hostile text."""

from __future__ import annotations

import json

import pytest
from honest import Honest
from simulator.studio import consequences

from void_audit.audit.narrative import narrate
from void_audit.model.base import BlobRef
from void_audit.model.proof import StoredEntry
from void_audit.model.records import KeyEvent, Predicate, Rejection, Role, Statement

HOSTILE = "\x1b[31m" + "x" * 1900 + "\u202e"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return Honest.make(tmp_path_factory.mktemp("honest"))


@pytest.fixture(scope="module")
def entries(finished):
    return list(finished.house.place.reading.entries(edit=finished.edit))


@pytest.fixture(scope="module")
def events(finished):
    return list(finished.house.place.reading.key_events())


def entry(predicate: Predicate, *keys: str) -> StoredEntry:
    return StoredEntry(7, b"", "0" * 64, Statement(subjects=(), predicate=predicate), keys or ("a" * 64,))


def told(lines) -> str:
    return "\n".join(text for line in lines for text in line.why)


def test_the_whole_story(finished, entries, events):
    lines = narrate([*events, *entries], finished.house.place.blobs.read, {})
    text = told(lines)
    for part in (
        "enrol key", "as editor", "96x64, 6 frames at 24/1", "instruction: Remove the box.", "purpose: trailer",
        "world after the edit: An empty gradient", "stage plan: allow, 1 approval(s)", "base/A01 (require)",
        "confidence 1.00", "shadow, frames 0-5: It moves with the object.", "opens at most", "approved plan",
        "pass 1, scripted-flat; counterfactual dynamics: no", "0 of", "worst block", "manifest urn:c2pa:",
    ):  # fmt: skip
        assert part in text, part
    assert [line.index for line in lines] == [e.index for e in (*events, *entries)]


def test_a_reason_that_the_summary_gives_is_not_told_again(entries):
    said = consequences().model_copy(update={"summary": "Rules: It moves with the object. No more."})
    lines = {
        line.what: line.why for line in narrate(entries, lambda ref: said.model_dump_json().encode(), {})
    }
    assert lines["reasoning"][1:3] == (said.summary, "1. shadow, frames 0-5")


def test_names_only_where_they_are_known(finished, entries):
    key = finished.house.place.person("lois").key_id
    lines = {line.what: line.who for line in narrate(entries, lambda ref: None, {key: "Lois Lane"})}
    assert lines["intent"] == "Lois Lane"
    assert lines["approval"].startswith("key ")


def test_content_that_is_not_at_hand_is_said_to_be_so(entries):
    lines = {line.what: line.why for line in narrate(entries, lambda ref: None, {})}
    assert "instruction: not at hand" in lines["intent"]
    assert "reasoning: not at hand" in lines["reasoning"]
    assert "Remove the box" not in str(lines)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"null", b"{}", b"[" * 100_000, b'{"object": 5}'])
def test_content_that_is_not_what_it_should_be(entries, content):
    lines = {line.what: line.why for line in narrate(entries, lambda ref: content, {})}
    assert "instruction: not at hand" in lines["intent"]
    assert "reasoning: not at hand" in lines["reasoning"]


def test_hostile_text_is_bounded_and_handed_on_as_text(finished, entries):
    """Whoever shows it escapes it: see the tests of cli.console."""

    def read(ref: BlobRef) -> bytes:
        content = finished.house.place.blobs.read(ref)
        if ref.media_type == "application/json" and b'"instruction":' in content and b'"clicks"' in content:
            return json.dumps({**json.loads(content), "instruction": HOSTILE}).encode()
        return content

    lines = narrate(entries, read, {})
    assert HOSTILE in told(lines)
    assert all(len(text) <= 2000 for line in lines for text in line.why)


def test_comments_of_any_bytes(finished):
    ref = BlobRef(sha256="0" * 64, size=40, media_type="text/plain", salted=True)
    rejection = Rejection(claimed_time="now", edit="e", plan="0" * 64, comment=ref)
    (line,) = narrate([entry(rejection)], lambda r: b"\xff no " + b"x" * 10_000, {})
    assert line.why[0] == "rejected plan " + "0" * 16
    assert line.why[1].startswith("comment: \ufffd no xxx")
    assert len(line.why[1]) <= 2000


def test_as_many_signers_as_an_envelope_can_name():
    rejection = Rejection(claimed_time="now", edit="e", plan="0" * 64)
    keys = tuple(f"{n:064x}" for n in range(16))
    (line,) = narrate([entry(rejection, *keys)], lambda ref: None, {})
    assert line.who.count("key ") == 16


def test_a_kind_that_nobody_has_words_for():
    class Novel(Predicate):
        kind = "novel"
        signers = frozenset()

    (line,) = narrate([entry(Novel(claimed_time="now", edit=None))], lambda ref: None, {})
    assert line.why == ("a novel record",)


def test_rotations_and_suspicions_are_told(own_key_event):
    """Whose key, which one it replaces, since when it is suspect."""
    rotated = own_key_event(action="rotate", roles=(Role.EDITOR,), replaces="b" * 64)
    suspect = own_key_event(action="suspect", compromised_since=12)
    names = {"a" * 64: "lois", "b" * 64: "lois"}
    told = [line.why for line in narrate([rotated, suspect], lambda ref: None, names)]
    assert told == [("rotate lois as editor; it replaces lois",), ("suspect lois; suspect from entry 12 on",)]


@pytest.fixture
def own_key_event():
    def make(**fields):
        event = KeyEvent(
            **{
                "claimed_time": "2026-01-01T00:00:00Z", "key": "a" * 64, "algorithm": "ed25519", "public_key": "",
                "roles": (), "sequence": 1, "previous": "c" * 64,
                "holder": BlobRef(sha256="0" * 64, size=40, media_type="text/plain", salted=True), **fields,
            }
        )  # fmt: skip
        statement = Statement(subjects=(), predicate=event)
        return StoredEntry(3, b"", "d" * 64, statement, ("a" * 64,))

    return make
