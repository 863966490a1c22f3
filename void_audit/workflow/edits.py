"""The folders in which edits are worked on. They hold nothing that the ledger and the blobs do not prove."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from void_audit.errors import OrderError, StorageError, WorkspaceError

FINGERPRINT = "request.sha256"


class EditFolders:
    """``edits/<id>/`` folders: a fingerprint of the request, a lock, working files, the finished output."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, edit: str) -> Path:
        """The folder of a known edit. Raises WorkspaceError ``edit-unknown``."""
        folder = self.root / edit
        if not edit.isalnum() or not folder.is_dir():
            raise WorkspaceError(
                "edit-unknown", f"No edit {edit!r} in {self.root}.", "`void-audit history` lists them."
            )
        return folder

    def ids(self) -> list[str]:
        """All edits, oldest first."""
        if not self.root.is_dir():
            return []
        folders = [p for p in self.root.iterdir() if (p / FINGERPRINT).is_file()]
        return [p.name for p in sorted(folders, key=lambda p: (p / FINGERPRINT).stat().st_mtime)]

    def with_fingerprint(self, fingerprint: str) -> list[str]:
        """Edits begun for exactly this request, newest first."""
        return [e for e in reversed(self.ids()) if (self.root / e / FINGERPRINT).read_text() == fingerprint]

    def create(self, fingerprint: str) -> str:
        """A new edit. The folder appears whole or not at all."""
        edit = secrets.token_hex(6)
        try:
            staging = self.root / f".{edit}.new"
            staging.mkdir(parents=True)
            (staging / FINGERPRINT).write_text(fingerprint)
            staging.rename(self.root / edit)
        except OSError as error:
            raise StorageError(
                "storage-unwritable", f"{self.root} cannot be written: {error.strerror}.", "Free or open it."
            ) from None
        return edit

    @contextmanager
    def lock(self, edit: str) -> Iterator[None]:
        """Only one process works on an edit at a time."""
        try:
            with FileLock(self.path(edit) / "lock", timeout=0):
                yield
        except Timeout:
            raise OrderError(
                "edit-busy", f"Another process is working on edit {edit}.", "Wait for it, or stop it."
            ) from None
