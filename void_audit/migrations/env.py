"""Alembic's entry point: runs inside the transaction of the connection that ``ledger.schema`` passes."""

from __future__ import annotations

from alembic import context

attributes = context.config.attributes
context.configure(
    connection=attributes["connection"], transactional_ddl=True, version_table_schema=attributes.get("schema")
)
context.run_migrations()
