"""A ledger in PostgreSQL from the command line: ``ledger prepare``, ``init --database``, and what follows."""

from __future__ import annotations

import pytest
from postgres import OWNER, PASSWORD, ROLE, Server


@pytest.fixture
def urls(server: Server) -> tuple[str, str]:
    """Of the owner and of the application, of a database that nobody has prepared."""
    name = server.new_database()
    return f'"{server.url(name, OWNER)}"', f'"{server.url(name)}"'


def test_a_ledger_in_postgresql_from_start_to_finish(terminal, urls):
    owner, url = urls
    terminal.refused(f"init --no-passphrase --database {url}", 2, "database-older")
    assert not (terminal.folder / ".void-audit").exists()
    done = terminal.json(f"ledger prepare --database {owner} --role {ROLE}")
    assert (done["before"], done["role"], done["owner"]) == (None, ROLE, OWNER)
    said = terminal.json(f"init --no-passphrase --database {url}")
    assert said["database"] == url.strip('"')
    assert not (terminal.folder / ".void-audit" / "ledger").exists()
    terminal("keys add bob --role editor")
    report = terminal.json("ledger fsck")
    assert (report["ok"], report["entries"]) == (True, 3)
    assert [p["name"] for p in terminal.json("keys list")["keys"]] == ["admin", "machine", "bob"]


def test_preparing_says_what_it_granted(terminal, urls):
    owner, _ = urls
    first = terminal(f"ledger prepare --database {owner} --role {ROLE}").output
    assert "GRANT INSERT ON void_audit.log" in first
    assert "neither change nor remove" in first
    assert "as before" in terminal(f"ledger prepare --database {owner} --role {ROLE}").output


def test_two_workspaces_do_not_share_a_database(terminal, urls):
    owner, url = urls
    terminal(f"ledger prepare --database {owner} --role {ROLE}")
    terminal(f"init --no-passphrase --database {url}")
    terminal.refused(f"init --no-passphrase --database {url} --workspace other", 2, "ledger-exists")
    assert not (terminal.folder / "other").exists()


@pytest.mark.parametrize("command", ["init --no-passphrase", f"ledger prepare --role {ROLE}"])
def test_a_password_is_not_taken_from_the_command_line(terminal, command):
    line = f"{command} --database postgresql://me:sesame@127.0.0.1/log"
    assert "sesame" not in terminal.refused(line, 2, "database-url-password")
    assert "PGPASSWORD" in terminal(line, 2).output
    assert not (terminal.folder / ".void-audit").exists()


def test_a_role_that_is_too_strong_makes_no_workspace(terminal, urls):
    owner, _ = urls
    terminal(f"ledger prepare --database {owner} --role {ROLE}")
    terminal.refused(f"init --no-passphrase --database {owner}", 2, "database-role-too-strong")
    assert not (terminal.folder / ".void-audit").exists()


def test_a_server_that_cannot_be_reached_is_not_taken_for_damage(terminal, server, urls, monkeypatch):
    owner, url = urls
    terminal(f"ledger prepare --database {owner} --role {ROLE}")
    name = url.strip('"').partition("@/")[2].partition("?")[0]
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    terminal(f"init --no-passphrase --database {server.tcp_url(name)}")
    assert terminal("ledger fsck").exit_code == 0
    monkeypatch.setenv("PGPASSWORD", "wrong sesame")
    assert "sesame" not in terminal.refused("ledger fsck", 2, "database-authentication")


def test_a_workspace_whose_settings_hold_a_password_is_refused(terminal, urls):
    owner, url = urls
    terminal(f"ledger prepare --database {owner} --role {ROLE}")
    terminal(f"init --no-passphrase --database {url}")
    settings = terminal.folder / ".void-audit" / "settings.toml"
    settings.write_text(settings.read_text().replace("newsroom@", "newsroom:sesame@"))
    assert "sesame" not in terminal.refused("ledger fsck", 2, "database-url-password")


def test_only_the_owner_makes_projections_again(terminal, server, urls):
    owner, url = urls
    terminal(f"ledger prepare --database {owner} --role {ROLE}")
    terminal(f"init --no-passphrase --database {url}")
    name = url.strip('"').partition("@/")[2].partition("?")[0]
    server.sql("DELETE FROM void_audit.record WHERE idx = 1", database=name)
    assert terminal.json("ledger fsck", 1)["problems"][0]["code"] == "record-wrong"
    terminal.refused("ledger rebuild", 2, "database-privileges")
    other = server.url(server.new_database(template="prepared_ledger"), OWNER)
    assert terminal(f'ledger rebuild --database "{other}"', 1).exit_code == 1
    terminal(f"ledger rebuild --database {owner}")
    assert terminal.json("ledger fsck")["ok"] is True
