"""``init``: a workspace, whole or not at all, and honest about its roots."""

from __future__ import annotations

import shlex

import pytest

from void_audit.audit.evidence import Pins
from void_audit.canon.note import VerifierKey
from void_audit.canon.roots import check_roots
from void_audit.cli import workspace


def test_what_it_makes_and_says(terminal):
    said = terminal.json(
        "init --no-passphrase --organisation 'Daily Planet' --admin perry --pack base --pack news"
    )
    assert said["organisation"] == "Daily Planet"
    assert said["packs"] == ["base", "news"]
    assert said["encrypted"] is False
    assert said["self_made_roots"] is True
    root, key = said["trust"]
    with open(root) as pem, open(key) as vkey:  # noqa: PTH123
        pins = Pins(pem.read(), vkey.read().strip())
    check_roots(pins.trust_pem)
    assert str(VerifierKey.parse(pins.log_vkey)) == said["log"]
    people = terminal.json("keys list")["keys"]
    assert [(p["name"], p["roles"]) for p in people] == [("perry", ["admin"]), ("machine", ["machine"])]
    assert terminal.json("ledger fsck")["ok"] is True


def test_people_are_told_that_the_roots_are_self_made_and_the_keys_open(terminal):
    said = terminal("init --no-passphrase").output
    assert "self-made" in said
    assert "NOT encrypted" in said
    assert "--no-passphrase" in said


def test_a_second_time(terminal):
    terminal("init --no-passphrase")
    before = {p: p.read_bytes() for p in terminal.folder.rglob("*") if p.is_file()}
    terminal.refused("init --no-passphrase --admin other", 2, "workspace-exists")
    assert {p: p.read_bytes() for p in terminal.folder.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("name", ["../evil", "", "a b", "x" * 65, "-f"])
def test_an_administrator_without_a_usable_name(terminal, name):
    result = terminal(f"init --no-passphrase --admin={name!r}", 2)
    assert "name-unusable" in result.stderr
    assert not list(terminal.folder.iterdir())


def test_an_organisation_of_any_script(terminal):
    terminal("init --no-passphrase --organisation '日刊惑星 + Söhne'")
    origin = terminal("ledger checkpoint").output.split("\n")[0]
    assert origin.endswith("/void-audit/0")
    assert " " not in origin
    assert "+" not in origin


@pytest.mark.parametrize("name", [" ", "x" * 65, "evil \u202e name", "a\nb"])
def test_an_organisation_that_cannot_stand_in_a_certificate(terminal, name):
    terminal.refused(f"init --no-passphrase --organisation {shlex.quote(name)}", 2, "organisation-unusable")
    assert not list(terminal.folder.iterdir())


@pytest.mark.parametrize("option", ["--organisation ''", "--pack ''", f"--organisation {'x' * 300}"])
def test_settings_of_impossible_length(terminal, option):
    terminal.refused(f"init --no-passphrase {option}", 2, "settings-invalid")
    assert not list(terminal.folder.iterdir())


def test_interrupted_it_leaves_nothing_and_can_be_repeated(terminal, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(workspace, "create_sealing_chain", lambda *a: (_ for _ in ()).throw(KeyboardInterrupt))
        terminal("init --no-passphrase", 130)
    assert not list(terminal.folder.iterdir())
    (terminal.folder / ".void-audit.new").mkdir()  # as a kill would leave it
    terminal("init --no-passphrase")
    assert [p.name for p in terminal.folder.iterdir()] == [".void-audit"]


def test_a_place_that_cannot_be_made(terminal):
    (terminal.folder / "file").write_text("in the way")
    terminal(f"init --no-passphrase -w {terminal.folder / 'file' / 'ws'}", 2)


def test_an_unknown_pack_is_found_when_it_is_used(terminal):
    terminal("init --no-passphrase --pack nonsense")
    terminal.request()
    terminal.refused("policy check request --requester lois", 2, "pack-missing")


def test_an_administrator_with_a_passphrase_apart_is_enrolled_under_that_one(terminal):
    apart = {"VOID_AUDIT_PASSPHRASE": "of the house", "VOID_AUDIT_PASSPHRASE_PERRY": "of perry"}
    terminal("init --admin perry", **apart)
    terminal("keys add lois --role editor", **apart)
    same = {"VOID_AUDIT_PASSPHRASE": "of the house"}
    terminal.refused("keys add jimmy --role approver", 2, "passphrase-wrong", **same)
