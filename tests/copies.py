"""Copies of workspaces and ledgers that may be written to."""

from __future__ import annotations

import shutil
from pathlib import Path

from void_audit.ledger.mark import adopt_mark


def copy_place(source: Path, target: Path) -> Path:
    """Copy a folder, and state for every log in it that the copy is the one that signs: in a test it is."""
    shutil.copytree(source, target, dirs_exist_ok=True)
    for mark in target.rglob("log.mark"):
        adopt_mark(mark)
    return target
