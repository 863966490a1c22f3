from __future__ import annotations

import threading

import pytest
from conftest_ledger import TeamHome, envelope
from postgres import OWNER, ROLE, Server

from void_audit.errors import VoidAuditError
from void_audit.ledger.preparing import Prepared, prepare
from void_audit.ledger.tables import HEAD


def bare(team: TeamHome, server: Server) -> TeamHome:
    """A database that nobody prepared."""
    return TeamHome(team.root, server, server.new_database())


def owner(home: TeamHome) -> str:
    return home.server.url(home.name, OWNER)


def refused(home: TeamHome, role: str, code: str) -> None:
    with pytest.raises(VoidAuditError) as caught:
        prepare(owner(home), role)
    assert caught.value.code == code


def test_it_makes_what_the_ledger_needs_and_says_so(team: TeamHome, server: Server) -> None:
    home = bare(team, server)
    done = prepare(owner(home), ROLE)
    assert (done.owner, done.role, done.before, done.after) == (OWNER, ROLE, None, HEAD)
    assert any("GRANT INSERT" in statement for statement in done.statements)
    assert home.create().append([envelope(0)]) == [0]
    assert home.fsck().ok


def test_it_may_be_repeated_on_a_log_in_use(team: TeamHome) -> None:
    ledger = team.create()
    ledger.append([envelope(0)])
    done = prepare(owner(team), ROLE)
    assert (done.before, done.after) == (HEAD, HEAD)
    assert ledger.append([envelope(1)]) == [1]


def test_it_takes_back_what_is_too_much(team: TeamHome) -> None:
    team.create().close()
    team.sql("GRANT UPDATE, DELETE ON entry TO newsroom", "GRANT SELECT ON entry TO PUBLIC")
    assert "schema-grant" in team.codes()
    prepare(owner(team), ROLE)
    assert team.fsck().ok


@pytest.mark.parametrize(
    ("role", "code"),
    [("nobody_here", "database-role-missing"), ("", "database-role-missing"),
     ('x"; DROP SCHEMA void_audit; --', "database-role-missing"), ("postgres", "database-role-too-strong"),
     (OWNER, "database-role-too-strong")],
)  # fmt: skip
def test_not_every_role_will_do(team: TeamHome, server: Server, role: str, code: str) -> None:
    home = bare(team, server)
    refused(home, role, code)
    assert server.sql("SELECT to_regnamespace('void_audit')", database=home.name) == [(None,)]


def test_an_odd_name_is_a_name(team: TeamHome, server: Server) -> None:
    role = f'Büro "{team.name}" %s'
    quoted = role.replace('"', '""')
    server.sql(f'CREATE ROLE "{quoted}" LOGIN')
    prepare(owner(bare(team, server)), role)


def test_a_schema_that_somebody_changed_is_not_prepared(team: TeamHome) -> None:
    team.create().close()
    team.sql("DROP TRIGGER entry_no_update ON entry", "GRANT UPDATE ON entry TO newsroom")
    refused(team, ROLE, "migration-refused")
    assert "schema-grant" in team.codes()  # nothing was changed


def test_grants_to_others_are_shown_not_taken(team: TeamHome, server: Server) -> None:
    team.create().close()
    other = f"other_{team.name}"
    server.sql(f"CREATE ROLE {other}")
    team.sql(f"GRANT DELETE ON entry TO {other}")
    refused(team, ROLE, "migration-refused")


def test_two_at_once_take_turns(team: TeamHome, server: Server) -> None:
    home = bare(team, server)
    done: list[Prepared] = []
    threads = [threading.Thread(target=lambda: done.append(prepare(owner(home), ROLE))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(str(d.before) for d in done) == [HEAD, HEAD, "None"]
    assert home.create().append([envelope(0)]) == [0]


def test_the_application_cannot_prepare(team: TeamHome, server: Server) -> None:
    home = bare(team, server)
    with pytest.raises(VoidAuditError) as caught:
        prepare(server.url(home.name, ROLE), "postgres")
    assert caught.value.code == "database-role-too-strong"
    other = f"third_{team.name}"
    server.sql(f"CREATE ROLE {other}")
    with pytest.raises(VoidAuditError) as caught:
        prepare(server.url(home.name, ROLE), other)
    assert caught.value.code == "database-privileges"
