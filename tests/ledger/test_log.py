from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from conftest_ledger import ORIGIN, Home, envelope, key

from void_audit.canon import merkle
from void_audit.canon.checkpoint import Checkpoint, open_checkpoint
from void_audit.canon.note import VerifierKey
from void_audit.canon.proof import verify_logged
from void_audit.errors import EnvelopeError, LedgerError, NoteError, ProofError, StorageError, WorkspaceError
from void_audit.ledger import database as databases
from void_audit.ledger import store
from void_audit.ledger.log import Ledger
from void_audit.ledger.mark import Mark, begin_mark
from void_audit.ledger.sequencer import Sequencer
from void_audit.model.records import Kind


def checkpoint(home: Home, ledger: Ledger, size: int | None = None) -> Checkpoint:
    note = ledger.checkpoint() if size is None else ledger.checkpoint_at(size)
    return open_checkpoint(note, VerifierKey.parse(home.vkey))


def test_a_new_log_is_empty_and_signed(home: Home, ledger: Ledger) -> None:
    assert (ledger.size, ledger.origin, ledger.vkey) == (0, ORIGIN, home.vkey)
    assert checkpoint(home, ledger) == Checkpoint(ORIGIN, 0, merkle.EMPTY_ROOT)
    assert list(ledger.entries()) == []


def test_append_answers_with_indices_under_a_signed_checkpoint(home: Home, ledger: Ledger) -> None:
    assert ledger.append([envelope(0)]) == [0]
    assert ledger.append([envelope(1), envelope(2)]) == [1, 2]
    assert ledger.append([]) == []
    assert checkpoint(home, ledger).size == ledger.size == 3


def test_entries_come_back_byte_for_byte(copy: Home) -> None:
    ledger = Ledger.open(copy.place)
    entries = list(ledger.entries())
    assert [e.envelope for e in entries] == [envelope(n) for n in range(7)]
    assert [e.index for e in entries] == list(range(7))
    assert ledger.entry(4) == entries[4]
    assert entries[0].key_ids == (key(2).key_id,)


def test_entries_are_filtered_by_edit_and_kind(copy: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "PAGE", 2)  # more entries than a page
    ledger = Ledger.open(copy.place)
    assert [e.index for e in ledger.entries(edit="e1")] == [1, 4]
    assert [e.index for e in ledger.entries(edit="e1", kinds=[Kind.APPROVAL])] == [1, 4]
    assert [e.index for e in ledger.entries(kinds={Kind.APPROVAL, Kind.PLAN})] == list(range(7))
    assert list(ledger.entries(kinds=[])) == []
    assert list(ledger.entries(edit="unknown")) == []
    assert list(ledger.key_events()) == []


def test_every_entry_is_proved_on_every_checkpoint(copy: Home) -> None:
    ledger = Ledger.open(copy.place)
    for size in (1, 3, 4, 7):
        signed = checkpoint(copy, ledger, size)
        for index in range(size):
            entry = verify_logged(ledger.prove(index, size), signed)
            assert entry.envelope == envelope(index)
    assert ledger.prove(2) == ledger.prove(2, 7)


def test_every_checkpoint_extends_every_earlier_one(copy: Home) -> None:
    ledger = Ledger.open(copy.place)
    sizes = (0, 1, 3, 4, 7)
    for old in sizes:
        for new in sizes[sizes.index(old) :]:
            first, second = checkpoint(copy, ledger, old), checkpoint(copy, ledger, new)
            proof = ledger.consistency(old, new)
            merkle.verify_consistency(old, first.root, new, second.root, proof)
    assert ledger.consistency(3) == ledger.consistency(3, 7)


def test_a_batch_larger_than_a_page_is_one_append(home: Home, ledger: Ledger) -> None:
    ledger.append([envelope(n) for n in range(300)])
    signed = checkpoint(home, ledger)
    for index in (0, 1, 127, 255, 256, 298, 299):
        assert verify_logged(ledger.prove(index), signed).envelope == envelope(index)
    assert [e.index for e in ledger.entries(edit="e2")] == list(range(2, 300, 3))
    assert home.fsck().ok


@pytest.mark.parametrize(("index", "size"), [(7, None), (0, 8), (-1, 7), (3, 3), (0, 0), (0, -5)])
def test_nothing_is_proved_beyond_the_log(copy: Home, index: int, size: int | None) -> None:
    with pytest.raises(ProofError) as caught:
        Ledger.open(copy.place).prove(index, size)
    assert caught.value.code == "proof-index"


def test_what_is_not_there_is_said_so(copy: Home) -> None:
    ledger = Ledger.open(copy.place)
    with pytest.raises(LedgerError) as caught:
        ledger.entry(7)
    assert caught.value.code == "entry-missing"
    with pytest.raises(LedgerError) as caught:
        ledger.checkpoint_at(2)
    assert caught.value.code == "checkpoint-missing"
    with pytest.raises(ProofError):
        ledger.consistency(3, 8)


def test_an_envelope_is_found_by_its_leaf_hash(ledger: Ledger) -> None:
    leaf = merkle.leaf_hash(envelope(1)).hex()
    assert ledger.find(leaf) is None
    ledger.append([envelope(0), envelope(1), envelope(1)])
    assert ledger.find(leaf) == 1


@pytest.mark.parametrize("bad", [b"", b"{}", b"x" * 70_000, envelope(0) + b" "])
def test_a_batch_with_a_bad_envelope_leaves_no_trace(ledger: Ledger, bad: bytes) -> None:
    with pytest.raises(EnvelopeError):
        ledger.append([envelope(0), bad])
    assert ledger.size == 0
    assert ledger.append([envelope(0)]) == [0]


def test_a_reader_sees_what_another_handle_appends(home: Home, ledger: Ledger) -> None:
    reader = Ledger.open(home.place)
    ledger.append([envelope(0)])
    assert reader.size == 1
    with pytest.raises(LedgerError) as caught:
        reader.append([envelope(1)])
    assert caught.value.code == "ledger-read-only"


def test_iteration_stops_at_the_size_at_which_it_began(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "PAGE", 1)
    ledger.append([envelope(0), envelope(1)])
    entries = ledger.entries()
    assert next(entries).index == 0
    ledger.append([envelope(2)])
    assert [e.index for e in entries] == [1]


def test_a_log_is_started_once(home: Home, ledger: Ledger) -> None:
    with pytest.raises(WorkspaceError) as caught:
        home.create()
    assert caught.value.code == "ledger-exists"


def test_there_must_be_a_log_to_open(home: Home) -> None:
    for signer in (None, home.signer):
        with pytest.raises(WorkspaceError) as caught:
            Ledger.open(home.place, signer, home.mark)
        assert caught.value.code == "ledger-missing"


def test_another_key_does_not_sign_this_log(home: Home, ledger: Ledger) -> None:
    with pytest.raises(LedgerError) as caught:
        Ledger.open(home.place, key(9), home.mark)
    assert caught.value.code == "log-key-other"


def test_an_origin_that_cannot_be_signed_starts_nothing(home: Home) -> None:
    with pytest.raises(NoteError) as caught:
        Ledger.create(home.place, "two words", home.signer, home.mark)
    assert caught.value.code == "key-name"
    assert not home.folder.exists()


@pytest.fixture
def restored(home: Home, ledger: Ledger, tmp_path: Path) -> Home:
    """A database from before the newest entries; the mark beside the key is of today."""
    ledger.append([envelope(0)])
    ledger.close()
    backup = home.back_up()
    newer = home.open()
    newer.append([envelope(1)])
    newer.close()
    home.restore(backup)
    return home


def test_a_restored_backup_is_never_signed(restored: Home) -> None:
    before = Ledger.open(restored.place).checkpoint()
    with pytest.raises(LedgerError) as caught:
        restored.open()
    assert caught.value.code == "ledger-rollback"
    reader = Ledger.open(restored.place)
    assert (reader.checkpoint(), reader.size) == (before, 1)
    assert "mark-contradicted" in restored.codes()


def test_a_backup_restored_under_an_open_log_is_never_appended_to(
    home: Home, ledger: Ledger, tmp_path: Path
) -> None:
    ledger.append([envelope(0)])
    ledger.close()
    backup = home.back_up()
    ledger.append([envelope(1)])
    ledger.close()
    home.restore(backup)
    with pytest.raises(LedgerError) as caught:
        ledger.append([envelope(2)])
    assert caught.value.code == "ledger-rollback"
    assert Ledger.open(home.place).size == 1


def test_a_backup_that_went_another_way_is_never_signed(restored: Home) -> None:
    """As long as what the key signed, but with another second entry."""
    other = Ledger.open(restored.place, restored.signer, _mark_of_the_backup(restored))
    other.append([envelope(5)])
    with pytest.raises(LedgerError) as caught:
        restored.open()
    assert caught.value.code == "ledger-rollback"


def _mark_of_the_backup(home: Home) -> Path:
    stolen = home.root / "stolen.mark"
    signed = checkpoint(home, Ledger.open(home.place))
    begin_mark(stolen, Mark(signed.origin, signed.size, signed.root))
    return stolen


def test_a_log_is_not_started_again_with_a_key_that_has_signed(home: Home, ledger: Ledger) -> None:
    ledger.append([envelope(0)])
    ledger.close()
    home.remove()
    with pytest.raises(LedgerError) as caught:
        home.create()
    assert caught.value.code == "ledger-rollback"


def test_without_its_mark_nothing_is_signed(home: Home, ledger: Ledger) -> None:
    home.mark.unlink()
    with pytest.raises(LedgerError) as caught:
        ledger.append([envelope(0)])
    assert caught.value.code == "ledger-mark-missing"
    assert ledger.size == 0


def test_the_mark_of_another_log_is_refused(home: Home, ledger: Ledger) -> None:
    with pytest.raises(LedgerError) as caught:
        Ledger.create(home.root / "second", "other.example", home.signer, home.mark)
    assert caught.value.code == "ledger-mark-other"
    begin_mark(home.mark, Mark("other.example", 0, merkle.EMPTY_ROOT))
    with pytest.raises(LedgerError) as caught:
        ledger.append([envelope(0)])
    assert caught.value.code == "ledger-mark-other"


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"null", b'{"format":"void-audit-mark/v1"}', b"\xff"])
def test_a_damaged_mark_is_an_error_of_ours(home: Home, ledger: Ledger, content: bytes) -> None:
    home.mark.write_bytes(content)
    with pytest.raises(LedgerError) as caught:
        ledger.append([envelope(0)])
    assert caught.value.code == "ledger-mark-damaged"
    assert "mark-unreadable" in home.codes()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE entry SET body = X'00' || substr(body, 2) WHERE idx = 1",
        "UPDATE entry SET leaf_hash = zeroblob(32) WHERE idx = 2",
        "UPDATE node SET hash = zeroblob(32) WHERE level = 1",
        "UPDATE checkpoint SET note = replace(note, '1', '2')",
        "DELETE FROM node",
        "UPDATE entry SET idx = 7 WHERE idx = 2",
    ],
)
def test_a_bit_that_flips_before_it_is_signed_is_not_signed(
    home: Home, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    ledger.append([envelope(0)])
    commit = Sequencer._commit

    def commit_then_rot(self: Sequencer, *args: Any) -> Any:
        result = commit(self, *args)
        home.tamper(damage)
        return result

    monkeypatch.setattr(Sequencer, "_commit", commit_then_rot)
    with pytest.raises((LedgerError, NoteError)):
        ledger.append([envelope(1), envelope(2)])
    assert ledger.size == 1


def test_threads_and_handles_share_one_order(home: Home, ledger: Ledger) -> None:
    handles = [ledger, home.open()]
    indices: list[int] = []

    def work(number: int) -> None:
        for n in range(4):
            indices.extend(handles[number % 2].append([envelope(number * 10 + n)]))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(indices) == list(range(16))
    assert home.fsck().ok


def test_a_log_that_is_held_by_another_is_waited_for_then_refused(
    home: Home, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "LOCK_SECONDS", 0.1)
    other = home.connect()
    with other.lock(), pytest.raises(StorageError) as caught:
        ledger.append([envelope(0)])
    assert caught.value.code == "ledger-busy"


def test_a_tampered_entry_is_not_read(copy: Home) -> None:
    copy.tamper("UPDATE entry SET body = (SELECT body FROM entry WHERE idx = 0) WHERE idx = 3")
    reader = Ledger.open(copy.place)
    for read in (lambda: reader.entry(3), lambda: list(reader.entries()), lambda: reader.prove(3)):
        with pytest.raises(LedgerError) as caught:
            read()
        assert caught.value.code == "entry-corrupt"


def test_a_missing_node_gives_no_proof(copy: Home) -> None:
    copy.tamper("DELETE FROM node WHERE level = 2")
    with pytest.raises(LedgerError) as caught:
        Ledger.open(copy.place).prove(6)
    assert caught.value.code == "node-missing"
