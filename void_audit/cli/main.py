"""``void-audit``: run an approved edit, check policy, verify a file.

A command's module is imported when the command is looked up, so that a desk that only verifies needs
neither the ledger's libraries nor any engine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any, cast

import typer
from typer.core import TyperGroup

from void_audit import __version__

COMMANDS = {
    "init": "setup:init",
    "keys": "keys:app",
    "policy": "policy:app",
    "reason": "edit:reason",
    "prompt": "prompt:app",
    "plan": "edit:plan",
    "mask": "mask:app",
    "approve": "edit:approve",
    "reject": "edit:reject",
    "run": "edit:run",
    "edit": "edit:edit",
    "verify": "evidence:verify",
    "history": "evidence:history",
    "questions": "questions:questions",
    "replies": "replies:replies",
    "bundle": "bundle:bundle",
    "replay": "replay:replay",
    "receipt": "receipt:receipt",
    "export": "export:export",
    "models": "models:app",
    "ledger": "ledger:app",
    "witness": "witness:app",
}
"""Module and attribute of every command: a function, or a group of commands."""


class _Commands(Mapping[str, Any]):
    """Commands by name, loaded when they are looked up."""

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - Typer's command classes differ between versions
        return _load(name)

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class _Group(TyperGroup):
    """The group of ``COMMANDS``, which are only ever read."""

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 - handed on as they are
        super().__init__(**attributes)
        self.commands = cast(Any, _Commands())


app = typer.Typer(
    name="void-audit",
    cls=_Group,
    help="AI video edits inside a ledger that anyone can check.\n\n"
    "Exit codes: 0 ok, 1 a check failed, 2 usage, 3 cannot tell, 4 denied by policy, 130 stopped.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    add_completion=False,
)


@cache
def _load(name: str) -> Any:  # noqa: ANN401
    module, attribute = COMMANDS[name].split(":")
    target = getattr(import_module(f"void_audit.cli.{module}"), attribute)
    if isinstance(target, typer.Typer):
        command = typer.main.get_group(target)
        command.name = name
        return command
    alone = typer.Typer(add_completion=False, rich_markup_mode="rich")
    alone.command(name)(target)
    return typer.main.get_command(alone)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"void-audit {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """AI video edits inside a ledger that anyone can check."""


def main() -> None:
    """Entry point."""
    app()


if __name__ == "__main__":
    main()
