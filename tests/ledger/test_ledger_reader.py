"""A reader sees what is signed, and answers any question with an answer or an error of ours."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from conftest_ledger import ORIGIN, Home, envelope, key

from void_audit.canon import merkle
from void_audit.canon.dsse import seal
from void_audit.canon.statement import encode, read_entry
from void_audit.errors import InputError, LedgerError, ProofError, StorageError, VoidAuditError
from void_audit.ledger import store
from void_audit.ledger.database import DATABASE
from void_audit.ledger.log import Ledger
from void_audit.ledger.reader import LogReader
from void_audit.ledger.sqlite import SqliteDatabase
from void_audit.model.base import BlobRef
from void_audit.model.records import KeyEvent, Role, Statement

HOSTILE = ["", "e", "E1", "e1 ", "%", "e_", "e1' OR '1'='1", "e1\0", "\u202ee1", "e" * 100_000]


def reading(home: Home) -> LogReader:
    return LogReader(home.connect(writable=False))


@pytest.fixture
def reader(filled: Home) -> LogReader:
    return reading(filled)


def key_event(sequence: int) -> bytes:
    holder = BlobRef(sha256="ab" * 32, size=40, media_type="text/plain", salted=True)
    event = KeyEvent(
        claimed_time="t", action="enrol", key=key(2).key_id, algorithm="ed25519", roles=(Role.ADMIN,),
        public_key=base64.b64encode(key(2).public_der).decode(), sequence=sequence, previous=None, holder=holder,
    )  # fmt: skip
    return seal(encode(Statement(subjects=(), predicate=event)), [key(2)])


def test_what_no_checkpoint_covers_does_not_exist(home: Home, ledger: Ledger) -> None:
    ledger.append([envelope(0), key_event(0)])
    tail = [read_entry(2, envelope(1)), read_entry(3, key_event(1))]
    with ledger._database.write() as connection:
        store.add_entries(connection, tail)
        assert store.entry_count(connection) == 4
    reader = reading(home)
    assert reader.size == 2
    assert [e.index for e in reader.entries()] == [0, 1]
    assert list(reader.entries(edit="e1")) == []
    assert [e.index for e in reader.key_events()] == [1]
    assert reader.find(tail[0].leaf_hash) is None
    assert reader.checkpoint() == reader.checkpoint_at(2)
    for ask in (lambda: reader.entry(2), lambda: reader.checkpoint_at(4)):
        with pytest.raises(LedgerError) as caught:
            ask()
        assert caught.value.code in {"entry-missing", "checkpoint-missing"}
    for ask in (lambda: reader.prove(2), lambda: reader.prove(0, 3), lambda: reader.consistency(1, 4)):
        with pytest.raises(ProofError) as caught_proof:
            ask()
        assert caught_proof.value.code == "proof-index"
    ledger.settle()
    assert (reader.size, reader.find(tail[0].leaf_hash)) == (4, 2)
    assert [e.index for e in reader.key_events()] == [1, 3]


def test_key_events_belong_to_no_edit(home: Home, ledger: Ledger) -> None:
    ledger.append([key_event(0), envelope(1)])
    reader = reading(home)
    assert [e.statement.predicate.edit for e in reader.entries()] == [None, "e1"]
    assert [e.index for e in reader.entries(edit="e1", kinds=["key-event", "approval"])] == [1]
    assert list(reader.entries(edit="None")) == []


def test_it_says_whose_log_it_is(filled: Home, reader: LogReader) -> None:
    assert (reader.origin, reader.vkey) == (ORIGIN, filled.vkey)


@pytest.mark.parametrize("edit", HOSTILE)
def test_the_name_of_an_edit_is_a_name_and_nothing_else(reader: LogReader, edit: str) -> None:
    try:
        found = list(reader.entries(edit=edit))
    except InputError as error:  # PostgreSQL holds no such text
        assert (error.code, "\0" in edit) == ("value-unusable", True)  # noqa: PT017
    else:
        assert found == []


@pytest.mark.parametrize("kind", ["", "seal' --", "APPROVAL"])
def test_an_unknown_kind_finds_nothing(reader: LogReader, kind: str) -> None:
    assert list(reader.entries(kinds=[kind])) == []


@pytest.mark.parametrize(
    "ask",
    [
        lambda r: list(r.entries(edit="e\udcff")),
        lambda r: list(r.entries(kinds=["\ud800"])),
        lambda r: r.checkpoint_at(2**63),
        lambda r: r.checkpoint_at(-(2**63) - 1),
    ],
)
def test_what_no_database_could_hold_is_an_error_of_ours(reader: LogReader, ask: object) -> None:
    """A command line of odd bytes gives half surrogates; numbers come from files."""
    with pytest.raises(InputError) as caught:
        ask(reader)
    assert caught.value.code == "value-unusable"
    assert reader.size == 7


@pytest.mark.parametrize("number", [7, 8, -1, 2**63, -(2**63), 2**70])
def test_no_number_makes_it_stumble(reader: LogReader, number: int) -> None:
    for ask in (reader.entry, reader.prove, reader.checkpoint_at, lambda n: reader.consistency(0, n)):
        try:
            answer = ask(number)
        except VoidAuditError as error:
            assert error.code in {"entry-missing", "checkpoint-missing", "proof-index", "value-unusable"}  # noqa: PT017
        else:
            assert number == 7
            assert ask not in (reader.entry, reader.prove)
            assert answer == () or str(answer).startswith(ORIGIN)


@pytest.mark.parametrize("leaf", ["", "zz", "é", "00", "0" * 63, "0" * 64, "\ud800", "00" * 40])
def test_what_is_no_hash_of_an_entry_is_not_found(reader: LogReader, leaf: str) -> None:
    assert reader.find(leaf) is None


def test_entries_are_read_a_page_at_a_time(copy: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory does not grow with the log: nothing beyond the page that is asked for is fetched."""
    monkeypatch.setattr(store, "PAGE", 3)
    entries = reading(copy).entries()
    assert [next(entries).index for _ in range(3)] == [0, 1, 2]
    copy.tamper("UPDATE entry SET body = X'00' WHERE idx = 3")
    with pytest.raises(LedgerError) as caught:
        next(entries)
    assert caught.value.code == "entry-corrupt"


def test_a_proof_of_a_tampered_sibling_does_not_verify(copy: Home) -> None:
    """The stored leaf hash of a neighbour is part of a proof: changing it cannot make another proof good."""
    reader, size = reading(copy), 4
    proved = reader.prove(2, size)
    copy.tamper("UPDATE entry SET leaf_hash = zeroblob(32) WHERE idx = 3")
    forged = reader.prove(2, size)
    assert forged != proved
    root = merkle.root(merkle.leaf_hash(envelope(n)) for n in range(size))
    leaf = merkle.leaf_hash(envelope(2))
    merkle.verify_inclusion(leaf, 2, size, [bytes.fromhex(h) for h in proved.proof], root)
    with pytest.raises(ProofError):
        merkle.verify_inclusion(leaf, 2, size, [bytes.fromhex(h) for h in forged.proof], root)


def test_a_database_that_names_no_log_is_not_read(copy: Home) -> None:
    copy.tamper("DELETE FROM log")
    with pytest.raises(LedgerError) as caught:
        reading(copy)
    assert caught.value.code == "ledger-damaged"


def test_without_a_checkpoint_nothing_is_visible(copy: Home) -> None:
    copy.tamper("DELETE FROM checkpoint")
    reader = reading(copy)
    assert (reader.size, list(reader.entries())) == (0, [])
    with pytest.raises(LedgerError) as caught:
        reader.checkpoint()
    assert caught.value.code == "checkpoint-missing"


def test_a_reader_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        LogReader(SqliteDatabase(tmp_path / DATABASE, writable=False))
    assert list(tmp_path.iterdir()) == []
