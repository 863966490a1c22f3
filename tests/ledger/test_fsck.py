# ruff: noqa: S608
"""Every stored column, changed behind the ledger's back, is named."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from conftest_ledger import ORIGIN, Home, envelope, key

from void_audit.canon import merkle
from void_audit.canon.checkpoint import Checkpoint, sign_checkpoint
from void_audit.canon.note import VerifierKey
from void_audit.errors import NoteError
from void_audit.ledger.blobs import BlobStore
from void_audit.ledger.fsck import MAX_PROBLEMS, Problem, fsck
from void_audit.ledger.log import Ledger


def test_a_log_as_it_was_written_is_consistent(filled: Home) -> None:
    report = filled.fsck()
    assert report.problems == ()
    assert report.ok
    assert (report.entries, report.checkpoints) == (7, 5)


SWAP = "UPDATE entry SET body = (SELECT body FROM entry WHERE idx = 0) WHERE idx = 3"
TAMPERED = [
    ("entry.body", SWAP, "entry-leaf-hash", "entry 3"),
    ("entry.body", SWAP, "checkpoint-root", "checkpoint 4"),
    ("entry.body", "UPDATE entry SET body = X'00' WHERE idx = 2", "entry-unreadable", "entry 2"),
    ("entry.body as text", "UPDATE entry SET body = 'text' WHERE idx = 2", "database-unreadable", "tree"),
    ("entry.leaf_hash", "UPDATE entry SET leaf_hash = zeroblob(32) WHERE idx = 5", "entry-leaf-hash", "entry 5"),
    ("entry.leaf_hash cut", "UPDATE entry SET leaf_hash = X'00' WHERE idx = 5", "entry-leaf-hash", "entry 5"),
    ("entry.idx", "UPDATE entry SET idx = 9 WHERE idx = 6", "entry-missing", "entry 6"),
    ("entry.idx negative", "UPDATE entry SET idx = -1 WHERE idx = 6", "entry-missing", "entry 0"),
    ("entry deleted inside", "DELETE FROM entry WHERE idx = 2", "entry-missing", "entry 2"),
    ("entry deleted at the end", "DELETE FROM entry WHERE idx = 6", "checkpoint-root", "checkpoint 7"),
    ("entries all deleted", "DELETE FROM entry", "checkpoint-root", "checkpoint 1"),
    ("entry added", "INSERT INTO entry SELECT 7, leaf_hash, body FROM entry WHERE idx = 0", "tail-unsigned", "entry 7"),
    ("node.hash", "UPDATE node SET hash = zeroblob(32) WHERE level = 2", "node-wrong", "node 2/0"),
    ("node.level", "UPDATE node SET level = 9 WHERE level = 2", "node-missing", "node 2/0"),
    ("node.level", "UPDATE node SET level = 9 WHERE level = 2", "node-extra", "node 9/0"),
    ("node.level huge", "UPDATE node SET level = 64 WHERE level = 2", "node-extra", "node 64/0"),
    ("node.position", "UPDATE node SET position = 5 WHERE level = 2", "node-extra", "node 2/5"),
    ("node.position negative", "UPDATE node SET position = -5 WHERE level = 2", "node-extra", "node 2/-5"),
    ("node deleted", "DELETE FROM node WHERE level = 1 AND position = 2", "node-missing", "node 1/2"),
    ("node added", "INSERT INTO node VALUES (1, 3, zeroblob(32))", "node-extra", "node 1/3"),
    ("checkpoint.size", "UPDATE checkpoint SET size = 2 WHERE size = 3", "checkpoint-columns", "checkpoint 2"),
    ("checkpoint.root", "UPDATE checkpoint SET root = zeroblob(32) WHERE size = 3",
     "checkpoint-columns", "checkpoint 3"),
    ("checkpoint.note", "UPDATE checkpoint SET note = replace(note, '7', '6') WHERE size = 7",
     "checkpoint-signature", "checkpoint 7"),
    ("checkpoint.note as blob", "UPDATE checkpoint SET note = X'FFFF' WHERE size = 7",
     "checkpoint-signature", "checkpoint 7"),
    ("checkpoint.note of another size",
     "UPDATE checkpoint SET note = (SELECT note FROM checkpoint WHERE size = 3) WHERE size = 7",
     "checkpoint-columns", "checkpoint 7"),
    ("checkpoint deleted", "DELETE FROM checkpoint WHERE size = 7", "tail-unsigned", "entry 4"),
    ("checkpoints all deleted", "DELETE FROM checkpoint", "tail-unsigned", "entry 0"),
    ("record.edit", "UPDATE record SET edit = 'other' WHERE idx = 4", "record-wrong", "record 4"),
    ("record.edit null", "UPDATE record SET edit = NULL WHERE idx = 4", "record-wrong", "record 4"),
    ("record.kind", "UPDATE record SET kind = 'seal' WHERE idx = 4", "record-wrong", "record 4"),
    ("record.idx", "UPDATE record SET idx = 44 WHERE idx = 4", "record-wrong", "record 4"),
    ("record deleted", "DELETE FROM record WHERE idx = 4", "record-wrong", "record 4"),
    ("record added", "INSERT INTO record VALUES (7, 'e1', 'seal')", "record-wrong", "record 7"),
    ("log.origin", "UPDATE log SET origin = 'other'", "log-key", "log"),
    ("log.vkey", f"UPDATE log SET vkey = '{VerifierKey.of(ORIGIN, key(9))}'", "log-key", "log"),
    ("log deleted", "DELETE FROM log", "log-key", "log"),
    ("alembic_version", "UPDATE alembic_version SET version_num = '0000'", "schema-version", "alembic_version"),
    ("table added", "CREATE TABLE more (x)", "schema-changed", "table more"),
    ("index dropped", "DROP INDEX record_edit", "schema-changed", "index record_edit"),
    ("node dropped", "DROP TABLE record", "database-unreadable", "tree"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "sql", "code", "where"), TAMPERED)
def test_a_changed_column_is_named(copy: Home, what: str, sql: str, code: str, where: str) -> None:
    copy.tamper(sql)
    problems = copy.fsck().problems
    assert (code, where) in {(p.code, p.where) for p in problems}, (what, problems)


@pytest.mark.parametrize("table", ["log", "entry", "node", "checkpoint"])
@pytest.mark.parametrize("trigger", ["no_update", "no_delete", "insert"])
def test_a_missing_or_weakened_trigger_is_named(copy: Home, table: str, trigger: str) -> None:
    name = f"{table}_{trigger}"
    copy.sql(f"DROP TRIGGER {name}")
    assert copy.fsck().problems == (
        Problem("schema-changed", f"trigger {name}", f"trigger {name} is missing"),
    )
    copy.sql(f"CREATE TRIGGER {name} BEFORE UPDATE ON {table} BEGIN SELECT 1; END")
    assert copy.codes() == {"schema-changed"}


def rewritten(home: Home, signer_number: int) -> None:
    """The insider's best: another entry 6, with the whole tree and its checkpoint recomputed."""
    leaves = [merkle.leaf_hash(envelope(n)) for n in (0, 1, 2, 3, 4, 5, 99)]
    root = merkle.root(leaves)
    note = sign_checkpoint(Checkpoint(ORIGIN, 7, root), key(signer_number))
    home.tamper(
        f"UPDATE entry SET body = X'{envelope(99).hex()}', leaf_hash = X'{leaves[6].hex()}' WHERE idx = 6",
        f"UPDATE checkpoint SET root = X'{root.hex()}', note = '{note}' WHERE size = 7",
    )


def test_a_history_rewritten_without_the_key_is_noticed(copy: Home) -> None:
    rewritten(copy, signer_number=9)
    assert "checkpoint-signature" in copy.codes()


def test_a_history_rewritten_with_the_key_contradicts_the_mark(copy: Home) -> None:
    rewritten(copy, signer_number=1)
    assert fsck(copy.folder, copy.vkey).ok  # nothing inside the database can tell
    assert copy.codes() == {"mark-contradicted"}


def test_a_log_cut_short_contradicts_the_mark(copy: Home) -> None:
    copy.tamper(
        "DELETE FROM entry WHERE idx > 3",
        "DELETE FROM record WHERE idx > 3",
        "DELETE FROM node WHERE level = 1 AND position > 1",
        "DELETE FROM checkpoint WHERE size > 4",
    )
    assert fsck(copy.folder, copy.vkey).ok
    assert copy.codes() == {"mark-contradicted"}


def test_a_missing_mark_is_named(copy: Home) -> None:
    copy.mark.unlink()
    assert copy.codes() == {"mark-unreadable"}


def test_the_key_comes_from_outside(filled: Home) -> None:
    report = fsck(filled.folder, str(VerifierKey.of(ORIGIN, key(9))))
    assert {"log-key", "checkpoint-signature"} <= {p.code for p in report.problems}
    with pytest.raises(NoteError) as caught:
        fsck(filled.folder, "no key")
    assert caught.value.code == "vkey-malformed"


@pytest.mark.parametrize("size", [0, 10, 5000])
def test_a_file_that_is_no_database_is_reported(copy: Home, size: int) -> None:
    copy.database.write_bytes(b"\xa5" * size)
    for sidecar in copy.folder.glob("*-*"):
        sidecar.unlink()
    codes = copy.codes()
    assert codes & {"database-unreadable", "schema-version"}


def test_no_database_is_reported(home: Home) -> None:
    codes = {p.code for p in fsck(home.folder, home.vkey).problems}
    assert codes == {"database-unreadable"}


def test_random_damage_to_the_file_never_raises_and_never_passes_for_entries(copy: Home) -> None:
    pristine, noticed = copy.database.read_bytes(), 0
    for place in range(64, len(pristine), len(pristine) // 40):
        spoilt = bytearray(pristine)
        spoilt[place : place + 64] = b"\xa5" * 64
        copy.database.write_bytes(spoilt)
        report = fsck(copy.folder, copy.vkey, mark=copy.mark)
        noticed += not report.ok
        if report.ok:  # the damage fell on free space: every entry is still there
            with closing(sqlite3.connect(copy.database)) as connection:
                bodies = [row[0] for row in connection.execute("SELECT body FROM entry ORDER BY idx")]
            assert bodies == [envelope(n) for n in range(7)]
    assert noticed >= 5


def test_blobs_that_entries_name_are_checked(home: Home, ledger: Ledger, tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path / "blobs")
    kept, lost, spoilt = (
        blobs.put(text, "text/plain", salted=True, subject="edit:e") for text in (b"a", b"b", b"c")
    )
    ledger.append([envelope(n, ref) for n, ref in enumerate((kept, lost, spoilt))])
    report = fsck(home.folder, home.vkey, blobs)
    assert (report.ok, report.blobs) == (True, 3)
    blobs.delete(lost.sha256)
    file = tmp_path / "blobs" / "sha256" / spoilt.sha256[:2] / spoilt.sha256
    file.chmod(0o600)
    file.write_bytes(b"\0" * 33)
    problems = fsck(home.folder, home.vkey, blobs).problems
    assert {(p.code, p.where) for p in problems} == {("blob-missing", "entry 1"), ("blob-corrupt", "entry 2")}


def test_the_list_of_problems_is_bounded(copy: Home) -> None:
    numbers = "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
    copy.tamper(f"INSERT INTO record {numbers} SELECT i, 'e', 'seal' FROM n")
    assert len(copy.fsck().problems) == MAX_PROBLEMS


def test_checking_needs_no_right_to_write(copy: Home) -> None:
    before = {p: p.stat().st_mtime_ns for p in copy.folder.glob("ledger.sqlite")}
    assert copy.fsck().ok
    assert {p: p.stat().st_mtime_ns for p in before} == before
    shutil.rmtree(copy.root / "keys")
    assert fsck(copy.folder, copy.vkey).ok
