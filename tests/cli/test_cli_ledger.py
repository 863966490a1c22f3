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


def evidence_of(terminal):
    return terminal.folder / ".void-audit" / "evidence"


def test_every_command_that_writes_leaves_the_evidence_up_to_date(terminal):
    terminal.people()
    assert terminal.json("ledger fsck")["evidence"]["behind"] == 0
    terminal("plan " + terminal.request())
    state = terminal.json("ledger fsck")
    assert state["evidence"] == {
        "place": str(evidence_of(terminal)),
        "entries": state["entries"],
        "behind": 0,
        "unread": None,
    }
    note = (evidence_of(terminal) / "checkpoint").read_text()
    assert note == terminal("ledger checkpoint").stdout


def test_evidence_that_cannot_be_written_stops_nothing_and_is_said(own):
    evidence = evidence_of(own)
    evidence.rename(evidence.with_name("kept"))
    evidence.write_text("a file where the folder was")
    result = own("keys add clark --role editor")
    assert "warning: the evidence is not up to date (storage-" in result.stderr
    assert own.json("keys add bruce --role editor")["name"] == "bruce"  # standard output is JSON all the same
    evidence.unlink()
    evidence.with_name("kept").rename(evidence)
    state = own.json("ledger fsck")
    assert state["ok"]
    assert state["evidence"]["behind"] == 2
    assert "2 entries behind: void-audit ledger export" in own("ledger fsck").output
    assert own.json("ledger export")["written"] >= 3
    assert own.json("ledger fsck")["evidence"]["behind"] == 0


def test_a_changed_tile_is_named_and_not_overwritten(own):
    bundle = next((evidence_of(own) / "tile" / "entries").rglob("[0-9]*"))
    while bundle.is_dir():
        bundle = max(bundle.iterdir(), key=lambda path: int(path.name))
    bundle.chmod(0o644)
    spoilt = bytearray(bundle.read_bytes())
    spoilt[100] ^= 1
    bundle.write_bytes(spoilt)
    codes = {problem["code"] for problem in own.json("ledger fsck", 1)["problems"]}
    assert codes == {"evidence-root", "evidence-wrong"}
    own.refused("ledger export", 1, "evidence-contradicted")
    assert bundle.read_bytes() == spoilt


def test_an_export_to_another_place(desk, tmp_path):
    said = desk.json(f"ledger export {tmp_path}/there")
    assert said["size"] == desk.json("ledger fsck")["entries"]
    assert (tmp_path / "there" / "checkpoint").read_text() == desk("ledger checkpoint").stdout
    assert "0 files written" in desk(f"ledger export {tmp_path}/there").output
    desk.refused("ledger export nosuch://bucket/prefix", 2, "evidence-place")


def test_a_database_that_is_lost_comes_back_from_the_evidence(own):
    database = own.folder / ".void-audit" / "ledger" / "ledger.sqlite"
    history = own("history").output
    for path in database.parent.glob("ledger.sqlite*"):
        path.write_bytes(b"\xa5" * 5000)
    own("ledger fsck", 1)
    own("history", 1)
    said = own.json(f"ledger rebuild --from {evidence_of(own)}")
    assert said["behind"] == 0
    assert said["aside"]
    assert own.json("ledger fsck")["ok"]
    assert own("history").output == history
    own("keys add clark --role editor")
    assert own.json("ledger fsck")["evidence"]["behind"] == 0
    assert "made again" in own("ledger rebuild").output


def test_a_rebuild_from_older_evidence_is_refused_or_signs_no_more(own, tmp_path):
    own(f"ledger export {tmp_path}/old")
    own("keys add clark --role editor")
    own.refused(f"ledger rebuild --from {tmp_path}/old", 1, "evidence-behind")
    assert "it will sign nothing" in own(f"ledger rebuild --from {tmp_path}/old --accept-behind").output
    own.refused("keys add bruce --role editor", 1, "ledger-rollback")


def test_a_rebuild_leaves_no_option_out_of_account(own):
    said = own.refused(
        "ledger rebuild --from tiles --database postgresql://owner@db.example/x", 2, "option-unused"
    )
    assert "settings.toml" in said
    own.refused("ledger rebuild --accept-behind", 2, "option-unused")


def test_projections_alone(own):
    database = own.folder / ".void-audit" / "ledger" / "ledger.sqlite"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE record SET kind = 'seal'")
        connection.commit()
    assert {p["code"] for p in own.json("ledger fsck", 1)["problems"]} == {"record-wrong"}
    assert own.json("ledger rebuild")["entries"] > 15
    assert own.json("ledger fsck")["ok"]


def test_evidence_that_cannot_be_read_leaves_the_question_open(own):
    evidence_of(own).rename(evidence_of(own).with_name("kept"))
    evidence_of(own).symlink_to(evidence_of(own))  # a loop
    said = own.json("ledger fsck", 3)
    assert said["ok"]
    assert said["evidence"]["unread"]
    assert "could not be read" in own("ledger fsck", 3).output
