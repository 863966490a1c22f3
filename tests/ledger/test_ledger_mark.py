"""The mark alone stops a second history: it is never lowered, never torn, and no copy of it signs."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import threading
from pathlib import Path

import pytest

from void_audit.canon import jcs
from void_audit.errors import LedgerError, StorageError
from void_audit.ledger import mark as marks
from void_audit.ledger.mark import Mark, adopt_mark, begin_mark, held_mark, read_mark
from void_audit.ledger.mark_slots import SLOT

ORIGIN = "newsroom.example/void-audit/1"
MARK = Mark(ORIGIN, 7, bytes(range(32)))
HIGHER = Mark(ORIGIN, 8, bytes(32))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "keys" / "log.mark"
    begin_mark(path, MARK)
    return path


def raised(path: Path, mark: Mark) -> None:
    with held_mark(path) as held:
        held.raise_to(mark)


def refused(path: Path) -> str:
    with pytest.raises(LedgerError) as caught, held_mark(path):
        pass
    return caught.value.code


def test_what_is_raised_is_read(path: Path) -> None:
    assert read_mark(path) == MARK
    for size in (7, 8, 8, 100):
        mark = Mark(ORIGIN, size, bytes([size]) * 32 if size > 7 else MARK.root)
        raised(path, mark)
        assert read_mark(path) == mark
    assert [p.name for p in path.parent.iterdir()] == ["log.mark"]
    assert path.stat().st_size == 2 * SLOT


def test_none_is_none_and_its_folder_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "log.mark"
    assert read_mark(path) is None
    assert not path.parent.exists()
    assert refused(path) == "ledger-mark-missing"
    with pytest.raises(LedgerError):
        adopt_mark(path)


@pytest.mark.parametrize(
    "lower", [Mark(ORIGIN, 6, bytes(32)), Mark(ORIGIN, 7, bytes(32)), Mark("another.example", 9, bytes(32))]
)
def test_it_is_never_lowered(path: Path, lower: Mark) -> None:
    with pytest.raises(LedgerError) as caught:
        raised(path, lower)
    assert caught.value.code == "ledger-rollback"
    assert read_mark(path) == MARK


def test_raising_it_is_one_write_and_one_wait(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    write, wait = os.pwrite, marks._datasync
    monkeypatch.setattr(os, "pwrite", lambda *args: calls.append(len(args[1])) or write(*args))
    monkeypatch.setattr(marks, "_datasync", lambda fd: calls.append("wait") or wait(fd))
    monkeypatch.setattr(os, "fsync", lambda fd: calls.append("more"))
    raised(path, HIGHER)
    assert calls == [SLOT, "wait"]


def test_a_write_that_is_cut_off_is_an_error_and_leaves_the_old_mark(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised(path, MARK)
    write = os.pwrite
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", lambda fd, data, place: write(fd, data[:200], place))
        with pytest.raises(StorageError) as caught:
            raised(path, HIGHER)
    assert caught.value.code == "storage-failed"
    assert read_mark(path) == MARK
    raised(path, HIGHER)
    assert read_mark(path) == HIGHER


def test_a_copy_does_not_sign_until_it_is_adopted(path: Path, tmp_path: Path) -> None:
    shutil.copytree(path.parent, tmp_path / "copy")
    copy = tmp_path / "copy" / "log.mark"
    assert refused(copy) == "ledger-mark-copied"
    assert read_mark(copy) == MARK
    assert adopt_mark(copy) == MARK
    raised(copy, HIGHER)
    assert (read_mark(copy), read_mark(path)) == (HIGHER, MARK)
    raised(path, HIGHER)


def test_a_copy_put_in_place_of_the_original_is_told(path: Path, tmp_path: Path) -> None:
    """A restored backup of everything, at the same path, perhaps in the very inode that was given back."""
    shutil.copy2(path, tmp_path / "backup")
    path.unlink()
    shutil.copy2(tmp_path / "backup", path)
    if marks._identity(os.open(path, os.O_RDONLY)).endswith(".0"):
        pytest.skip("this file system does not count how often an inode is used")
    assert refused(path) == "ledger-mark-copied"


def test_a_folder_that_is_renamed_goes_on(path: Path, tmp_path: Path) -> None:
    path.parent.rename(tmp_path / "renamed")
    raised(tmp_path / "renamed" / "log.mark", HIGHER)


def test_a_mark_of_version_1_is_read_and_becomes_one_of_version_2(path: Path) -> None:
    first = {"format": "void-audit-mark/v1", "origin": ORIGIN, "size": 7, "root": MARK.root.hex()}
    path.write_bytes(jcs.canonical(first))
    assert read_mark(path) == MARK
    assert path.stat().st_size < SLOT
    raised(path, HIGHER)
    assert read_mark(path) == HIGHER
    assert path.stat().st_size == 2 * SLOT


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"null", b"\xff", b"[" * 2 * SLOT, bytes(2 * SLOT)])
def test_anything_else_is_damage(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert refused(path) == "ledger-mark-damaged"
    for use in (read_mark, adopt_mark):
        with pytest.raises(LedgerError) as caught:
            use(path)
        assert caught.value.code == "ledger-mark-damaged"


def test_a_file_of_any_size_costs_little(path: Path) -> None:
    os.truncate(path, 2**40)  # a hole: reading it whole would end the process
    assert refused(path) == "ledger-mark-damaged"


def test_what_cannot_be_read_or_written_is_a_storage_error(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "log.mark"
    path.mkdir(parents=True)
    for use in (read_mark, adopt_mark, lambda path: begin_mark(path, MARK)):
        with pytest.raises(StorageError) as caught:
            use(path)
        assert caught.value.code == "storage-failed"
    (path.parent / "file").touch()
    with pytest.raises(StorageError):
        begin_mark(path.parent / "file" / "log.mark", MARK)


def test_it_is_held_by_one_at_a_time(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marks, "LOCK_SECONDS", 0.05)
    with held_mark(path), pytest.raises(StorageError) as caught, held_mark(path):
        pass
    assert caught.value.code == "ledger-busy"
    with held_mark(path):
        pass


def test_whoever_waits_sees_what_the_one_before_wrote(path: Path) -> None:
    """Also if the file itself was changed for another meanwhile."""
    seen = []

    def wait() -> None:
        with held_mark(path) as held:
            seen.append(held.mark)

    with held_mark(path) as held:
        thread = threading.Thread(target=wait)
        thread.start()
        held.raise_to(HIGHER)
        begin_mark(path, Mark(ORIGIN, 9, bytes(32)))
    thread.join()
    assert seen == [Mark(ORIGIN, 9, bytes(32))]


def test_a_file_that_was_changed_for_another_before_it_was_locked_is_opened_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer, opened, calls = Mark(ORIGIN, 9, bytes(32)), marks._opened, []

    def slow(path: Path) -> int:
        descriptor = opened(path)
        if not calls:
            begin_mark(path, newer)
        calls.append(path)
        return descriptor

    monkeypatch.setattr(marks, "_opened", slow)
    with held_mark(path) as held:
        assert held.mark == newer
    assert len(calls) == 2


def _count(path: Path, times: int) -> None:
    for _ in range(times):
        with held_mark(path) as held:
            held.raise_to(Mark(ORIGIN, held.mark.size + 1, bytes(32)))


def test_processes_do_not_overtake_one_another(path: Path) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_count, args=(path, 20)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert read_mark(path) == Mark(ORIGIN, 67, bytes(32))
