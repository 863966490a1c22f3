"""What the log says was erased, as those who work with it see it."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from conftest_ledger import Home, key

from void_audit.canon.dsse import seal
from void_audit.canon.statement import encode
from void_audit.ledger.blobs import BlobStore
from void_audit.ledger.erasures import Erasures
from void_audit.ledger.fsck import fsck
from void_audit.ledger.log import Ledger
from void_audit.model.base import BlobRef
from void_audit.model.records import Approval, Erasure, KeyEvent, Predicate, Role, Statement

ADMIN, EDITOR = key(2), key(3)
REASON = BlobRef(sha256="ee" * 32, size=40, media_type="text/plain", salted=True)


def logged(ledger: Ledger, record: Predicate, by: object = ADMIN) -> int:
    (index,) = ledger.append([seal(encode(Statement(subjects=(), predicate=record)), [by])])
    return int(index)


def enrol(ledger: Ledger, who: object, role: Role, holder: BlobRef) -> None:
    events = list(ledger.key_events())
    event = KeyEvent(
        claimed_time="t", action="enrol", key=who.key_id, algorithm="ed25519", roles=(role,), holder=holder,
        public_key=base64.b64encode(who.public_der).decode(), sequence=len(events),
        previous=events[-1].leaf_hash if events else None,
    )  # fmt: skip
    logged(ledger, event)


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs")


@pytest.fixture
def keyed(ledger: Ledger, blobs: BlobStore) -> Ledger:
    """A log with an administrator and an editor."""
    for who, role in ((ADMIN, Role.ADMIN), (EDITOR, Role.EDITOR)):
        name = blobs.put(b"x", "text/plain", salted=True, subject=f"key:{who.key_id}")
        enrol(ledger, who, role, name)
    return ledger


def comment(ref: BlobRef) -> Approval:
    return Approval(claimed_time="t", edit="a", plan="0" * 64, comment=ref)


def erasure(*digests: str, subject: str = "edit:a", reason: BlobRef = REASON) -> Erasure:
    return Erasure(claimed_time="t", subject=subject, blobs=digests, reason=reason)


def test_erasures_that_count_are_found_and_new_ones_too(keyed: Ledger) -> None:
    known = Erasures(keyed)
    assert known.subjects() == {}
    one, two = "11" * 32, "22" * 32
    first = logged(keyed, erasure(one))
    assert known.by(one) == first
    second = logged(keyed, erasure(one, two))
    third = logged(keyed, erasure(two, subject="edit:b"))
    assert [e.index for e in known.of("edit:a")] == [first, second]
    assert [e.index for e in known.naming([two, "33" * 32])] == [second, third]
    assert known.subjects() == {"edit:a": first, "edit:b": third}
    assert (known.by(one), known.by(two), known.by("33" * 32)) == (first, second, None)
    assert known.naming([]) == ()


def test_an_erasure_by_an_editor_is_none(keyed: Ledger) -> None:
    logged(keyed, erasure("11" * 32), EDITOR)
    known = Erasures(keyed)
    assert (known.by("11" * 32), known.subjects(), known.of("edit:a")) == (None, {}, ())


def codes(home: Home, blobs: BlobStore) -> list[tuple[str, str]]:
    return [(p.code, p.where) for p in fsck(home.folder, home.vkey, blobs).problems]


def test_fsck_tells_erased_from_lost_and_from_unfinished(home: Home, keyed: Ledger, blobs: BlobStore) -> None:
    gone, lost = (blobs.put(t, "text/plain", salted=True, subject="edit:a") for t in (b"gone", b"lost"))
    at = [logged(keyed, comment(ref)) for ref in (gone, lost)]
    assert codes(home, blobs) == []
    reason = blobs.put(b"why", "text/plain", salted=True, subject="erasure:1")
    index = logged(keyed, erasure(gone.sha256, reason=reason))
    unfinished = [("erasure-unfinished", f"entry {index}")]
    assert codes(home, blobs) == unfinished * 2  # the file, and the key
    blobs.delete(gone.sha256)
    assert codes(home, blobs) == unfinished
    blobs.destroy_key("edit:a")
    assert codes(home, blobs) == [("blob-missing", f"entry {at[1]}")]  # nobody erased that one
    logged(keyed, erasure(lost.sha256, reason=reason))
    blobs.delete(lost.sha256)
    report = fsck(home.folder, home.vkey, blobs)
    assert (report.problems, report.erased, report.ok) == ((), 2, True)


def test_fsck_believes_no_erasure_of_an_editor(home: Home, keyed: Ledger, blobs: BlobStore) -> None:
    ref = blobs.put(b"words", "text/plain", salted=True, subject="edit:a")
    reason = blobs.put(b"why", "text/plain", salted=True, subject="erasure:1")
    at = logged(keyed, comment(ref))
    index = logged(keyed, erasure(ref.sha256, reason=reason), EDITOR)
    blobs.delete(ref.sha256)
    assert codes(home, blobs) == [("erasure-unauthorised", f"entry {index}"), ("blob-missing", f"entry {at}")]


def test_what_came_in_again_and_was_lost_is_lost(home: Home, keyed: Ledger, blobs: BlobStore) -> None:
    clip = blobs.put(b"clip", "video/mp4")
    reason = blobs.put(b"why", "text/plain", salted=True, subject="erasure:1")
    logged(keyed, comment(clip))
    logged(keyed, erasure(clip.sha256, reason=reason))
    blobs.delete(clip.sha256)
    assert codes(home, blobs) == []
    logged(keyed, comment(blobs.put(b"clip", "video/mp4")))
    assert codes(home, blobs) == []
    blobs.delete(clip.sha256)
    assert {code for code, _ in codes(home, blobs)} == {"blob-missing"}


def test_a_damaged_key_of_an_erased_subject_is_said_and_stops_nothing(
    home: Home, keyed: Ledger, blobs: BlobStore, tmp_path: Path
) -> None:
    ref = blobs.put(b"words", "text/plain", salted=True, subject="edit:a")
    reason = blobs.put(b"why", "text/plain", salted=True, subject="erasure:1")
    logged(keyed, comment(ref))
    logged(keyed, erasure(ref.sha256, subject="no subject", reason=reason))
    blobs.delete(ref.sha256)
    assert codes(home, blobs) == [("subject-malformed", "erasures")]
