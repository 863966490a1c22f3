"""An edit's material in the form of VOID's own tools: a sequence folder."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from void_audit.errors import OrderError, WorkspaceError
from void_audit.ledger.blobs import BlobStore
from void_audit.ledger.reader import LogReader
from void_audit.media.maskfile import MaskFile
from void_audit.media.reader import VideoClip
from void_audit.media.void_sequence import SequenceReport, write_sequence
from void_audit.model.engine import Progress, no_progress
from void_audit.model.mask import VALUES, Translated
from void_audit.model.mask_schema import MaskSchema
from void_audit.workflow.recorder import state_of
from void_audit.workflow.request_folder import parse_prompt


def export_void(
    ledger: LogReader,
    blobs: BlobStore,
    edit: str,
    folder: Path,
    rate: Fraction | None = None,
    progress: Progress = no_progress,
) -> SequenceReport:
    """Write source, mask and prompt of an edit, as they stand, as a VOID sequence folder (see ``write_sequence``).

    A mask of another schema is written in VOID's classes, as engines are given it, which the report says. Needs no
    key.

    Raises:
        WorkspaceError: ``edit-unknown``.
        OrderError: ``export-too-early``.
        LedgerError: ``blob-missing``, ``blob-corrupt``.
        StorageError, MaskError, ClipError: see ``write_sequence``.
    """
    state = state_of(ledger, edit)
    if not state.last:
        raise WorkspaceError("edit-unknown", f"No edit {edit!r}.", "`void-audit history` lists them.")
    if state.mask is None or state.prompt is None or state.source is None:
        raise OrderError(
            "export-too-early", f"Edit {edit} has no mask yet.", "Run `void-audit plan REQUEST`."
        )
    source = blobs.ref(state.subjects["source"]["source"], "video/mp4")
    for ref in (source, state.mask.mask, state.prompt):
        blobs.check(ref)
    schema = state.mask.mask_schema
    mask = Translated(MaskFile(blobs.path(state.mask.mask), schema.values), schema.conditions)
    background = parse_prompt(blobs.read(state.prompt))
    clip = VideoClip(blobs.path(source), state.source.clip)
    report = write_sequence(folder, clip, mask, background, rate=rate, progress=progress)
    changes, warnings = _translation(schema), _not_voids(schema)
    return replace(report, changes=(*changes, *report.changes), warnings=(*warnings, *report.warnings))


def _translation(schema: MaskSchema) -> tuple[str, ...]:
    """What became of classes that VOID does not have."""
    if schema.values == VALUES and all(spec.name == spec.conditioning for spec in schema.classes):
        return ()
    pairs = ", ".join(f"{spec.name} is {spec.conditioning}" for spec in schema.classes)
    return (f"The classes of {schema.name} became VOID's: {pairs}.",)


def _not_voids(schema: MaskSchema) -> tuple[str, ...]:
    """VOID makes anew whatever is marked: it knows no other treatment."""
    other = [spec.name for spec in schema.classes if spec.counts_as in {"deemphasized", "replaced"}]
    if not other:
        return ()
    return (
        f"VOID neither tones down nor puts pictures of another clip in: it would make anew what {' and '.join(other)} "
        "marks.",
    )
