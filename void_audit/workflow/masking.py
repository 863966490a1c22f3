"""The mask of an edit: composed from what was seen, or imported; stored, and read as engines are given it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from void_audit.canon.mask import mask_facts
from void_audit.errors import MaskError
from void_audit.media.maskfile import ImportedMask, MaskFile, MaskWriter, import_mask
from void_audit.model.mask import Classes, Translated
from void_audit.model.mask_schema import MaskSchema, Operation
from void_audit.model.reasoning import Consequences
from void_audit.model.records import MaskRecord
from void_audit.model.track import Track
from void_audit.pipeline.masks.compose import compose
from void_audit.pipeline.masks.preview import preview
from void_audit.workflow.material import source_clip
from void_audit.workflow.recorder import Recorder

Origin = Literal["composed", "imported"]

VOID_SCHEMA = "quadmask"

DILATION = 1 / 120
"""The composed mask grows by this part of the short side: soft edges and motion blur belong to the object."""


def compose_mask(
    recorder: Recorder, track: Track, consequences: Consequences, schema: MaskSchema, operation: Operation
) -> None:
    """Make the mask from what was seen, and record it."""
    size = source_clip(recorder).info.size
    dilate = max(1, round(min(size) * DILATION))
    frames = compose(track, consequences, size, dilate, schema, operation)
    _record(recorder, store_mask(recorder, frames, schema), "composed", ())


def import_first_mask(recorder: Recorder, path: Path, schema: MaskSchema) -> None:
    """Take the mask that came with the request, and record it."""
    imported = read_mask(recorder, path, schema)
    fields = store_mask(recorder, imported.classes(), schema)
    _record(recorder, fields, "imported", imported.changes)


def read_mask(
    recorder: Recorder, path: Path, schema: MaskSchema, begins_at: int | None = None
) -> ImportedMask:
    """A mask file for the edit's clip: any of VOID's where the schema is VOID's, else exactly the schema's values.

    ``begins_at``: the frame to which the first picture of a mask that is too short belongs (see ``import_mask``).

    Raises:
        MaskError: ``mask-*``: it does not fit the clip or the schema.
    """
    info = source_clip(recorder).info
    if schema.name == VOID_SCHEMA:
        return import_mask(path, info, begins_at=begins_at)
    if begins_at is not None:
        raise MaskError(
            "mask-frames",
            f"A mask of the schema {schema.name} begins at frame 0 and has a picture for every frame.",
            "Only VOID's own masks may begin later.",
        )
    return import_mask(path, info, schema_values=schema.values)


def _record(recorder: Recorder, fields: dict[str, Any], origin: Origin, changes: tuple[str, ...]) -> None:
    record = MaskRecord(**recorder.common(), **fields, origin=origin, changes=changes)
    recorder.record(record, {"mask": record.identity.root})


def store_mask(recorder: Recorder, frames: Iterable[Classes], schema: MaskSchema) -> dict[str, Any]:
    """Store a mask's pictures and what follows from them: the fields of a ``MaskState``."""
    studio, clip = recorder.studio, source_clip(recorder)
    path = studio.scratch(recorder.edit) / f"{schema.name}.mkv"
    with MaskWriter(path, clip.info.size, clip.info.frame_rate, schema.values) as writer:
        for number, classes in enumerate(frames):
            writer.write(classes)
            studio.progress("composing the mask", number + 1, clip.info.frames)
    blob = studio.blobs.put_file(path, "video/x-matroska", move=True)
    mask = MaskFile(studio.blobs.path(blob), schema.values)
    identity, hashes, statistics = mask_facts(mask, schema)
    return {
        "mask_schema": schema,
        "identity": identity,
        "mask": blob,
        "frame_hashes": recorder.put_json(hashes),
        "statistics": statistics,
        "preview": studio.blobs.put(preview(clip, mask, schema), "image/png"),
    }


def present_schema(recorder: Recorder) -> MaskSchema:
    """The schema of the mask as it stands."""
    if recorder.state.mask is None:
        raise AssertionError("no mask yet")
    return recorder.state.mask.mask_schema


def stored_mask(recorder: Recorder) -> MaskFile:
    """The mask as it stands, in its own classes."""
    if recorder.state.mask is None:
        raise AssertionError("no mask yet")
    return MaskFile(recorder.studio.blobs.path(recorder.state.mask.mask), present_schema(recorder).values)


def engine_mask(recorder: Recorder) -> Translated:
    """The mask as it stands, in VOID's four classes: what engines and compositor are given."""
    return Translated(stored_mask(recorder), present_schema(recorder).conditions)
