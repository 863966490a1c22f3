"""The tiles beside the database: behind is said, anything else is a contradiction."""

from __future__ import annotations

import pytest
from conftest_ledger import Home, envelope
from evidence_of import checked, codes, evidence, exporter, folder_of

from void_audit.errors import StorageError
from void_audit.ledger.fsck import fsck
from void_audit.ledger.tile_store import LocalStore

LINE = f"\u2014 witness.example {'Q' * 100}\n"


@pytest.fixture
def both(copy: Home) -> Home:
    """A log and its evidence, with a cosignature and a token."""
    ledger = copy.open()
    ledger.add_cosignatures(7, [LINE])
    ledger.add_token(b"\5" * 32, "http://tsa.example", b"a token")
    ledger.close()
    exporter(copy).catch_up()
    return copy


def test_a_sound_pair(both: Home) -> None:
    report = checked(both)
    assert report.ok
    assert report.evidence is not None
    assert (report.evidence.place, report.evidence.entries, report.evidence.behind) == (
        str(folder_of(both)),
        7,
        0,
    )


def test_without_tiles_nothing_is_said_of_them(both: Home) -> None:
    assert fsck(both.place, both.vkey).evidence is None


def test_tiles_that_are_behind_are_no_contradiction(both: Home) -> None:
    ledger = both.open()
    ledger.append([envelope(n) for n in (7, 8)])
    ledger.close()
    report = checked(both)
    assert report.ok
    assert report.evidence is not None
    assert (report.evidence.entries, report.evidence.behind) == (7, 2)


def test_no_tiles_yet_are_only_behind(copy: Home) -> None:
    report = checked(copy)
    assert report.ok
    assert report.evidence is not None
    assert (report.evidence.entries, report.evidence.behind) == (0, 7)


def test_tiles_without_their_checkpoint(both: Home) -> None:
    (folder_of(both) / "checkpoint").unlink()
    assert codes(both) == {"evidence-missing"}


def test_tiles_that_are_ahead(both: Home) -> None:
    backup = both.back_up()
    ledger = both.open()
    ledger.append([envelope(7)])
    ledger.close()
    exporter(both).catch_up()
    both.restore(backup)
    assert codes(both) == {"evidence-ahead", "mark-contradicted"}


def test_a_database_that_was_rewritten_beside_sound_tiles(both: Home) -> None:
    both.tamper("UPDATE entry SET body = (SELECT body FROM entry WHERE idx = 0) WHERE idx = 3")
    assert "evidence-fork" in codes(both)


def test_a_cosignature_that_the_database_does_not_know(both: Home) -> None:
    note = evidence(both).read("checkpoint", 5000) or b""
    evidence(both).replace("checkpoint", note + f"\u2014 other.example {'R' * 100}\n".encode())
    assert codes(both) == {"evidence-unknown"}


@pytest.mark.parametrize("change", ["other", "gone from the database"])
def test_a_token_that_the_database_does_not_know(both: Home, change: str) -> None:
    if change == "other":
        path = next(evidence(both).paths("void-audit/timestamps"))
        evidence(both).replace(path, b"b token")
    else:
        both.sql("DELETE FROM timestamp")
    assert codes(both) == {"evidence-unknown"}


class _Unreachable(LocalStore):
    def read(self, path: str, limit: int) -> bytes | None:
        raise StorageError("evidence-unreachable", f"{path}: no answer.")


def test_tiles_that_cannot_be_read_are_neither_good_nor_bad(both: Home) -> None:
    report = fsck(both.place, both.vkey, tiles=_Unreachable(folder_of(both)))
    assert report.ok
    assert report.evidence is not None
    assert report.evidence.unread == "checkpoint: no answer."


def test_a_database_that_is_gone_leaves_the_tiles_checked(both: Home) -> None:
    both.remove()
    assert not checked(both).ok
    tile = folder_of(both) / "tile/0/000.p/7"
    tile.chmod(0o644)
    tile.write_bytes(bytes(7 * 32))
    assert "evidence-wrong" in {p.code for p in checked(both).problems}
