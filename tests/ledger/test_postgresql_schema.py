from __future__ import annotations

import pytest
from conftest_ledger import TeamHome
from postgres import OWNER, Server

from void_audit.ledger.postgresql import PostgresqlDatabase
from void_audit.ledger.postgresql_schema import describe, recorded


def test_a_fresh_database_is_as_recorded(team: TeamHome, server: Server) -> None:
    """If a migration changed the schema on purpose: write what this says into ``postgresql_schema.txt``."""
    database = PostgresqlDatabase(server.url(team.name, OWNER), writable=True, owner=True)
    with database.read() as connection:
        assert describe(connection) == list(recorded())
    database.close()


CHANGES = {
    "trigger dropped": "DROP TRIGGER entry_no_update ON entry",
    "trigger disabled": "ALTER TABLE entry DISABLE TRIGGER entry_no_delete",
    "trigger not for replicas": "ALTER TABLE entry ENABLE TRIGGER entry_no_delete",
    "trigger added": "CREATE TRIGGER skip BEFORE INSERT ON entry FOR EACH ROW EXECUTE FUNCTION entry_insert()",
    "function replaced": "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RETURN NULL; END $$",
    "rule": "CREATE RULE hide AS ON INSERT TO record DO INSTEAD NOTHING",
    "child table": "CREATE TABLE extra () INHERITS (entry)",
    "row security": "ALTER TABLE entry ENABLE ROW LEVEL SECURITY",
    "policy": "CREATE POLICY hide ON entry USING (idx < 3)",
    "column": "ALTER TABLE entry ADD COLUMN note text",
    "default": "ALTER TABLE record ALTER COLUMN kind SET DEFAULT 'seal'",
    "null": "ALTER TABLE entry ALTER COLUMN body DROP NOT NULL",
    "check": "ALTER TABLE entry DROP CONSTRAINT entry_body_check",
    "check not validated": "ALTER TABLE node ADD CONSTRAINT more CHECK (level > 1) NOT VALID",
    "index": "DROP INDEX record_edit",
    "index invalid": "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'record_edit'::regclass",
    "view": "CREATE VIEW entries AS SELECT * FROM entry",
    "unlogged": "ALTER TABLE entry SET UNLOGGED",
    "type": "ALTER TABLE checkpoint ALTER COLUMN note TYPE varchar(9000)",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_every_change_of_the_schema_is_found(team: TeamHome, change: str) -> None:
    team.create().close()
    assert team.codes() == set()
    team.sql(change)
    assert "schema-changed" in team.codes()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("GRANT UPDATE ON entry TO newsroom", "schema-grant"),
        ("GRANT UPDATE (body) ON entry TO newsroom", "schema-grant"),
        ("GRANT SELECT ON entry TO PUBLIC", "schema-grant"),
        ("GRANT INSERT ON alembic_version TO newsroom", "schema-grant"),
        ("GRANT CREATE ON SCHEMA void_audit TO newsroom", "schema-grant"),
        ("ALTER TABLE record OWNER TO newsroom", "schema-owner"),
        ("ALTER FUNCTION refuse() OWNER TO newsroom", "schema-owner"),
        ("ALTER SCHEMA void_audit OWNER TO newsroom", "schema-owner"),
    ],
)
def test_every_right_too_many_is_found(team: TeamHome, change: str, code: str) -> None:
    team.create().close()
    team.sql(change)
    assert code in team.codes()


def test_another_reader_is_no_fault(team: TeamHome, server: Server) -> None:
    team.create().close()
    auditor = f"auditor_{team.name}"
    server.sql(f"CREATE ROLE {auditor} LOGIN")
    team.sql(
        f"GRANT USAGE ON SCHEMA void_audit TO {auditor}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA void_audit TO {auditor}",
    )
    assert team.fsck().ok
