"""One log, many writers: receipts that hold without the database, and no second history whatever is copied back."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from conftest_ledger import Home, envelope

from void_audit.canon import merkle
from void_audit.canon.checkpoint import open_checkpoint
from void_audit.canon.note import VerifierKey
from void_audit.canon.proof import verify_logged
from void_audit.errors import EnvelopeError, LedgerError, OrderError, StorageError, VoidAuditError
from void_audit.ledger import store
from void_audit.ledger.log import Ledger
from void_audit.ledger.sequencer import Sequencer, Submitted


def holds(home: Home, submitted: Submitted, *numbers: int) -> None:
    """The receipt proves these envelopes, offline."""
    signed = open_checkpoint(submitted.checkpoint, VerifierKey.parse(home.vkey))
    proofs = submitted.proofs()
    assert [p.index for p in proofs] == list(submitted.indices)
    bodies = [verify_logged(p, signed).envelope for p in proofs]
    assert bodies == [envelope(n) for n in numbers]


def at_once(*work: Callable[[], Any]) -> list[Any]:
    """Results or errors of calls in threads of their own."""
    found: list[Any] = [None] * len(work)

    def run(place: int) -> None:
        try:
            found[place] = work[place]()
        except VoidAuditError as error:
            found[place] = error

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(work))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return found


@pytest.fixture
def together(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Calls that meet in one group: the step waits until all of them are in the queue."""
    commits: list[int] = []
    commit = Sequencer._commit

    def counted(self: Sequencer, group: Any, *rest: Any) -> Any:
        commits.append(len(group))
        return commit(self, group, *rest)

    monkeypatch.setattr(Sequencer, "_commit", counted)

    def call(*work: Callable[[], Any]) -> list[Any]:
        combiner = ledger._sequencer._combiner
        step, go = combiner._work, threading.Event()

        def held(group: Any) -> Any:
            assert go.wait(30)
            return step(group)

        combiner._work = held
        first = threading.Thread(target=ledger.settle)
        first.start()
        while not combiner._led or combiner._queue:
            time.sleep(0)
        threads: list[Any] = []
        found: list[Any] = [None] * len(work)
        for place, task in enumerate(work):

            def run(place: int = place, task: Callable[[], Any] = task) -> None:
                found[place] = at_once(task)[0]

            queued = len(combiner._queue)
            threads.append(threading.Thread(target=run))
            threads[-1].start()
            while len(combiner._queue) == queued and threads[-1].is_alive():
                time.sleep(0)
        go.set()
        for thread in (first, *threads):
            thread.join(60)
        combiner._work = step
        return found

    call.commits = commits  # type: ignore[attr-defined]
    return call


def test_a_receipt_needs_no_database(home: Home, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    for numbers in ([0], [1, 2, 3], [4], list(range(5, 40))):
        submitted = ledger.submit([envelope(n) for n in numbers])
        with monkeypatch.context() as patch:
            patch.setattr(ledger._database, "read", None)
            holds(home, submitted, *numbers)
        assert submitted.indices == range(numbers[0], numbers[-1] + 1)
    assert submitted.checkpoint == ledger.checkpoint()
    assert submitted.proofs() == tuple(ledger.prove(n) for n in submitted.indices)


def test_nothing_submitted_is_the_newest_checkpoint(ledger: Ledger) -> None:
    ledger.append([envelope(0)])
    submitted = ledger.submit([])
    assert (list(submitted.indices), submitted.proofs()) == ([], ())
    assert submitted.checkpoint == ledger.checkpoint()


def test_threads_at_once_share_a_commit_and_a_checkpoint(home: Home, ledger: Ledger, together: Any) -> None:
    found = together(*(lambda n=n: ledger.submit([envelope(n), envelope(100 + n)]) for n in range(9)))
    for number, submitted in enumerate(found):
        holds(home, submitted, number, 100 + number)
    assert len({submitted.checkpoint for submitted in found}) == 1
    assert together.commits == [9]
    assert home.fsck().ok
    assert home.fsck().checkpoints == 2


def test_many_threads_without_a_plan(home: Home, ledger: Ledger) -> None:
    def work(number: int) -> list[Submitted]:
        return [ledger.submit([envelope(100 * number + n)]) for n in range(6)]

    found = at_once(*(lambda n=n: work(n) for n in range(24)))
    for number, receipts in enumerate(found):
        for n, submitted in enumerate(receipts):
            holds(home, submitted, 100 * number + n)
    report = home.fsck()
    assert (report.ok, report.entries) == (True, 144)
    assert report.checkpoints < 145


def test_only_the_caller_whose_place_was_taken_is_refused(ledger: Ledger, home: Home, together: Any) -> None:
    found = together(
        lambda: ledger.append([envelope(0), envelope(1)]),
        lambda: ledger.append([envelope(2)], at=0),
        lambda: ledger.append([envelope(3)], at=2),
        lambda: ledger.append([envelope(4)]),
    )
    assert [found[0], found[2], found[3]] == [[0, 1], [2], [3]]
    assert isinstance(found[1], OrderError)
    assert found[1].code == "ledger-moved"
    assert together.commits == [4]
    assert [e.envelope for e in ledger.entries()] == [envelope(n) for n in (0, 1, 3, 4)]
    assert home.fsck().ok


def test_a_group_of_which_nothing_remains_writes_nothing(ledger: Ledger, home: Home, together: Any) -> None:
    found = together(*(lambda: ledger.append([envelope(0)], at=7) for _ in range(3)))
    assert {error.code for error in found} == {"ledger-moved"}
    assert (ledger.size, home.fsck().checkpoints, home.fsck().ok) == (0, 1, True)


def test_a_bad_envelope_is_refused_alone(ledger: Ledger, together: Any) -> None:
    found = together(
        lambda: ledger.append([envelope(0)]),
        lambda: ledger.append([envelope(1), b"{}"]),
        lambda: ledger.append([envelope(2)]),
    )
    assert isinstance(found[1], EnvelopeError)
    assert [found[0], found[2]] == [[0], [1]]


@pytest.mark.parametrize(("target", "entries"), [("add_entries", 0), ("add_checkpoint", 3)])
def test_a_full_disk_reaches_every_caller_of_the_group(
    home: Home, ledger: Ledger, together: Any, monkeypatch: pytest.MonkeyPatch, target: str, entries: int
) -> None:
    def full(*args: object) -> None:
        raise StorageError("storage-full", "No room.", "Free some.")

    with monkeypatch.context() as patch:
        patch.setattr(store, target, full)
        found = together(*(lambda n=n: ledger.append([envelope(n)]) for n in range(3)))
    assert [error.code for error in found] == ["storage-full"] * 3
    ledger.settle()
    assert ledger.size == entries
    assert ledger.append([envelope(7)]) == [entries]
    assert home.fsck().ok


def test_the_stored_bytes_are_read_through_another_connection(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that wrote them would answer from its own memory."""
    wrote, read = [], []
    add, bodies = store.add_entries, store.bodies
    driver = lambda connection: connection.connection.driver_connection  # noqa: E731
    monkeypatch.setattr(store, "add_entries", lambda c, *rest: wrote.append(driver(c)) or add(c, *rest))
    monkeypatch.setattr(store, "bodies", lambda c, *rest: read.append(driver(c)) or bodies(c, *rest))
    for n in range(5):
        ledger.append([envelope(n)])
    assert len(wrote) == len(read) == 5
    assert all(one is not other for one, other in zip(wrote, read, strict=True))


def test_another_entry_in_its_place_is_not_signed_as_the_callers(
    home: Home, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Consistent in itself, so that only whoever appended can tell."""
    body = envelope(9)
    change = f"UPDATE entry SET body = X'{body.hex()}', leaf_hash = X'{merkle.leaf_hash(body).hex()}'"  # noqa: S608
    commit = Sequencer._commit

    def commit_then_replace(self: Sequencer, *args: Any) -> Any:
        result = commit(self, *args)
        home.tamper(change)
        return result

    monkeypatch.setattr(Sequencer, "_commit", commit_then_replace)
    with pytest.raises(LedgerError) as caught:
        ledger.append([envelope(0)])
    assert caught.value.code == "ledger-root"
    assert ledger.size == 0


def test_handles_that_take_turns_notice_one_another(home: Home, ledger: Ledger) -> None:
    """Each remembers a log that the other one has changed."""
    other = home.open()
    for n in range(12):
        holds(home, (ledger, other, other)[n % 3].submit([envelope(n)]), n)
    assert home.fsck().ok
    other.close()


# What is copied back, or beside


def swap(home: Home, backup: Path) -> None:
    """Another database under the same name, while connections to the first one are open."""
    for path in home.folder.glob(f"{home.database.name}*"):
        path.unlink()
    shutil.copy(backup, home.database)


def backup_of(home: Home, to: Path) -> Path:
    with closing(sqlite3.connect(home.database)) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)
    return to


def copy_into(home: Home, backup: Path) -> None:
    """SQLite's own way of restoring, through its locks."""
    with closing(sqlite3.connect(backup)) as source, closing(sqlite3.connect(home.database)) as target:
        source.backup(target)


@pytest.mark.parametrize("restore", [swap, copy_into])
def test_an_older_database_under_an_open_log_is_never_appended_to(
    home: Home, ledger: Ledger, tmp_path: Path, restore: Callable[[Home, Path], None]
) -> None:
    ledger.append([envelope(0)])
    backup = backup_of(home, tmp_path / "backup")
    ledger.append([envelope(1)])
    restore(home, backup)
    for handle in (ledger, ledger):
        with pytest.raises(LedgerError) as caught:
            handle.append([envelope(2)])
        assert caught.value.code == "ledger-rollback"
    with pytest.raises(LedgerError):
        home.open()
    assert Ledger.open(home.folder).size == 1
    assert home.codes() == {"mark-contradicted"}


@pytest.mark.parametrize("restore", [swap, copy_into])
def test_a_restored_copy_of_today_goes_on(
    home: Home, ledger: Ledger, tmp_path: Path, restore: Callable[[Home, Path], None]
) -> None:
    ledger.append([envelope(0)])
    restore(home, backup_of(home, tmp_path / "backup"))
    assert ledger.append([envelope(1)]) == [1]
    assert [e.envelope for e in Ledger.open(home.folder).entries()] == [envelope(0), envelope(1)]
    assert home.fsck().ok


def test_a_database_swapped_between_commit_and_signature_gives_no_receipt(
    home: Home, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The entry went into a file that nobody will find again."""
    ledger.append([envelope(0)])
    backup = backup_of(home, tmp_path / "backup")
    commit = Sequencer._commit

    def commit_then_swap(self: Sequencer, *args: Any) -> Any:
        result = commit(self, *args)
        swap(home, backup)
        return result

    with monkeypatch.context() as patch:
        patch.setattr(Sequencer, "_commit", commit_then_swap)
        with pytest.raises(StorageError) as caught:
            ledger.append([envelope(1)])
    assert caught.value.code == "database-replaced"
    assert ledger.append([envelope(2)]) == [1]
    assert [e.envelope for e in ledger.entries()] == [envelope(0), envelope(2)]
    assert home.fsck().ok


def second_database(home: Home) -> Home:
    """The database once more, beside the same key and mark."""
    (home.root / "second").mkdir()
    backup_of(home, home.root / "second" / home.database.name)
    return home


def test_a_second_database_beside_one_mark_signs_no_second_history(home: Home, ledger: Ledger) -> None:
    ledger.append([envelope(0)])
    second_database(home)
    second = Ledger.open(home.root / "second", home.signer, home.mark)
    ledger.append([envelope(1)])
    with pytest.raises(LedgerError) as caught:
        second.append([envelope(2)])
    assert caught.value.code == "ledger-rollback"
    ledger.append([envelope(3)])
    assert Ledger.open(home.root / "second").size == 1
    second.close()


def _race(home: Home, folder: Path, first: int, answers: int) -> None:
    """In a process of its own: append until it is refused; every note that was given."""
    notes = []
    try:
        ledger = Ledger.open(folder, home.signer, home.mark)
        for n in range(8):
            notes.append(ledger.submit([envelope(first + n)]).checkpoint)
    except LedgerError as error:
        notes += [] if error.code == "ledger-rollback" else [error.code]
    os.write(answers, json.dumps(notes).encode())
    os._exit(0)


@pytest.mark.parametrize("attempt", range(3))
def test_two_databases_that_race_for_one_mark_never_sign_two_roots(
    home: Home, ledger: Ledger, attempt: int
) -> None:
    ledger.append([envelope(0)])
    ledger.close()
    second_database(home)
    pipes = []
    for number, folder in enumerate((home.folder, home.root / "second")):
        reading, writing = os.pipe()
        pipes.append(reading)
        if os.fork() == 0:
            try:
                _race(home, folder, 10 * (number + 1) + attempt, writing)
            finally:
                os._exit(1)
        os.close(writing)
    notes = []
    for reading in pipes:
        with os.fdopen(reading) as pipe:
            notes += json.loads(pipe.read())
    assert [os.wait()[1], os.wait()[1]] == [0, 0]
    key = VerifierKey.parse(home.vkey)
    signed = [open_checkpoint(note, key) for note in notes]
    assert len(signed) == 8  # one of them won, and only one
    assert len({s.size for s in signed}) == len({(s.size, s.root) for s in signed}) == 8
    assert max(s.size for s in signed) == 9


def test_a_mark_that_is_copied_with_everything_signs_nothing(
    home: Home, ledger: Ledger, tmp_path: Path
) -> None:
    ledger.append([envelope(0)])
    ledger.close()
    shutil.copytree(home.root, tmp_path / "twin", ignore=shutil.ignore_patterns("twin"))
    twin = Home(tmp_path / "twin")
    with pytest.raises(LedgerError) as caught:
        twin.open()
    assert caught.value.code == "ledger-mark-copied"
    assert Ledger.open(twin.folder).size == 1
    assert twin.fsck().ok


def test_a_mark_that_was_torn_loses_nothing(home: Home, ledger: Ledger) -> None:
    """The newest slot is half written: what it would have covered is signed again, as it was."""
    for n in range(3):
        ledger.append([envelope(n)])
    note = ledger.checkpoint()
    data = bytearray(home.mark.read_bytes())
    for place in (0, 4096):
        if b'"size":3' in data[place : place + 4096]:
            data[place + 100 : place + 4096] = bytes(3996)
    descriptor = os.open(home.mark, os.O_WRONLY)
    os.pwrite(descriptor, data, 0)
    os.close(descriptor)
    opened = home.open()
    assert (opened.checkpoint(), opened.size) == (note, 3)
    assert opened.append([envelope(3)]) == [3]
    assert home.fsck().ok
    opened.close()


def test_a_checkpoint_that_a_power_cut_took_is_signed_again_to_the_byte(home: Home, ledger: Ledger) -> None:
    """It is stored without waiting for the disk: whoever holds the receipt must see the very same note again."""
    submitted = ledger.submit([envelope(0), envelope(1)])
    ledger.close()
    home.tamper("DELETE FROM checkpoint WHERE size = 2")
    opened = home.open()
    assert opened.checkpoint() == submitted.checkpoint
    root = merkle.root([merkle.leaf_hash(envelope(n)) for n in (0, 1)])
    assert open_checkpoint(submitted.checkpoint, VerifierKey.parse(home.vkey)).root == root
    assert home.fsck().ok
    opened.close()
