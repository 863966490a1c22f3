"""The workspace that a command works in: where it is, whose passphrase opens it, how progress is shown."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import typer
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from void_audit.cli.console import cell, err
from void_audit.cli.service_keys import Ask, KeyAccess
from void_audit.cli.workspace import Workspace, is_encrypted
from void_audit.errors import IdentityError
from void_audit.identity.agent import Agent
from void_audit.settings import Environment


def workspace_at(folder: Path | None, ask: Ask | None = None) -> Workspace:
    """The workspace that options and environment name."""
    environment = Environment()
    place = folder or environment.workspace()
    asking = ask or prompting(environment, partial(is_encrypted, place))
    access = KeyAccess(Agent(environment.ssh_agent()), partial(_pin, environment))
    return Workspace(place, environment.models(), asking, access=access)


def _pin(environment: Environment, token: str) -> str | None:
    """The PIN of a token, from the environment or from the person at the terminal."""
    return environment.pin() or read_passphrase(f"PIN of token {token}", variable="VOID_AUDIT_PIN")


@contextmanager
def working(workspace: Workspace, quiet: bool) -> Iterator[Workspace]:
    """The workspace with a progress display on standard error."""
    if quiet or not err.is_terminal:
        yield replace(workspace, progress=_line_progress(quiet))
        return
    columns = (TextColumn("{task.description:<32}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    times = (TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(elapsed_when_finished=False))
    with Progress(*columns, *times, console=err, transient=True, speed_estimate_period=600) as display:
        yield replace(workspace, progress=_bar_progress(display))


def prompting(environment: Environment, encrypted: Callable[[str], bool]) -> Ask:
    """Passphrases from the environment, else, for a key that is encrypted, from the person at the terminal."""
    asked: dict[str, str] = {}

    def ask(holder: str) -> str | None:
        given = environment.passphrase(holder)
        if given is not None or not encrypted(holder):
            return given
        if holder not in asked:
            asked[holder] = read_passphrase(f"Passphrase of {holder}")
        return asked[holder]

    return ask


def read_passphrase(
    prompt: str,
    confirm: bool = False,
    variable: str = "VOID_AUDIT_PASSPHRASE (or VOID_AUDIT_PASSPHRASE_<NAME>)",
) -> str:
    """Ask at the terminal. Raises IdentityError ``passphrase-needed`` where nobody can be asked."""
    if not sys.stdin.isatty():
        raise IdentityError(
            "passphrase-needed",
            f"{prompt} is needed and nobody can be asked.",
            f"Set {variable}.",
        )
    return str(typer.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True))


def _bar_progress(display: Progress) -> Callable[[str, int, int], None]:
    tasks: dict[str, TaskID] = {}

    def progress(what: str, done: int, total: int) -> None:
        if what not in tasks:
            tasks[what] = display.add_task(what, total=total)
        display.update(tasks[what], completed=done, total=total)

    return progress


EVERY = 30.0
"""Seconds between two lines about a stage that is not done, where there is no terminal."""


def _line_progress(quiet: bool) -> Callable[[str, int, int], None]:
    """Where there is no terminal: one line when a stage ends, and now and then how long it will take."""
    finished: set[str] = set()
    began: dict[str, tuple[float, int]] = {}
    said = time.monotonic()

    def progress(what: str, done: int, total: int) -> None:
        nonlocal said
        now = time.monotonic()
        start, first = began.setdefault(what, (now, done))
        if quiet or what in finished:
            return
        if done >= total:
            finished.add(what)
            err.print(cell(f"  {what}: {done}/{total}", "dim"))
        elif now - said >= EVERY and done > first:
            said = now
            err.print(
                cell(
                    f"  {what}: {done}/{total}, {_left((now - start) * (total - done) / (done - first))}",
                    "dim",
                )
            )

    return progress


def _left(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"about {minutes} min left" if minutes >= 2 else f"about {60 * minutes + rest} s left"
