"""Whose passphrase opens what, and who is asked for it."""

from __future__ import annotations

import sys

import pytest
import typer
from cli.terminal import Terminal

from void_audit.cli.session import prompting, read_passphrase, working, workspace_at
from void_audit.errors import IdentityError
from void_audit.settings import Environment


def asked(monkeypatch, *answers):
    """A person at the terminal who types these."""
    given, prompts = list(answers), []

    def prompt(text, **kwargs):
        prompts.append(text)
        return given.pop(0)

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(typer, "prompt", prompt)
    return prompts


def test_the_environment_comes_first_and_its_own_variable_before_the_common_one(monkeypatch):
    prompts = asked(monkeypatch)
    variables = {"VOID_AUDIT_PASSPHRASE": "common", "VOID_AUDIT_PASSPHRASE_CAT_GRANT": "own"}
    ask = prompting(Environment(variables), lambda holder: True)
    assert (ask("cat-grant"), ask("lois")) == ("own", "common")
    assert prompts == []


def test_a_person_is_asked_once_and_only_for_an_encrypted_key(monkeypatch):
    prompts = asked(monkeypatch, "typed")
    ask = prompting(Environment({}), lambda holder: holder == "lois")
    assert [ask("lois"), ask("lois"), ask("perry")] == ["typed", "typed", None]
    assert prompts == ["Passphrase of lois"]


def test_where_nobody_can_be_asked(monkeypatch):
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    with pytest.raises(IdentityError) as caught:
        read_passphrase("Passphrase of lois")
    assert caught.value.code == "passphrase-needed"
    assert "VOID_AUDIT_PASSPHRASE" in caught.value.hint


def test_the_workspace_is_the_one_named(tmp_path, monkeypatch):
    monkeypatch.setenv("VOID_AUDIT_WORKSPACE", str(tmp_path / "named"))
    monkeypatch.setenv("VOID_AUDIT_MODELS", str(tmp_path / "models"))
    assert workspace_at(None).folder == tmp_path / "named"
    assert workspace_at(tmp_path / "option").folder == tmp_path / "option"
    assert workspace_at(None).models == tmp_path / "models"


@pytest.mark.parametrize(("quiet", "lines"), [(False, "  a stage: 2/2\n"), (True, "")])
def test_without_a_terminal_a_stage_is_one_line_when_it_ends(capsys, tmp_path, quiet, lines):
    with working(workspace_at(tmp_path), quiet) as busy:
        for done in (0, 1, 2, 2):
            busy.progress("a stage", done, 2)
    assert capsys.readouterr().err == lines


def test_a_long_stage_says_now_and_then_how_long_it_will_take(capsys, tmp_path, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("void_audit.cli.session.time.monotonic", lambda: clock[0])
    with working(workspace_at(tmp_path), quiet=False) as busy:
        for done in range(11):  # resumed at the third of ten steps, 20 s each
            clock[0] += 20
            if done >= 3:
                busy.progress("denoising", done, 10)
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "  denoising: 4/10, about 2 min left"
    assert said[-2:] == ["  denoising: 8/10, about 40 s left", "  denoising: 10/10"]
    assert len(said) == 4


@pytest.fixture(scope="module")
def locked(tmp_path_factory):
    """An encrypted workspace, once: deriving a key from a passphrase is slow on purpose."""
    terminal = Terminal(tmp_path_factory.mktemp("locked"))
    key = {"VOID_AUDIT_PASSPHRASE": "right horse"}
    assert terminal.json("init --admin chief", **key)["encrypted"] is True
    terminal("keys add lois --role editor", **key, VOID_AUDIT_PASSPHRASE_LOIS="her own")
    terminal.request()
    return terminal


class TestEncrypted:
    """Keys with passphrases."""

    def test_every_key_is_encrypted(self, locked):
        keys = list((locked.folder / ".void-audit" / "keys").rglob("*.pem"))
        assert len(keys) == 4
        assert all(b"ENCRYPTED" in key.read_bytes() for key in keys)
        assert all(key.stat().st_mode & 0o077 == 0 for key in keys)

    def test_without_a_passphrase(self, locked):
        locked.refused("plan request", 2, "passphrase-needed")
        locked.refused("init --workspace elsewhere", 2, "passphrase-needed")

    def test_with_the_wrong_one(self, locked):
        locked.refused("plan request", 2, "passphrase-wrong", VOID_AUDIT_PASSPHRASE="wrong horse")

    def test_with_anothers(self, locked):
        message = locked.refused("plan request", 2, "passphrase-wrong", VOID_AUDIT_PASSPHRASE="right horse")
        assert "lois" in message

    def test_with_the_right_ones(self, locked):
        said = locked.json(
            "plan request", VOID_AUDIT_PASSPHRASE="right horse", VOID_AUDIT_PASSPHRASE_LOIS="her own"
        )
        assert said["approvals_missing"] == 1

    def test_reading_needs_none(self, locked):
        for line in ("keys list", "history", "ledger fsck", "ledger checkpoint", "policy check request"):
            locked(line)
