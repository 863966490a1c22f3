"""Threads that share a step: everybody gets an answer of their own, whoever is stopped, and nobody waits for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import pytest

from void_audit.errors import OrderError, StorageError, VoidAuditError
from void_audit.ledger import combining
from void_audit.ledger.combining import Combiner


class Step:
    """Doubles numbers; holds the first group until it is let go."""

    def __init__(self, answer: Callable[[int], int | VoidAuditError] = lambda n: 2 * n) -> None:
        self.groups: list[list[int]] = []
        self.begun, self.go = threading.Event(), threading.Event()
        self.answer = answer
        self.combiner = Combiner[int, int](self)

    def __call__(self, group: Sequence[int]) -> list[int | VoidAuditError]:
        self.groups.append(list(group))
        self.begun.set()
        assert self.go.wait(10)
        return [self.answer(n) for n in group]

    def started(self, numbers: Sequence[int]) -> list[Caller]:
        """Threads in the order given, each in the queue before the next one starts."""
        callers = []
        for place, number in enumerate(numbers):
            callers.append(Caller(self.combiner, number))
            if place == 0:
                assert self.begun.wait(10)
            else:
                until(lambda place=place: len(self.combiner._queue) == place)
        return callers


class Caller(threading.Thread):
    def __init__(self, combiner: Combiner[int, int], number: int) -> None:
        super().__init__(daemon=True)
        self.combiner, self.number = combiner, number
        self.answer: object = None
        self.start()

    def run(self) -> None:
        try:
            self.answer = self.combiner.submit(self.number)
        except BaseException as error:  # noqa: BLE001 - it is what is looked at
            self.answer = error

    def said(self) -> object:
        self.join(10)
        assert not self.is_alive(), "it waits for ever"
        return self.answer


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_one_caller_goes_alone() -> None:
    step = Step()
    step.go.set()
    assert [step.combiner.submit(n) for n in (1, 2)] == [2, 4]
    assert step.groups == [[1], [2]]


def test_whoever_comes_meanwhile_goes_together_and_in_order() -> None:
    step = Step()
    callers = step.started([1, 2, 3, 4])
    step.go.set()
    assert [caller.said() for caller in callers] == [2, 4, 6, 8]
    assert step.groups == [[1], [2, 3, 4]]


def test_an_error_of_ones_own_is_nobody_elses() -> None:
    refused = OrderError("ledger-moved", "moved")
    step = Step(lambda n: refused if n == 3 else 2 * n)
    callers = step.started([1, 2, 3, 4])
    step.go.set()
    assert [caller.said() for caller in callers] == [2, 4, refused, 8]


def test_what_the_step_raises_reaches_all_of_its_group_and_no_other() -> None:
    full = StorageError("storage-full", "full")

    def answer(number: int) -> int:
        if number == 3:
            raise full
        return 2 * number

    step = Step(answer)
    callers = step.started([1, 2, 3, 4])
    step.go.set()
    assert [caller.said() for caller in callers] == [2, full, full, full]
    assert step.combiner.submit(5) == 10


def test_a_leader_that_is_stopped_leaves_nobody_waiting() -> None:
    def answer(number: int) -> int:
        if number == 2:
            raise KeyboardInterrupt
        return 2 * number

    step = Step(answer)
    callers = step.started([1, 2, 3])
    step.go.set()
    said = [caller.said() for caller in callers]
    assert said[0] == 2
    assert isinstance(said[1], KeyboardInterrupt)  # it led
    assert isinstance(said[2], StorageError)
    assert said[2].code == "ledger-interrupted"
    assert step.combiner.submit(5) == 10


@pytest.mark.parametrize("led", [False, True])
def test_a_caller_that_is_stopped_while_it_waits_takes_its_item_along(
    led: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if it had just been given the lead."""
    wait = combining._Ticket.wait

    def stopped(ticket: combining._Ticket[int, int]) -> None:
        if ticket.item == 2:
            if led:
                wait(ticket)
                assert ticket.leads
            raise KeyboardInterrupt
        wait(ticket)

    monkeypatch.setattr(combining._Ticket, "wait", stopped)
    step = Step()
    first = Caller(step.combiner, 1)
    assert step.begun.wait(10)
    second = Caller(step.combiner, 2)
    until(lambda: led == (len(step.combiner._queue) == 1) and (led or not second.is_alive()))
    third = Caller(step.combiner, 3)
    until(lambda: len(step.combiner._queue) == 1 + led)
    step.go.set()
    assert first.said() == 2
    assert isinstance(second.said(), KeyboardInterrupt)
    assert third.said() == 6
    assert step.groups == [[1], [3]]


def test_hundreds_of_callers_all_get_their_own() -> None:
    step = Step()
    step.go.set()
    callers = [Caller(step.combiner, n) for n in range(300)]
    assert [caller.said() for caller in callers] == [2 * n for n in range(300)]
    assert sorted(n for group in step.groups for n in group) == list(range(300))
    assert not step.combiner._led
