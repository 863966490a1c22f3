"""Threads that want the same costly step at once take it together.

The first one leads: it takes the whole queue through the step, hands everybody its result, and passes the lead to the
next one that waits. No thread of its own that could die, leak, or have to be stopped.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from void_audit.errors import StorageError, VoidAuditError

Item = TypeVar("Item")
Result = TypeVar("Result")


class _Ticket(Generic[Item, Result]):
    """One item, its outcome, and how its thread is woken."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.outcome: Result | BaseException | None = None
        self.leads = False
        self._gate = threading.Lock()
        self._gate.acquire()

    def wait(self) -> None:
        self._gate.acquire()

    def wake(self) -> None:
        self._gate.release()


class Combiner(Generic[Item, Result]):
    """Runs ``work`` on groups of items, one group at a time, in the order in which they came."""

    def __init__(self, work: Callable[[Sequence[Item]], Sequence[Result | VoidAuditError]]) -> None:
        """Give the step that is shared.

        Args:
            work: from the items of a group to a result, or an error of its own, for each. What it raises, every
                caller of the group gets.
        """
        self._work = work
        self._guard = threading.Lock()
        self._queue: list[_Ticket[Item, Result]] = []
        self._led = False

    def submit(self, item: Item) -> Result:
        """The result of ``item``, once a group with it has been through.

        Raises:
            StorageError: ``ledger-interrupted`` if the thread that led the group was stopped in the middle.
            Exception: whatever ``work`` raised or gave for it.
        """
        ticket = _Ticket[Item, Result](item)
        with self._guard:
            self._queue.append(ticket)
            ticket.leads = not self._led
            self._led = True
        try:
            if not ticket.leads:
                ticket.wait()
            if ticket.leads:
                self._lead()
        finally:
            self._leave(ticket)
        if isinstance(ticket.outcome, BaseException):
            raise ticket.outcome
        assert ticket.outcome is not None  # noqa: S101 - for the type checker
        return ticket.outcome

    def _lead(self) -> None:
        """Take everything that waits through the step, this thread's own item with it."""
        with self._guard:
            group, self._queue = self._queue, []
        outcomes: Sequence[Result | BaseException] = [_interrupted()] * len(group)
        try:
            outcomes = self._work([ticket.item for ticket in group])
        except Exception as error:  # noqa: BLE001 - it belongs to every caller
            outcomes = [error] * len(group)
        finally:
            for ticket, outcome in zip(group, outcomes, strict=True):
                ticket.outcome = outcome
                if not ticket.leads:
                    ticket.wake()

    def _leave(self, ticket: _Ticket[Item, Result]) -> None:
        """Pass the lead on; take back what nobody has begun with (its thread was stopped while it waited)."""
        with self._guard:
            if ticket in self._queue:
                self._queue.remove(ticket)
            if not ticket.leads:
                return
            self._led = bool(self._queue)
            if self._queue:
                self._queue[0].leads = True
                self._queue[0].wake()


def _interrupted() -> StorageError:
    return StorageError(
        "ledger-interrupted",
        "The thread that wrote this was stopped in the middle.",
        "Look whether the entry is there; if not, append it again.",
    )
