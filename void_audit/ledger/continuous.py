"""Exports after each append, in the background: a slow bucket must not slow an edit, a broken one not stop it."""

from __future__ import annotations

from collections.abc import Callable
from threading import Condition, Thread

from void_audit.errors import StorageError, VoidAuditError

PAUSE = 0.2
"""Seconds in which further appends become part of the same export."""

PATIENCE = 15.0
"""Seconds that ``close`` waits for what is under way: every command that writes waits so long for a dead bucket."""


class ContinuousExport:
    """Runs an export whenever it was signalled, one at a time, in a daemon thread of its own."""

    def __init__(self, export: Callable[[], object], pause: float = PAUSE) -> None:
        """Nothing runs before the first signal.

        Args:
            export: brings the target up to date; raises a VoidAuditError if it cannot.
            pause: seconds between a signal and the export.
        """
        self._export, self._pause = export, pause
        self._changed = Condition()
        self._wanted = self._closing = False
        self._thread: Thread | None = None
        self._failure: VoidAuditError | None = None

    def signal(self) -> None:
        """Something was published. Returns at once, and never fails."""
        with self._changed:
            self._wanted = True
            if self._thread is None:
                self._thread = Thread(target=self._run, name="evidence", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def close(self, patience: float = PATIENCE) -> VoidAuditError | None:
        """Export what was signalled, then stop; signals after that begin anew.

        Returns:
            Why the newest export did not succeed, or None if it did.
        """
        with self._changed:
            thread, self._closing = self._thread, True
            self._changed.notify_all()
        if thread is not None:
            thread.join(patience)
        if thread is not None and thread.is_alive():
            return StorageError(
                "evidence-late", "The export is not done yet.", "It goes on with the next command."
            )
        with self._changed:
            self._thread, self._closing = None, False
            return self._failure

    def _run(self) -> None:
        while self._next():
            failure: VoidAuditError | None = None
            try:
                self._export()
            except VoidAuditError as error:
                failure = error
            except Exception as error:  # noqa: BLE001 - a thread that dies would be silent
                failure = StorageError(
                    "evidence-failed",
                    f"The export broke off: {type(error).__name__}: {error}.",
                    "It is tried again.",
                )
            self._failure = failure

    def _next(self) -> bool:
        """Wait for work. False: there is none left, and there is to be no more."""
        with self._changed:
            self._changed.wait_for(lambda: self._wanted or self._closing)
            if not self._wanted:
                return False
            self._changed.wait_for(lambda: self._closing, self._pause)
            self._wanted = False
            return True
