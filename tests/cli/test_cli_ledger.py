"""``ledger``: the log, recomputed."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from void_audit.canon.checkpoint import open_checkpoint
from void_audit.canon.note import VerifierKey


def test_a_sound_log(desk):
    said = desk.json("ledger fsck")
    assert said["ok"] is True
    assert said["problems"] == []
    assert said["entries"] > 15
    assert said["blobs"] > 15
    assert "consistent" in desk("ledger fsck").output


def test_the_checkpoint_opens_under_the_pinned_key(desk):
    key = VerifierKey.parse((desk.folder / ".void-audit" / "trust" / "log.vkey").read_text().strip())
    note = desk("ledger checkpoint").stdout
    assert open_checkpoint(note, key).size == desk.json("ledger fsck")["entries"]
    assert desk.json("ledger checkpoint")["checkpoint"] == note


def test_an_insider_who_rewrites_an_entry(own):
    database = own.folder / ".void-audit" / "ledger" / "ledger.sqlite"
    with closing(sqlite3.connect(database)) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("UPDATE entry SET body = CAST(replace(body, 'e', 'f') AS BLOB) WHERE idx = 5")
        connection.commit()
    said = own.json("ledger fsck", 1)
    assert said["ok"] is False
    assert "entry-leaf-hash" in {p["code"] for p in said["problems"]}
    assert "NOT CONSISTENT" in own("ledger fsck", 1).output
    own("history", 1)
    own("plan request --seed 9", 1)


def test_a_blob_that_is_gone(own):
    blobs = [p for p in (own.folder / ".void-audit" / "blobs").rglob("*") if p.is_file()]
    next(p for p in blobs if b'"geometry"' in p.read_bytes()).unlink()  # a plan
    assert {p["code"] for p in own.json("ledger fsck", 1)["problems"]} == {"blob-missing"}


def test_a_database_put_back_from_a_backup(own):
    """The key remembers what it has signed: nothing is appended to a log that is older than that."""
    ledger, backup = own.folder / ".void-audit" / "ledger", {}
    for path in ledger.iterdir():
        backup[path] = path.read_bytes()
    own("keys add clark --role editor")
    for path in list(ledger.iterdir()):
        path.unlink()
    for path, data in backup.items():
        path.write_bytes(data)
    own.refused("keys add bruce --role editor", 1, "ledger-rollback")
    assert "mark-contradicted" in {p["code"] for p in own.json("ledger fsck", 1)["problems"]}


def test_without_a_workspace(terminal):
    for line in ("ledger fsck", "ledger checkpoint", "history", "keys list", "plan x", "run 0123456789ab",
                 "approve 0123456789ab --as perry", "policy check x"):  # fmt: skip
        terminal.refused(line, 2, "workspace-missing")
