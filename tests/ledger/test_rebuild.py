"""The database again, from the tiles alone."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from conftest_ledger import Home, key
from evidence_of import checked, codes, entry, evidence, exporter, files, folder_of, inspected

from void_audit.canon.note import VerifierKey
from void_audit.errors import LedgerError, NoteError, StorageError, VoidAuditError
from void_audit.ledger import rebuild as rebuilding
from void_audit.ledger.database import DATABASE
from void_audit.ledger.log import Ledger
from void_audit.ledger.opening import open_database
from void_audit.ledger.rebuild import Rebuilt, rebuild, rebuild_projections

LINE = f"\u2014 witness.example {'Q' * 100}\n"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """270 entries, exported; a cosigned checkpoint and a time stamp. Copy before changing."""
    home = Home(tmp_path_factory.mktemp("kept"))
    ledger = home.create()
    ledger.append([entry(n) for n in range(258)])
    ledger.add_cosignatures(258, [LINE])
    ledger.add_token(b"\5" * 32, "http://tsa.example/x?y", b"a token")
    export = exporter(home)
    export.catch_up()
    ledger.append([entry(n) for n in range(258, 270)])
    export.catch_up()
    export.close()
    ledger.close()
    return home


@pytest.fixture
def lost(kept: Home, tmp_path: Path) -> Home:
    """The same, its database damaged."""
    home = kept.copy_to(tmp_path / "lost")
    data = home.database.read_bytes()
    for sidecar in home.folder.glob("*.sqlite-*"):
        sidecar.unlink()
    home.database.write_bytes(data[:4096] + b"\xa5" * (len(data) - 4096))
    return home


def again(home: Home, accept_behind: bool = False, source: Home | None = None) -> Rebuilt:
    key_ = VerifierKey.parse(home.vkey)
    return rebuild(evidence(source or home), home.place, key_, home.mark, accept_behind)


def test_a_damaged_database_is_made_again(kept: Home, lost: Home) -> None:
    damaged = lost.database.read_bytes()
    assert not lost.fsck().ok
    done = again(lost)
    assert (done.entries, done.behind, done.problems) == (270, 0, ())
    assert done.aside
    assert (Path(done.aside) / DATABASE).read_bytes() == damaged
    assert checked(lost).problems == ()
    old, new = Ledger.open(kept.folder), Ledger.open(lost.folder)
    assert list(new.entries()) == list(old.entries())
    assert list(new.entries(edit="e1")) == list(old.entries(edit="e1"))
    assert new.cosigned(258) == old.cosigned(258)
    assert new.cosigned(258).endswith(LINE)
    assert new.checkpoint() == old.checkpoint()
    assert new.tokens(b"\5" * 32) == [("http://tsa.example/x?y", b"a token")]
    for index, size in ((0, 270), (257, 258), (269, 270), (100, 101)):
        assert new.prove(index, size) == old.prove(index, size)
    assert new.consistency(258) == old.consistency(258)


def test_the_log_goes_on_after_it(lost: Home) -> None:
    again(lost)
    ledger = lost.open()
    assert ledger.append([entry(270)]) == [270]
    ledger.close()
    assert exporter(lost).catch_up().size == 271
    assert codes(lost) == set()
    assert inspected(lost)[1] == []


def test_a_database_that_is_gone(lost: Home) -> None:
    shutil.rmtree(lost.folder)
    assert again(lost).aside is None
    assert checked(lost).problems == ()


def test_a_write_ahead_log_of_the_old_database_does_not_meet_the_new_one(lost: Home) -> None:
    for sidecar in ("-wal", "-shm"):
        (lost.folder / f"{DATABASE}{sidecar}").write_bytes(b"\xa5" * 5000)
    done = again(lost)
    assert sorted(p.name for p in lost.folder.iterdir() if p.name.startswith(DATABASE)) == [DATABASE]
    assert sorted(p.name for p in Path(done.aside or "").iterdir()) == [
        DATABASE,
        f"{DATABASE}-shm",
        f"{DATABASE}-wal",
    ]
    assert checked(lost).problems == ()


def test_twice_is_harmless_and_sets_aside_twice(lost: Home) -> None:
    first, second = again(lost), again(lost)
    assert first.aside != second.aside
    assert checked(lost).problems == ()


def unchanged(home: Home) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in home.folder.iterdir() if p.name.startswith(DATABASE)}


def test_any_changed_entry_is_refused_and_nothing_is_touched(lost: Home) -> None:
    before = unchanged(lost)
    for path in ("tile/entries/000", "tile/entries/001.p/14"):
        place = folder_of(lost) / path
        good = place.read_bytes()
        place.chmod(0o644)
        for at in (0, 1, 5, len(good) // 2, len(good) - 1):
            place.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
            with pytest.raises(VoidAuditError) as caught:
                again(lost)
            assert caught.value.code != "storage-failed"
            assert unchanged(lost) == before
        place.unlink()
        with pytest.raises(LedgerError) as caught:
            again(lost)
        assert caught.value.code == "evidence-root"
        place.write_bytes(good)
    assert not [p for p in lost.root.iterdir() if "rebuild" in p.name]


def test_a_wrong_tile_over_right_entries_is_told(lost: Home) -> None:
    (folder_of(lost) / "tile/0/000").chmod(0o644)
    (folder_of(lost) / "tile/0/000").write_bytes(bytes(8192))
    done = again(lost)
    assert "tile/0/000" in done.problems[0]
    assert lost.fsck().ok


def test_another_key_is_refused(lost: Home) -> None:
    other = VerifierKey.of("newsroom.example/void-audit/1", key(9))
    with pytest.raises(NoteError):
        rebuild(evidence(lost), lost.place, other, lost.mark)


def test_tiles_that_are_older_than_what_the_key_signed(kept: Home, lost: Home, tmp_path: Path) -> None:
    good, damaged = kept.copy_to(tmp_path / "good").database.read_bytes(), lost.database.read_bytes()
    lost.database.write_bytes(good)
    ledger = lost.open()
    ledger.append([entry(n) for n in (270, 271)])
    ledger.close()
    lost.database.write_bytes(damaged)
    before = unchanged(lost)
    with pytest.raises(LedgerError) as caught:
        again(lost)
    assert caught.value.code == "evidence-behind"
    assert unchanged(lost) == before
    done = again(lost, accept_behind=True)
    assert (done.entries, done.behind) == (270, 2)
    with pytest.raises(LedgerError) as caught:
        lost.open()
    assert caught.value.code == "ledger-rollback"
    assert Ledger.open(lost.folder).size == 270


def test_a_missing_mark_must_be_accepted_and_nothing_is_signed(lost: Home) -> None:
    lost.mark.unlink()
    with pytest.raises(LedgerError) as caught:
        again(lost)
    assert caught.value.code == "evidence-behind"
    assert again(lost, accept_behind=True).entries == 270
    with pytest.raises(LedgerError) as caught:
        lost.open()
    assert caught.value.code == "ledger-mark-missing"


def test_tiles_of_another_history_under_the_same_key(lost: Home, tmp_path: Path) -> None:
    other = Home(tmp_path / "other")
    ledger = other.create()
    ledger.append([entry(n) for n in range(1, 300)])
    ledger.close()
    exporter(other).catch_up()
    before = unchanged(lost)
    with pytest.raises(LedgerError) as caught:
        again(lost, source=other)
    assert caught.value.code == "evidence-fork"
    assert unchanged(lost) == before


def test_the_mark_of_another_log(lost: Home, tmp_path: Path) -> None:
    lost.mark.unlink()
    Ledger.create(tmp_path / "other", "other.example/log", key(1), lost.mark).close()
    with pytest.raises(LedgerError) as caught:
        again(lost)
    assert caught.value.code == "ledger-mark-other"


def test_an_empty_place_is_no_evidence(home: Home) -> None:
    with pytest.raises(LedgerError) as caught:
        again(home)
    assert caught.value.code == "evidence-missing"


@pytest.mark.parametrize(("owner", "call"), [(os, "link"), (Path, "rename"), (Path, "unlink")])
def test_a_rebuild_that_is_interrupted_is_done_again(
    lost: Home, monkeypatch: pytest.MonkeyPatch, owner: object, call: str
) -> None:
    real = getattr(owner, call)

    def failing(*given: object, **more: object) -> object:
        if "ledger.sqlite" in str(given[0]) and call != "link":
            raise OSError(5, "Input/output error")
        return real(*given, **more)

    with monkeypatch.context() as patch:
        patch.setattr(owner, call, failing)
        if call == "link":  # not every file system has links
            patch.setattr(os, "link", lambda *given: (_ for _ in ()).throw(OSError(95, "no links")))
            assert again(lost).aside
        else:
            with pytest.raises(StorageError):
                again(lost)
    again(lost)
    assert checked(lost).problems == ()


def test_what_is_written_while_the_tiles_are_read_is_not_put_aside(
    copy: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = exporter(copy)
    export.catch_up()
    export.close()
    fill = rebuilding._fill

    def filled(*args: object) -> tuple[str, ...]:
        problems = fill(*args)
        ledger = copy.open()
        ledger.append([entry(99)])
        ledger.close()
        return problems

    monkeypatch.setattr(rebuilding, "_fill", filled)
    with pytest.raises(LedgerError) as caught:
        again(copy)
    assert caught.value.code == "evidence-behind"
    assert checked(copy).entries == 8
    assert not list(copy.folder.glob("damaged-*"))


def test_a_staging_database_that_was_not_closed_whole(lost: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    real = rebuilding._fill

    def half(*given: object) -> object:
        done = real(*given)  # type: ignore[arg-type]
        staging = next(p for p in lost.root.iterdir() if p.name.endswith(".rebuild"))
        (staging / f"{DATABASE}-wal").write_bytes(b"x")
        return done

    monkeypatch.setattr(rebuilding, "_fill", half)
    before = unchanged(lost)
    with pytest.raises(StorageError):
        again(lost)
    assert unchanged(lost) == before


def test_projections_are_made_again_from_the_entries(copy: Home) -> None:
    copy.tamper(
        "UPDATE record SET edit = 'other'",
        "DELETE FROM record WHERE idx = 3",
        "INSERT INTO record VALUES (99, 'x', 'seal')",
    )
    assert "record-wrong" in copy.codes()
    with_database = open_database(copy.place, writable=True)
    assert rebuild_projections(with_database) == 7
    with_database.close()
    assert copy.codes() == set()


def test_a_rebuild_needs_the_tiles_only(lost: Home, tmp_path: Path) -> None:
    """Another machine: the directory, the log's key, the mark, and nothing else."""
    there = Home(tmp_path / "there")
    shutil.copytree(folder_of(lost), folder_of(there))
    there.mark.parent.mkdir()
    shutil.copy(lost.mark, there.mark)
    assert again(there).entries == 270
    assert checked(there).problems == ()
    assert files(evidence(there)) == files(evidence(lost))
