"""``void-audit``: run an approved edit, check policy, verify a file."""

from __future__ import annotations

import typer

from void_audit import __version__
from void_audit.cli import edit, evidence, keys, models, policy, setup

app = typer.Typer(
    name="void-audit",
    help="AI video edits inside a ledger that anyone can check.\n\n"
    "Exit codes: 0 ok, 1 a check failed, 2 usage, 3 cannot tell, 4 denied by policy.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    add_completion=False,
)


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


app.command()(setup.init)
app.add_typer(keys.app, name="keys")
app.add_typer(policy.app, name="policy")
app.command()(edit.plan)
app.command()(edit.approve)
app.command()(edit.reject)
app.command()(edit.run)
app.command("edit")(edit.edit)
app.command()(evidence.verify)
app.command()(evidence.history)
app.add_typer(models.app, name="models")
app.add_typer(evidence.ledger_app, name="ledger")


def main() -> None:
    """Entry point."""
    app()


if __name__ == "__main__":
    main()
