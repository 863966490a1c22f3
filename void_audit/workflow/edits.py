"""The folders in which edits are worked on. They hold nothing that the ledger and the blobs do not prove."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from void_audit.errors import OrderError, WorkspaceError
from void_audit.ledger.durable import make_folder, replacing, storage_error, storage_errors, sync_folder

FINGERPRINT = "request.sha256"
LOCK = "lock"
BEGINNING, BEGINNING_SECONDS = ".beginning.lock", 60.0
"""Held while the edit of a request is looked for or created, and how long it is waited for."""
FORGOTTEN = "erased"
"""In place of the fingerprint: no request is the one that was erased."""


class EditFolders:
    """``edits/<id>/`` folders: a fingerprint of the request, a lock, working files, the finished output."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, edit: str) -> Path:
        """The folder of a known edit. Raises WorkspaceError ``edit-unknown``."""
        folder = self.root / edit
        if not _is_id(edit) or not folder.is_dir():
            raise WorkspaceError(
                "edit-unknown",
                f"No edit {edit!r} in {self.root}.",
                "`void-audit history` lists them; a request is named by its folder, which must exist.",
            )
        return folder

    def ids(self) -> list[str]:
        """All edits, oldest first."""
        if not self.root.is_dir():
            return []
        folders = [p for p in self.root.iterdir() if _is_id(p.name) and (p / FINGERPRINT).is_file()]
        return [p.name for p in sorted(folders, key=lambda p: (p / FINGERPRINT).stat().st_mtime)]

    def with_fingerprint(self, fingerprint: str) -> list[str]:
        """Edits begun for exactly this request, newest first."""
        return [e for e in reversed(self.ids()) if (self.root / e / FINGERPRINT).read_text() == fingerprint]

    def create(self, fingerprint: str) -> str:
        """A new edit. The folder appears whole and durably, or not at all. Raises StorageError ``storage-*``."""
        edit = secrets.token_hex(6)
        staging = self.root / f".{edit}.new"
        with storage_errors(self.root):
            try:
                make_folder(staging)
                with replacing(staging / FINGERPRINT) as stream:
                    stream.write(fingerprint.encode())
                staging.rename(self.root / edit)
                sync_folder(self.root)
            finally:
                shutil.rmtree(staging, ignore_errors=True)
        return edit

    def forget(self, edit: str) -> None:
        """Take everything out of an edit's folder, also what was delivered there. Call under the edit's lock.

        Raises:
            StorageError: ``storage-*``.
        """
        folder = self.root / edit
        if not _is_id(edit) or not folder.is_dir():
            return
        with storage_errors(folder):
            with replacing(folder / FINGERPRINT) as stream:
                stream.write(FORGOTTEN.encode())
            for left in folder.iterdir():
                if left.is_dir() and not left.is_symlink():
                    shutil.rmtree(left)
                elif left.name not in {FINGERPRINT, LOCK}:
                    left.unlink()
            sync_folder(folder)

    @contextmanager
    def lock(self, edit: str) -> Iterator[None]:
        """Only one process works on an edit at a time.

        Raises:
            OrderError: ``edit-busy``.
            StorageError: ``storage-*`` if the folder cannot be written.
        """
        busy = OrderError(
            "edit-busy", f"Another process is working on edit {edit}.", "Wait for it, or stop it."
        )
        with _held(self.path(edit) / LOCK, 0, busy):
            yield

    @contextmanager
    def beginning(self) -> Iterator[None]:
        """Within, nobody else looks for the edit of a request or creates it: one request never becomes two edits.

        Raises:
            OrderError: ``edit-busy`` if others keep beginning edits for a minute.
            StorageError: ``storage-*`` if the folder cannot be written.
        """
        busy = OrderError("edit-busy", "Another process is beginning an edit.", "Try again.")
        with storage_errors(self.root):
            make_folder(self.root)
        with _held(self.root / BEGINNING, BEGINNING_SECONDS, busy):
            yield


@contextmanager
def _held(path: Path, seconds: float, busy: OrderError) -> Iterator[None]:
    lock = FileLock(path, timeout=seconds)
    try:
        lock.acquire()
    except Timeout:
        raise busy from None
    except OSError as error:
        raise storage_error(path.parent, error) from error
    try:
        yield
    finally:
        lock.release()


def _is_id(name: str) -> bool:
    """Whether this may be an edit: a folder that a kill left half made has a dot in its name."""
    return name.isalnum() and len(name) <= 64
