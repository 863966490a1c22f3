"""The part of fsck that looks at blobs, given entries one by one. With a log: ``test_ledger_erasures``."""

from __future__ import annotations

from pathlib import Path

from conftest_ledger import envelope

from void_audit.canon.statement import read_entry
from void_audit.ledger.blobs import BlobStore
from void_audit.ledger.fsck_blobs import BlobCheck


def test_every_reference_is_counted_and_what_is_wrong_is_said_where_it_is(tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path / "blobs")
    found: list[tuple[str, str, str]] = []
    check = BlobCheck(blobs, lambda *problem: found.append(problem))
    kept, lost, short = (
        blobs.put(t, "text/plain", salted=True, subject="edit:a") for t in (b"a", b"b", b"c")
    )
    blobs.delete(lost.sha256)
    for number, ref in enumerate((None, kept, lost, short.model_copy(update={"size": 1}), kept)):
        check.entry(read_entry(number, envelope(number, ref)))
    assert [problem[:2] for problem in found] == [("blob-corrupt", "entry 3")]
    check.finish()
    assert [problem[:2] for problem in found][1:] == [("blob-missing", "entry 2")]
    assert (check.checked, check.erased) == (4, 0)
