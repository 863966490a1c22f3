"""``void-audit mask``: look at a mask, correct it, hand it out and take it in."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from void_audit.cli.console import JsonOption, WorkspaceOption, cell, emit, group, guarded, out, say
from void_audit.cli.mask_edit import EditOptions
from void_audit.cli.masks import MaskShelf, frames_of, mask_changes
from void_audit.cli.options import with_options
from void_audit.cli.reasoned import say_wrapped
from void_audit.cli.session import working, workspace_at
from void_audit.ledger.blobs import BlobStore
from void_audit.media.atomic import whole_file
from void_audit.media.maskfile import MaskFile
from void_audit.model.grid import grid_for
from void_audit.model.lifecycle import EditState
from void_audit.model.mask_schema import MaskSchema
from void_audit.pipeline.masks.diff import MaskDifference, difference
from void_audit.pipeline.masks.diff_picture import difference_picture
from void_audit.pipeline.masks.inspect import inspect, inspect_frame_zero
from void_audit.pipeline.masks.mask_picture import mask_picture
from void_audit.pipeline.masks.schema import house_schema
from void_audit.workflow.revising import edit_mask, replace_mask, revert_mask

app = group("Masks: what may change. Corrections are signed revisions; nothing is overwritten.")

EditArgument = Annotated[str, typer.Argument(metavar="EDIT", help="Edit id, as `plan` printed it.")]
SignerOption = Annotated[str, typer.Option("--as", help="Whose key signs: an editor's.")]
RevisionOption = Annotated[
    int | None, typer.Option("--revision", min=0, help="0 is the first mask (default: the newest).")
]
SeenOption = Annotated[
    int | None,
    typer.Option("--on", min=0, help="The mask you looked at: refused if there is a newer one meanwhile."),
]


@app.command()
@guarded
def show(
    edit: EditArgument,
    frames: Annotated[str, typer.Option("--frames", help="E.g. 0,12,24 (default: six, evenly spread).")] = "",
    grid: Annotated[
        int | None,
        typer.Option("--grid", min=1, max=256, help="Draw numbered cells, so many on the short side."),
    ] = None,
    picture: Annotated[Path | None, typer.Option("--out", help="Where the PNG goes.")] = None,
    revision: RevisionOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draw a mask over the footage, and how much of each frame its classes take.

    Example: void-audit mask show 3f2a9c01b7d4 --frames 0,10,20 --grid 8
    """
    place = workspace_at(workspace)
    shelf = MaskShelf.of(place, edit)
    number = shelf.number(revision)
    chosen = frames_of(frames, shelf.clip.info.frames)
    state, mask = shelf.states[number], shelf.mask(number)
    path = picture or place.folder / "edits" / edit / f"mask-{number}.png"
    cells = grid_for(shelf.clip.info.size, grid) if grid else None
    _write(path, mask_picture(shelf.clip, mask, state.mask_schema, chosen, cells))
    shares = {c.name: s for c, s in zip(state.mask_schema.classes, state.statistics.max_share, strict=True)}
    if as_json:
        told = {"root": state.identity.root, "max_share": shares, "picture": str(path)}
        emit({"revision": number, **told, "masks": shelf.summary()})
        return
    say(f"Mask {number} of edit {edit} ({state.mask_schema.name}), root {state.identity.root[:16]}", "bold")
    for name, share in shares.items():
        say(f"  {name}: at most {share:.2%} of a frame")
    say(f"Picture: {path}")
    if len(shelf.states) > 1:
        say("Masks of this edit (mask diff compares two, mask revert takes one again):")
        for line in shelf.summary():
            changed = (
                f", at most {line['changed_percent_max']:.2f}% of a frame changed" if line["revision"] else ""
            )
            say_wrapped(f"  {line['revision']}  {line['origin']}, root {str(line['root'])[:16]}{changed}")


@app.command("import")
@guarded
def import_mask(
    edit: EditArgument,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="A mask video or folder: VOID's (PNGs too), or in this edit's schema."
        ),
    ],
    signer: SignerOption,
    begins_at: Annotated[
        int | None,
        typer.Option(
            "--begins-at", min=0, help="Frame of the first picture, if it is too short; the rest is kept."
        ),
    ] = None,
    seen: SeenOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a mask file for the mask of an edit: a signed revision, with what had to be changed. Approvals lapse.

    Example: void-audit mask import 3f2a9c01b7d4 corrected.mkv --as lois
    """
    with working(workspace_at(workspace), as_json) as place:
        state = replace_mask(place.studio(), edit, place.person(signer), file, begins_at, seen)
    _revised(edit, state, place.blobs, as_json)


@app.command("export")
@guarded
def export_mask(
    edit: EditArgument,
    file: Annotated[Path, typer.Option("--out", help="Where the mask goes (.mkv, lossless grey).")],
    revision: RevisionOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hand out a mask, exactly as it is on record. For VOID's own form see `void-audit export --void`.

    Example: void-audit mask export 3f2a9c01b7d4 --out mask.mkv
    """
    shelf = MaskShelf.of(workspace_at(workspace), edit)
    number = shelf.number(revision)
    with whole_file(file) as partial:
        shutil.copyfile(shelf.path(number), partial)
    values = dict(zip(shelf.names(number), shelf.states[number].mask_schema.values, strict=True))
    if as_json:
        emit({"file": str(file), "revision": number, "values": values})
    else:
        say(f"{file}: mask {number}; " + ", ".join(f"{value} {name}" for name, value in values.items()))


@app.command("edit")
@guarded
@with_options
def edit_command(
    edit: EditArgument,
    signer: SignerOption,
    options: EditOptions,
    seen: SeenOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change a mask by grid cells, brush strokes or a copy from another frame: one signed revision. Approvals lapse.

    Frames are counted from 0, and --frames includes both ends. A file (--file) holds a batch of operations:

        operations:
          - {op: cells, frames: {start: 0, stop: 48}, to: affected, mode: toggle,
             grid: {rows: 8, cols: 14}, cells: [{row: 3, col: 4}]}
          - {op: stroke, frames: {start: 10, stop: 11}, to: remove, mode: add,
             points: [{x: 100, y: 80}], radius: 12}
          - {op: copy, frames: {start: 11, stop: 12}, from_frame: 10,
             classes: ["remove"]}

    There `stop` is the first frame that is left alone.

    Example: void-audit mask edit 3f2a9c01b7d4 --as lois --cells "3,4-6 4,5" --to affected --frames 1-47
    """
    with working(workspace_at(workspace), as_json) as place:
        size = MaskShelf.of(place, edit).clip.info.size
        state = edit_mask(place.studio(), edit, place.person(signer), options.edits(size), seen)
    _revised(edit, state, place.blobs, as_json)


@app.command()
@guarded
def revert(
    edit: EditArgument,
    signer: SignerOption,
    number: Annotated[int, typer.Option("--to", min=0, help="The mask to take again; 0 is the first.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take an earlier mask again: one more signed revision, so nothing is lost and this too can be taken back.

    Example: void-audit mask revert 3f2a9c01b7d4 --to 0 --as lois
    """
    with working(workspace_at(workspace), as_json) as place:
        state = revert_mask(place.studio(), edit, place.person(signer), number)
    _revised(edit, state, place.blobs, as_json)


@app.command()
@guarded
def diff(
    edit: EditArgument,
    before: Annotated[int | None, typer.Option("--from", min=0, help="Default: the one before.")] = None,
    after: Annotated[int | None, typer.Option("--to", min=0, help="Default: the newest.")] = None,
    picture: Annotated[Path | None, typer.Option("--out", help="Where the PNG goes.")] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """What became of a mask between two revisions: a picture and numbers.

    Example: void-audit mask diff 3f2a9c01b7d4 --from 0
    """
    place = workspace_at(workspace)
    shelf = MaskShelf.of(place, edit)
    first, last = shelf.pair(before, after)
    schema = shelf.states[last].mask_schema
    changed = difference(shelf.mask(first), shelf.mask(last), schema)
    path = picture or place.folder / "edits" / edit / f"mask-{first}-{last}.png"
    _write(
        path,
        difference_picture(
            shelf.clip, shelf.mask(first), shelf.mask(last), schema, frames=changed.most_changed or (0,)
        ),
    )
    if as_json:
        emit({"from": first, "to": last, **changed.model_dump(mode="json"), "picture": str(path)})
        return
    say(f"Mask {first} and mask {last} of edit {edit}", "bold")
    _print_difference(changed)
    say(f"Picture: {path}")


@app.command()
@guarded
def check(
    edit: EditArgument,
    revision: RevisionOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look for what is wrong with a mask: classes, frame 0, specks, jumps, size. Exit 1 if something is an error.

    Example: void-audit mask check 3f2a9c01b7d4
    """
    shelf = MaskShelf.of(workspace_at(workspace), edit)
    number = shelf.number(revision)
    found = inspect(shelf.mask(number), shelf.states[number].mask_schema, shelf.clip.info)
    if as_json:
        emit({"revision": number, **found.model_dump(mode="json")})
    else:
        say(f"Mask {number} of edit {edit}", "bold")
        for finding in found.findings:
            style = "bold red" if finding.severity == "error" else "yellow"
            say_wrapped(f"  - {finding.severity}: {finding.message}", style)
        say("Nothing to report." if not found.findings else f"{len(found.findings)} finding(s).")
    raise typer.Exit(1 if any(f.severity == "error" for f in found.findings) else 0)


@app.command()
@guarded
def schemas(
    check_file: Annotated[
        Path | None, typer.Option("--check", help="Check a schema's YAML file.", metavar="FILE")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """The mask schemas that a request may name: shipped ones, and the house's own (schemas/NAME.yaml).

    Example: void-audit mask schemas --check lower-third.yaml
    """
    place = workspace_at(workspace)
    found = [house_schema(check_file)] if check_file else [place.schema(n) for n in place.schema_names()]
    if as_json:
        emit({"schemas": [schema.model_dump(mode="json") for schema in found]})
        return
    for schema in found:
        _print_schema(schema)
    if check_file:
        say(f"{check_file} is a mask schema. Put it at {place.folder / 'schemas' / f'{found[0].name}.yaml'}.")


def _print_difference(changed: MaskDifference) -> None:
    if not changed.frames_changed:
        say("  no pixel is of another class")
        return
    say(
        f"  {changed.frames_changed} of {changed.frames} frames differ ({changed.first_changed} to "
        f"{changed.last_changed}), at most {changed.changed_share_max:.2%} of a frame"
    )
    say(f"  {changed.opened_pixels:,} pixels may change now, {changed.closed_pixels:,} may not any more")
    for old, row in zip(changed.classes_before, changed.transitions, strict=True):
        for new, count in zip(changed.classes_after, row, strict=True):
            if count and old != new:
                say(f"  {old} to {new}: {count:,} pixels")


def _print_schema(schema: MaskSchema) -> None:
    say(f"{schema.name} (for {', '.join(sorted(schema.compose))})", "bold")
    say_wrapped(f"  {schema.description}")
    for spec in schema.classes:
        out.print(
            cell(f"  {spec.value:>3}  {spec.name}: {spec.meaning}; may change: {spec.change}; ", ""),
            cell(f"engines see {spec.conditioning}", "dim"),
            sep="",
        )


def _revised(edit: str, state: EditState, blobs: BlobStore, as_json: bool) -> None:
    mask = state.mask
    if mask is None:
        raise AssertionError("a revision without a mask")
    percent = getattr(mask, "changed_percent_max", 0.0)
    pictures = MaskFile(blobs.path(mask.mask), mask.mask_schema.values)
    warnings = [finding.message for finding in inspect_frame_zero(pictures, mask.mask_schema)]
    if as_json:
        emit(
            {
                "edit": edit,
                "revision": state.revisions,
                "root": mask.identity.root,
                "changed_percent_max": percent,
                "changes": mask_changes(mask),
                "warnings": warnings,
            }
        )
        return
    say(f"Mask {state.revisions} of edit {edit}: at most {percent:.2f}% of a frame changed.", "bold")
    for change in mask_changes(mask):
        say_wrapped(f"  - {change}")
    for warning in warnings:
        say_wrapped(f"warning: {warning}", "yellow")
    say(f"Look at it: void-audit mask diff {edit}")
    say(f"Next:       void-audit plan {edit} (earlier approvals no longer count)")


def _write(path: Path, picture: bytes) -> None:
    with whole_file(path) as partial:
        partial.write_bytes(picture)
