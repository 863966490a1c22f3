"""``verify`` and ``history``: exit codes, pins, receipts, and files that were never sealed here."""

from __future__ import annotations

import shutil

import pytest


def trust(desk) -> str:
    folder = desk.folder / ".void-audit" / "trust"
    return f"--trust {folder / 'root.pem'} --log-key {folder / 'log.vkey'}"


def test_with_the_pins_of_the_workspace(desk):
    said = desk.json("verify clean.mp4 --source request/clip.mp4")
    states = {f["obligation"]: f["state"] for f in said["findings"]}
    assert said["exit_code"] == 0
    assert {n for n, s in states.items() if s == "pass"} == {*range(13)} - {6}
    assert said["not_proven"]


def test_on_another_desk_with_pins_given(desk):
    desk(f"verify clean.mp4 {trust(desk)}", VOID_AUDIT_WORKSPACE="/nowhere")
    key = (desk.folder / ".void-audit" / "trust" / "log.vkey").read_text().strip()
    root = desk.folder / ".void-audit" / "trust" / "root.pem"
    desk(f"verify clean.mp4 --trust {root} --log-key '{key}'", VOID_AUDIT_WORKSPACE="/nowhere")


@pytest.mark.parametrize("pins", ["", "--trust ROOT", "--log-key KEY"])
def test_with_missing_pins_nobody_can_tell(desk, pins):
    folder = desk.folder / ".void-audit" / "trust"
    line = pins.replace("ROOT", str(folder / "root.pem")).replace("KEY", str(folder / "log.vkey"))
    result = desk(f"verify clean.mp4 {line}", 3, VOID_AUDIT_WORKSPACE="/nowhere")
    assert "CANNOT TELL" in result.output
    assert "VERIFIED" not in result.output


def test_pins_of_somebody_else(desk, terminal):
    terminal("init --no-passphrase --organisation 'Daily Planet'")
    other = terminal.folder / ".void-audit" / "trust"
    said = desk(f"verify clean.mp4 --trust {other / 'root.pem'} --log-key {other / 'log.vkey'}", 1).output
    assert "FAILED: obligation 1, 5" in said


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("--trust nowhere.pem", "pin-unreadable"),
        ("--trust clean.mp4", "pin-unreadable"),
        ("--trust request/edit.yaml", "trust-unreadable"),
        ("--log-key nowhere.vkey", "pin-unreadable"),
        ("--log-key request/edit.yaml", "log-key-unreadable"),
        ("--log-key a+b+c", "log-key-unreadable"),
    ],
)
def test_pins_that_are_none_are_a_mistake_of_usage_and_not_of_the_file(desk, line, code):
    desk.refused(f"verify clean.mp4 {line}", 2, code)


def test_tampered(desk, tmp_path):
    data = bytearray((desk.folder / "clean.mp4").read_bytes())
    data[data.index(b"mdat") + 100] ^= 1
    (tmp_path / "clean.mp4").write_bytes(data)
    said = desk(f"verify {tmp_path / 'clean.mp4'}", 1).output
    assert "FAILED: obligation 0" in said
    assert desk.json(f"verify {tmp_path / 'clean.mp4'}", 1)["exit_code"] == 1


def test_the_receipt(desk, tmp_path):
    shutil.copy(desk.folder / "clean.mp4", tmp_path / "moved.mp4")
    alone = desk.json(f"verify {tmp_path / 'moved.mp4'}")
    assert {f["obligation"]: f["state"] for f in alone["findings"]}[2] == "cannot tell"
    with_it = desk.json(f"verify {tmp_path / 'moved.mp4'} --receipt clean.mp4.receipt")
    assert {f["obligation"]: f["state"] for f in with_it["findings"]}[2] == "pass"


def test_a_source_that_is_not_the_source(desk):
    assert "FAILED: obligation 3" in desk("verify clean.mp4 --source clean.mp4", 1).output


def test_a_file_that_was_never_sealed(desk):
    said = desk("verify request/clip.mp4", 3).output
    assert "CANNOT TELL" in said
    assert "No C2PA manifest" in said


@pytest.mark.parametrize("what", ["nowhere.mp4", "request", ".", "/", "''"])
def test_what_is_no_file(desk, what):
    desk.refused(f"verify {what}", 2, "file-unreadable")
    desk.refused(f"verify clean.mp4 --source {what}", 2, "file-unreadable")


class TestHistory:
    def test_of_a_file(self, desk):
        said = desk.json("history clean.mp4")
        assert said["checked"] is False
        kinds = [r["what"] for r in said["records"] if r["what"] != "key-event"]
        assert kinds[0] == "source"
        assert kinds[-1] == "policy-decision"
        assert "Whether it holds: void-audit verify clean.mp4" in desk("history clean.mp4").output

    def test_of_a_file_on_another_desk_names_nobody(self, desk):
        said = desk("history clean.mp4", VOID_AUDIT_WORKSPACE="/nowhere").output
        assert "lois" not in said
        assert "instruction: Remove the box." in said

    def test_of_an_edit(self, desk):
        (edit,) = [e["edit"] for e in desk.json("history")["edits"] if e["last"] == "seal"]
        said = desk.json(f"history {edit}")
        assert said["checked"] is True
        assert said["records"][-1]["what"] == "seal"
        who = {r["what"]: r["who"] for r in said["records"]}
        assert (who["intent"], who["approval"], who["mask"]) == ("lois", "perry", "machine")

    def test_of_nothing(self, desk):
        desk.refused("history request/clip.mp4", 1, "records-missing")
        desk.refused("history 0123456789ab", 2, "edit-unknown")
        desk.refused("history nowhere.mp4", 2, "edit-unknown")
