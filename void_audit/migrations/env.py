"""Alembic's entry point: runs inside the transaction of the connection that ``ledger.database`` passes."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
context.run_migrations()
