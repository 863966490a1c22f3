"""What commands share: options, where output goes, and the one place that turns errors into exit codes.

Light: it loads neither the workspace nor any engine.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import Annotated, ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.text import Text

from void_audit.errors import Cancelled, RequestError, StorageError, VoidAuditError
from void_audit.model.base import Value

P = ParamSpec("P")
R = TypeVar("R")

WorkspaceOption = Annotated[
    Path | None, typer.Option("--workspace", "-w", help="Workspace folder (default: nearest .void-audit).")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on standard output.")]
AsOption = Annotated[str | None, typer.Option("--as", help="Whose key signs.")]

out = Console(highlight=False, soft_wrap=True)
_unfinished: list[Callable[[], None]] = []

err = Console(stderr=True, highlight=False, soft_wrap=True)


def group(about: str) -> typer.Typer:
    """A group of commands."""
    return typer.Typer(help=about, no_args_is_help=True, add_completion=False, rich_markup_mode="rich")


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """Errors become one clear message and an exit code; never a bare traceback."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return answered(*args, **kwargs)
        finally:
            _finish()

    def answered(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            _insist_on_text(kwargs)
            return command(*args, **kwargs)
        except VoidAuditError as error:
            problem = error
        except (KeyboardInterrupt, typer.Abort):
            problem = Cancelled(
                "stopped", "Stopped.", "Nothing recorded is lost: the same command goes on from here."
            )
        except OSError as error:
            problem = _storage(error)
        report(problem, bool(kwargs.get("as_json")))
        raise typer.Exit(problem.exit_code)

    return run


def at_end(finish: Callable[[], None]) -> None:
    """Have something done when the command ends, however it does."""
    _unfinished.append(finish)


def _finish() -> None:
    while _unfinished:
        with suppress(KeyboardInterrupt):  # a second Ctrl-C: not even this is waited for
            _unfinished.pop()()


def report(error: VoidAuditError, as_json: bool) -> None:
    """One error, for a person on standard error or as JSON on standard output."""
    if as_json:
        emit({"error": {"code": error.code, "message": error.message, "hint": error.hint}})
        return
    err.print(Text.assemble(("error", "bold red"), " ", (error.code, "dim"), " ", printable(error.message)))
    if error.hint:
        err.print(cell(f"  {error.hint}", "cyan"))


def emit(value: object) -> None:
    """JSON on standard output, in ASCII: safe for any terminal."""
    data = value.model_dump(mode="json") if isinstance(value, Value) else value
    sys.stdout.write(json.dumps(data, indent=2, default=str) + "\n")


def say(text: str = "", style: str = "") -> None:
    """A line for a person."""
    out.print(cell(text, style))


def cell(text: str, style: str = "") -> Text:
    """Text that is shown as it is: nothing in it is markup, and nothing in it reaches the terminal as a command."""
    return Text(printable(text), style)


def printable(text: str) -> str:
    """Control and formatting characters become U+FFFD: requests, records and model answers are not trusted."""
    return "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text)


def is_unicode(text: str) -> bool:
    """Whether ``text`` can be written in UTF-8: bytes that are not arrive as halves of surrogate pairs."""
    return not any("\ud800" <= c <= "\udfff" for c in text)


def _insist_on_text(given: Mapping[str, object]) -> None:
    """What no record can hold is refused in words; names of files may be any bytes."""
    for name, value in given.items():
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and not is_unicode(text):
                raise RequestError(
                    "option-value", f"{name.replace('_', '-')} is no text in UTF-8.", "Write it in UTF-8."
                )


def _storage(error: OSError) -> StorageError:
    place = error.filename or "a file"
    return StorageError(
        "storage-failed",
        f"{place}: {error.strerror or error}.",
        "Free space or permissions, then run it again.",
    )
