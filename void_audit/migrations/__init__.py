"""Alembic migrations of the ledger's database, shipped with the package.

``entry``, ``node``, ``checkpoint`` and ``log`` are frozen: a later migration may only add tables or change
projections, which are rebuilt from entry bytes. Never rebuild a frozen table (``batch_alter_table`` would
silently drop its triggers); the tests compare every migrated database with a fresh one.
"""
