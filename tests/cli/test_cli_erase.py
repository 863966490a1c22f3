"""``ledger erase``: what it says, what it asks, and what every other command says afterwards."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from void_audit.cli import erase as module

YES = "--reason 'asked for by the person shown' --yes"


def test_an_edit_goes_and_every_command_says_so(own):
    (edit,) = [row["edit"] for row in own.json("history")["edits"]]
    would = own.json(f"ledger erase {edit} --reason x --dry-run")
    assert (would["dry_run"], would["finished"], would["entries"]) == (True, False, [])
    size = own.json("ledger fsck")["entries"]
    said = own.json(f"ledger erase {edit} {YES}")
    assert (said["subject"], said["finished"], said["entries"]) == (f"edit:{edit}", True, [size])
    assert set(said["blobs"]) == set(would["blobs"])
    report = own.json("ledger fsck")
    assert (report["ok"], report["entries"]) == (True, size + 1)
    assert report["erased"] > 5
    assert "of them ERASED" in own("ledger fsck").output
    for line in (
        f"run {edit}",
        f"approve {edit} --as jimmy",
        f"plan {edit}",
        f"prompt accept {edit} --as lois",
    ):
        own.refused(line, 1, "blob-erased")
    own.refused(f"export {edit} --void out", 1, "blob-erased")
    own.refused(f"mask edit {edit} --as lois --cells 1,1 --to affected --frames 1", 1, "blob-erased")
    assert "prompt (ERASED)" in own(f"replay {edit}", 3).output
    own("verify clean.mp4")  # it carries its own copies


def test_history_says_erased_by_which_entry_and_why(own):
    (edit,) = [row["edit"] for row in own.json("history")["edits"]]
    (entry,) = own.json(f"ledger erase {edit} {YES}")["entries"]
    told = own.json(f"history {edit}")["records"]
    why = f"ERASED (entry {entry}: asked for by the person shown)"
    assert f"instruction: {why}" in next(line for line in told if line["what"] == "intent")["why"]
    assert told[-1]["what"] == "erasure"
    assert told[-1]["why"][1] == "reason: asked for by the person shown"
    assert not any("not at hand" in text for line in told for text in line["why"])
    assert "instruction: ERASED" in own(f"history {edit}").output
    assert own.json("history")["edits"][0]["last"] == f"seal, ERASED (entry {entry})"
    instruction = "instruction: ERASED"
    assert instruction not in own("history clean.mp4").output  # the file still says it


def test_pictures_go_if_asked_for(own):
    (edit,) = [row["edit"] for row in own.json("history")["edits"]]
    kept = own.json(f"ledger erase {edit} {YES}")["kept"]
    assert kept
    said = own.json(f"ledger erase {edit} {YES} --media")
    assert set(kept) <= set(said["blobs"])
    assert said["kept"] == []
    own("ledger fsck")
    own.refused(f"mask export {edit} --out mask.mkv", 1, "blob-erased")


def test_a_bundle_of_an_erased_edit_cannot_tell(own):
    (edit,) = [row["edit"] for row in own.json("history")["edits"]]
    (entry,) = own.json(f"ledger erase {edit} {YES}")["entries"]
    own(f"bundle {edit} --out erased.zip")
    report = own.json("verify erased.zip", 3)
    states = {f["obligation"]: f for f in report["findings"]}
    assert states[8]["state"] == "cannot tell"
    assert f"ERASED by entry {entry}" in states[8]["detail"]
    assert "fail" not in {f["state"] for f in report["findings"]}
    assert f"ERASED (entry {entry}" in own("history erased.zip").output


def test_a_name_goes_and_the_key_stays(own):
    keys = {row["name"]: row for row in own.json("keys list")["keys"]}
    said = own.json(f"ledger erase lois {YES}")
    assert said["subject"] == f"key:{keys['lois']['key']}"
    rows = {row["key"]: row for row in own.json("keys list")["keys"]}
    row = rows[keys["lois"]["key"]]
    assert (row["name"], row["name_erased"], row["roles"]) == (None, said["entries"][0], ["editor"])
    shown = own("keys list").output
    assert "lois" not in shown
    assert f"ERASED (entry {said['entries'][0]})" in shown
    (edit,) = [row["edit"] for row in own.json("history")["edits"]]
    assert "lois" not in own(f"history {edit}").output
    own.planned("another")  # the key still signs
    own("ledger fsck")
    assert own.json(f"ledger erase {keys['lois']['key'][:16]} {YES}")["entries"] == said["entries"]


@pytest.mark.parametrize(
    ("line", "code", "error"),
    [
        ("ledger erase {edit} --reason x", 2, "erase-unconfirmed"),
        ("ledger erase nobody --reason x --yes", 2, "subject-unknown"),
        ("ledger erase ../x --reason x --dry-run", 2, "subject-unknown"),
        ("ledger erase {edit} --reason '' --yes", 2, "reason-unusable"),
        ("ledger erase {edit} --reason x --yes --as lois", 4, "role-missing"),
        ("ledger erase {edit} --reason x --yes --as perry", 4, "role-missing"),
        ("ledger erase {edit} --reason x --yes --as nobody", 2, "person-unknown"),
    ],
)
def test_what_is_refused(own, line, code, error):
    (edit,) = [row["edit"] for row in own.json("history")["edits"]]
    own.refused(line.format(edit=edit), code, error)
    assert own.json("ledger fsck")["erased"] == 0
    own(f"replay {edit}")


def test_a_reason_must_be_given(own):
    assert "--reason" in own("ledger erase x", 2).output


def test_it_is_asked_at_the_terminal_and_no_is_no(own, monkeypatch):
    (edit,) = [row["edit"] for row in own.json("history")["edits"]]
    asked, answers = [], iter([False, True])
    terminal = SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(module, "sys", terminal)
    monkeypatch.setattr(module.typer, "confirm", lambda text, err: asked.append(text) or next(answers))
    said = own(f"ledger erase {edit} --reason x", 2)
    assert "Would go: 14 blob(s)" in said.stdout
    assert "erase-unconfirmed" in said.stderr
    assert own.json("ledger fsck")["erased"] == 0
    assert own.json(f"ledger erase {edit} --reason x", 2)["error"]["code"] == "erase-unconfirmed"
    assert len(asked) == 1  # a program is not asked
    own(f"ledger erase {edit} --reason x")
    assert own.json("ledger fsck")["erased"] > 0
    own(f"ledger erase {edit} --reason x")  # nothing is left to ask about
    assert asked == ["Erase it for good?"] * 2


def test_it_says_plainly_what_goes_and_what_stays(own):
    (edit,) = [row["edit"] for row in own.json("history")["edits"]]
    would = own(f"ledger erase {edit} --reason x --dry-run").output
    assert f"Would go: 14 blob(s) of edit:{edit}" in would
    assert "--media erases them" in would
    assert "Out of reach: files that were delivered elsewhere" in would
    done = own(f"ledger erase {edit} {YES} --media").output
    assert f"ERASED edit:{edit}" in done
    assert "on record at entry 22." in done
    assert "--media" not in done


def test_an_edit_that_is_not_finished_is_said_to_end(begun):
    assert "this ends it" in begun(f"ledger erase {begun.edit} --reason x --dry-run").output
    begun(f"ledger erase {begun.edit} {YES}")
    begun.refused(f"run {begun.edit}", 1, "blob-erased")
    assert begun.planned() != begun.edit
