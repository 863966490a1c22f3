"""What commands share: options, where output goes, and the one place that turns errors into exit codes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from pathlib import Path
from typing import Annotated, ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from void_audit.cli.workspace import Workspace, is_encrypted
from void_audit.errors import IdentityError, StorageError, VoidAuditError
from void_audit.model.base import Value
from void_audit.settings import Environment

P = ParamSpec("P")
R = TypeVar("R")

WorkspaceOption = Annotated[
    Path | None, typer.Option("--workspace", "-w", help="Workspace folder (default: nearest .void-audit).")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on standard output.")]
AsOption = Annotated[str | None, typer.Option("--as", help="Whose key signs.")]

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """Errors become one clear message and an exit code; never a bare traceback."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except VoidAuditError as error:
            report(error, bool(kwargs.get("as_json")))
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            err.print("Stopped. Nothing recorded is lost: the same command goes on from here.")
            raise typer.Exit(130) from None
        except OSError as error:
            report(_storage(error), bool(kwargs.get("as_json")))
            raise typer.Exit(StorageError.exit_code) from None

    return run


def report(error: VoidAuditError, as_json: bool) -> None:
    """One error, for a person on standard error or as JSON on standard output."""
    if as_json:
        emit({"error": {"code": error.code, "message": error.message, "hint": error.hint}})
        return
    err.print(f"[bold red]error[/] [dim]{error.code}[/]", end=" ")
    err.print(error.message, markup=False)
    if error.hint:
        err.print("  " + error.hint, markup=False, style="cyan")


def emit(value: object) -> None:
    """JSON on standard output, safe for any terminal."""
    data = value.model_dump(mode="json") if isinstance(value, Value) else value
    sys.stdout.write(json.dumps(data, indent=2, default=str) + "\n")


def say(text: str = "", style: str | None = None) -> None:
    """A line for a person; nothing in it is taken as markup."""
    out.print(text, markup=False, style=style)


def workspace_at(folder: Path | None, ask: Callable[[str], str | None] | None = None) -> Workspace:
    """The workspace that options and environment name."""
    environment = Environment()
    place = folder or environment.workspace()
    return Workspace(place, environment.models(), ask or prompting(environment, partial(is_encrypted, place)))


@contextmanager
def working(workspace: Workspace, quiet: bool) -> Iterator[Workspace]:
    """The workspace with a progress display on standard error."""
    if quiet or not err.is_terminal:
        yield _with_progress(workspace, _line_progress(quiet))
        return
    columns = (TextColumn("{task.description:<32}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with Progress(*columns, TimeElapsedColumn(), console=err, transient=True) as display:
        yield _with_progress(workspace, _bar_progress(display))


def asker(environment: Environment) -> Callable[[str], str | None]:
    """Passphrases from the environment, else from the person at the terminal, else none."""
    known: dict[str, str | None] = {}

    def ask(holder: str) -> str | None:
        if holder not in known:
            known[holder] = environment.passphrase(holder)
        return known[holder]

    return ask


def prompting(environment: Environment, encrypted: Callable[[str], bool]) -> Callable[[str], str | None]:
    """Like ``asker``, but asks at the terminal for a key that is encrypted."""
    silent = asker(environment)
    asked: dict[str, str] = {}

    def ask(holder: str) -> str | None:
        given = silent(holder)
        if given is not None or not encrypted(holder):
            return given
        if holder not in asked:
            asked[holder] = read_passphrase(f"Passphrase of {holder}")
        return asked[holder]

    return ask


def read_passphrase(prompt: str, confirm: bool = False) -> str:
    """Ask at the terminal. Raises IdentityError ``passphrase-needed`` where nobody can be asked."""
    if not sys.stdin.isatty():
        raise IdentityError(
            "passphrase-needed",
            f"{prompt} is needed and nobody can be asked.",
            "Set VOID_AUDIT_PASSPHRASE (or VOID_AUDIT_PASSPHRASE_<NAME>).",
        )
    return str(typer.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True))


def _storage(error: OSError) -> StorageError:
    place = error.filename or "a file"
    return StorageError(
        "storage-failed",
        f"{place}: {error.strerror or error}.",
        "Free space or permissions, then run it again.",
    )


def _with_progress(workspace: Workspace, progress: Callable[[str, int, int], None]) -> Workspace:
    return Workspace(workspace.folder, workspace.models, workspace.ask, progress, workspace.clock)


def _bar_progress(display: Progress) -> Callable[[str, int, int], None]:
    tasks: dict[str, TaskID] = {}

    def progress(what: str, done: int, total: int) -> None:
        if what not in tasks:
            tasks[what] = display.add_task(what, total=total)
        display.update(tasks[what], completed=done, total=total)

    return progress


def _line_progress(quiet: bool) -> Callable[[str, int, int], None]:
    """Where there is no terminal: one line when a stage ends."""
    finished: set[str] = set()

    def progress(what: str, done: int, total: int) -> None:
        if not quiet and done >= total and what not in finished:
            finished.add(what)
            err.print(f"  {what}: {done}/{total}", markup=False, style="dim")

    return progress
