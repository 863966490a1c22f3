"""Where the evidence of a workspace lies."""

from __future__ import annotations

import pytest
from cli.terminal import Terminal

from void_audit.cli.tiles import tiles_of, warn
from void_audit.errors import InputError
from void_audit.ledger.tile_store import LocalStore, RemoteStore


def test_the_place_that_the_settings_name(tmp_path):
    assert tiles_of(tmp_path, None).name == str(tmp_path / "evidence")
    assert tiles_of(tmp_path, "elsewhere").name == str(tmp_path / "elsewhere")
    assert tiles_of(tmp_path, "/mnt/disk").name == "/mnt/disk"
    assert isinstance(tiles_of(tmp_path, None), LocalStore)
    assert isinstance(tiles_of(tmp_path, "memory://bucket/x"), RemoteStore)
    with pytest.raises(InputError):
        tiles_of(tmp_path, "nosuch://bucket/x")


def test_a_warning_for_a_person(capsys):
    warn(None)
    assert capsys.readouterr().err == ""


def test_the_settings_move_the_evidence(terminal: Terminal, tmp_path):
    terminal("init --no-passphrase --admin chief")
    settings = terminal.folder / ".void-audit" / "settings.toml"
    settings.write_text(settings.read_text() + f'evidence = "{tmp_path}/disk"\n')
    terminal("keys add lois --role editor")
    assert (tmp_path / "disk" / "checkpoint").is_file()
    assert terminal.json("ledger fsck")["evidence"] == {
        "place": f"{tmp_path}/disk",
        "entries": 3,
        "behind": 0,
        "unread": None,
    }


def test_a_place_that_cannot_be_is_refused_before_anything_is_written(terminal: Terminal):
    terminal("init --no-passphrase --admin chief")
    settings = terminal.folder / ".void-audit" / "settings.toml"
    settings.write_text(settings.read_text() + 'evidence = "nosuch://bucket/x"\n')
    before = terminal.log_size()
    terminal.refused("keys add lois --role editor", 2, "evidence-place")
    assert terminal.log_size() == before
