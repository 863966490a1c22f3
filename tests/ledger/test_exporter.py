"""The tiles follow the log: whatever the moments of export, whatever breaks in between, and never over a fork."""

from __future__ import annotations

import os
import random
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from conftest_ledger import Home
from evidence_of import codes, entry, evidence, exporter, files, folder_of, inspected
from fsspec.implementations.memory import MemoryFileSystem

from void_audit.canon.tiles import parse_path, tiles_at
from void_audit.errors import LedgerError, NoteError, StorageError, VoidAuditError
from void_audit.ledger import exporter as exporters
from void_audit.ledger.exporter import Exporter
from void_audit.ledger.log import Ledger
from void_audit.ledger.tile_store import LocalStore, RemoteStore


def needed(tiles: dict[str, bytes], size: int) -> dict[str, bytes]:
    """Without partial tiles of earlier sizes, which may stay until theirs is full."""
    wanted = {name.path for name in tiles_at(size)}
    return {path: data for path, data in tiles.items() if path in wanted or parse_path(path) is None}


@pytest.mark.parametrize("seed", range(6))
def test_whatever_the_moments_of_export_the_directory_is_that_of_a_fresh_one(
    home: Home, tmp_path: Path, seed: int
) -> None:
    dice = random.Random(seed)
    ledger, size = home.create(), 0
    target = exporter(home)
    while size < 530:
        step = dice.choice([1, 2, 3, 40, 255, 256, 257])
        ledger.append([entry(n) for n in range(size, size + step)])
        size += step
        if dice.random() < 0.5:
            target.catch_up(whole=dice.random() < 0.2)
    assert target.catch_up().size == size
    fresh = LocalStore(tmp_path / "fresh")
    exporter(home, fresh).catch_up()
    assert files(fresh).keys() == {"checkpoint", *(name.path for name in tiles_at(size))}
    assert needed(files(evidence(home)), size) == files(fresh)
    left = [parse_path(path) for path in files(evidence(home)).keys() - files(fresh).keys()]
    assert all(name and (name.number + 1) * 256 > size >> name.tree_level for name in left)
    assert inspected(home)[1] == []
    assert codes(home) == set()
    ledger.close()


def test_through_fsspec_it_is_the_same_directory(copy: Home) -> None:
    MemoryFileSystem.store.clear()
    bucket = RemoteStore("memory://bucket/log")
    exporter(copy, bucket).catch_up()
    exporter(copy).catch_up()
    assert files(bucket) == files(evidence(copy))
    assert inspected(copy, bucket)[0].complete


def test_nothing_is_written_twice(copy: Home) -> None:
    assert exporter(copy).catch_up().written == 3
    before = {p: (p.stat().st_mtime_ns, p.stat().st_ino) for p in folder_of(copy).rglob("*") if p.is_file()}
    assert exporter(copy).catch_up().written == 0
    assert exporter(copy).catch_up(whole=True).written == 0
    assert {p: (p.stat().st_mtime_ns, p.stat().st_ino) for p in before} == before


def test_an_empty_log_has_a_checkpoint_and_no_tiles(home: Home, ledger: Ledger) -> None:
    assert exporter(home).catch_up().size == 0
    assert files(evidence(home)).keys() == {"checkpoint"}


def test_the_checkpoint_comes_last(copy: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    real_put, real_replace = LocalStore.put, LocalStore.replace
    monkeypatch.setattr(LocalStore, "put", lambda s, p, d: order.append(p) or real_put(s, p, d))
    monkeypatch.setattr(LocalStore, "replace", lambda s, p, d: order.append(p) or real_replace(s, p, d))
    exporter(copy).catch_up()
    assert order[-1] == "checkpoint"
    assert len(order) == 3


CALLS = [(os, "open"), (os, "fsync"), (Path, "rename"), (Path, "mkdir"), (shutil, "rmtree")]


@pytest.mark.parametrize(("owner", "call"), CALLS, ids=lambda x: x if isinstance(x, str) else "")
def test_an_export_that_is_interrupted_at_any_call_goes_on(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: object, call: str
) -> None:
    ledger = home.create()
    ledger.append([entry(n) for n in range(250)])
    exporter(home).catch_up()
    ledger.append([entry(n) for n in range(250, 258)])
    fresh = LocalStore(tmp_path / "fresh")
    exporter(home, fresh).catch_up()
    before, broken = files(evidence(home)), 0
    while True:
        shutil.rmtree(folder_of(home))
        for path, data in before.items():
            evidence(home).put(path, data)
        left, real = [broken], getattr(owner, call)

        def failing(*given: object, left: list[int] = left, real: object = real, **more: object) -> object:
            if "evidence" in str(given[0]) or call == "fsync":
                left[0] -= 1
                if left[0] == -1:
                    raise OSError(28, "No space left on device")
            return real(*given, **more)  # type: ignore[operator]

        with monkeypatch.context() as patch:
            patch.setattr(owner, call, failing)
            with suppress(StorageError):
                exporter(home).catch_up()
        assert inspected(home)[1] == []  # half way, it is a sound directory of one size or the other
        assert exporter(home).catch_up(whole=True).size == 258
        assert files(evidence(home)) == files(fresh)
        if left[0] >= 0:
            break
        broken += 1
    assert broken >= 1, f"an export makes no {call}"
    ledger.close()


def test_a_tile_that_was_changed_is_not_overwritten(copy: Home) -> None:
    exporter(copy).catch_up()
    for path, data in files(evidence(copy)).items():
        if path == "checkpoint":
            continue
        place = folder_of(copy) / path
        place.chmod(0o644)
        place.write_bytes(data[:-1] + b"\0")
        with pytest.raises(LedgerError) as caught:
            exporter(copy).catch_up(whole=True)
        assert caught.value.code == "evidence-contradicted"
        assert path in caught.value.message
        assert place.read_bytes() == data[:-1] + b"\0"
        place.write_bytes(data)


def test_a_tile_that_is_gone_is_reported_and_written_again(copy: Home) -> None:
    exporter(copy).catch_up()
    whole = files(evidence(copy))
    for path in whole:
        (folder_of(copy) / path).unlink()
        assert codes(copy) == {"evidence-missing"}
        assert exporter(copy).catch_up(whole=True).written == 1
        assert files(evidence(copy)) == whole
        assert codes(copy) == set()


def test_another_history_is_refused_and_named(home: Home, tmp_path: Path) -> None:
    first, other = Home(tmp_path / "first"), Home(tmp_path / "other")
    for one, numbers in ((first, range(5)), (other, range(10, 20))):
        ledger = one.create()
        ledger.append([entry(n) for n in numbers])
        ledger.close()
    exporter(first).catch_up()
    before = files(evidence(first))
    with pytest.raises(LedgerError) as caught:
        exporter(other, evidence(first)).catch_up()
    assert caught.value.code == "evidence-fork"
    assert files(evidence(first)) == before


def test_evidence_that_is_ahead_of_the_database_is_refused(copy: Home) -> None:
    backup = copy.back_up()
    ledger = copy.open()
    ledger.append([entry(7)])
    ledger.close()
    exporter(copy).catch_up()
    copy.restore(backup)
    with pytest.raises(LedgerError) as caught:
        exporter(copy).catch_up()
    assert caught.value.code == "evidence-ahead"


def test_evidence_of_another_log(copy: Home) -> None:
    evidence(copy).replace(
        "checkpoint", b"other\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n\xe2\x80\x94 x AAAAAAA=\n"
    )
    with pytest.raises(NoteError):
        exporter(copy).catch_up()


def test_a_database_that_contradicts_itself_exports_nothing(copy: Home) -> None:
    copy.tamper("UPDATE entry SET body = (SELECT body FROM entry WHERE idx = 0) WHERE idx = 3")
    with pytest.raises(LedgerError) as caught:
        exporter(copy).catch_up()
    assert caught.value.code == "ledger-root"
    assert files(evidence(copy)) == {}


def test_a_gap_in_the_database_exports_nothing(copy: Home) -> None:
    copy.tamper("DELETE FROM entry WHERE idx = 3")
    with pytest.raises(LedgerError):
        exporter(copy).catch_up()
    assert files(evidence(copy)) == {}


def test_a_checkpoint_that_another_key_signed_is_not_exported(copy: Home) -> None:
    copy.tamper("UPDATE checkpoint SET note = replace(note, '7', '6') WHERE size = 7")
    with pytest.raises(VoidAuditError):
        exporter(copy).catch_up()
    assert files(evidence(copy)) == {}


def test_two_exporters_wait_for_each_other(copy: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    results: list[int] = []
    threads = [
        threading.Thread(target=lambda: results.append(exporter(copy).catch_up().written)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [0, 0, 0, 3]
    monkeypatch.setattr(exporters, "LOCK_SECONDS", 0.01)
    with exporter(copy)._locked(), pytest.raises(StorageError) as caught:
        exporter(copy).catch_up()
    assert caught.value.code == "evidence-busy"


def test_an_exporter_on_another_machine_that_was_faster_is_not_undone(
    copy: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, slow, fast = copy.open(), exporter(copy), exporter(copy)
    real, further = Exporter._tiles, [True]

    def meanwhile(self: Exporter, *given: object) -> int:
        written = real(self, *given)  # type: ignore[arg-type]
        if self is slow and further.pop():
            fast._lock_file = copy.root / "another machine's lock"
            ledger.append([entry(7)])
            assert fast.catch_up().size == 8
        return written

    monkeypatch.setattr(Exporter, "_tiles", meanwhile)
    slow.catch_up()
    seen, problems = inspected(copy)
    assert seen.checkpoint
    assert (seen.checkpoint.size, problems) == (8, [])
    ledger.close()


def test_whoever_may_only_read_the_log_can_keep_a_copy(
    copy: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(exporters.FileLock, "acquire", refused)
    theirs = LocalStore(tmp_path / "theirs")
    assert exporter(copy, theirs).catch_up(whole=True).size == 7
    assert inspected(copy, theirs)[1] == []


def test_a_lock_that_fails_otherwise_is_an_error(copy: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(exporters.FileLock, "acquire", broken)
    with pytest.raises(StorageError):
        exporter(copy).catch_up()


def test_nothing_is_asked_of_the_target_within_a_transaction(
    copy: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, opened = evidence(copy), [0]
    export = exporter(copy, target)
    read, paths = export._database.read, target.paths

    @contextmanager
    def reading() -> Iterator[object]:
        with read() as connection:
            opened[0] += 1
            yield connection
            opened[0] -= 1

    def listing(below: str = "") -> Iterator[str]:
        assert not opened[0]  # a bucket may take minutes, and hold the database's log back
        return paths(below)

    monkeypatch.setattr(export._database, "read", reading)
    monkeypatch.setattr(target, "paths", listing)
    assert export.catch_up(whole=True).size == 7
