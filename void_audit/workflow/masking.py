"""Segment, reason and compose, or take the mask that came with the request."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable
from pathlib import Path

from void_audit.errors import RequestError
from void_audit.media.maskfile import BitmapFile, BitmapWriter, MaskFile, MaskWriter, import_mask
from void_audit.media.reader import VideoClip
from void_audit.model.clip import Clip
from void_audit.model.geometry import Size
from void_audit.model.mask import Classes, PackedBitmaps
from void_audit.model.reasoning import Consequences
from void_audit.model.records import MaskRecord, ReasoningRecord, Segmentation
from void_audit.model.track import Click, Track
from void_audit.pipeline.masks.compose import compose
from void_audit.pipeline.masks.identity import mask_identity
from void_audit.pipeline.masks.preview import preview
from void_audit.pipeline.masks.statistics import mask_statistics
from void_audit.pipeline.reason.check import check_consequences
from void_audit.workflow.recorder import Recorder
from void_audit.workflow.request_folder import RequestFolder

WORKING_SHORT_SIDE = 384
DILATION = 1 / 120
"""The composed mask grows by this part of the short side: soft edges and motion blur belong to the object."""


def make_mask(recorder: Recorder, folder: RequestFolder) -> None:
    """Whatever is not recorded yet, up to and including the mask."""
    if recorder.state.mask is not None:
        return
    if folder.mask is not None:
        _import(recorder, folder.mask)
        return
    track = _segment(recorder, folder)
    consequences = _reason(recorder, folder, track)
    _compose(recorder, track, consequences)


def source_clip(recorder: Recorder) -> VideoClip:
    """The stored original."""
    source = recorder.state.source
    if source is None:
        raise AssertionError("no source yet")
    blobs = recorder.studio.blobs
    stored = blobs.path(blobs.ref(recorder.subject("source", "source"), "video/mp4"))
    return VideoClip(stored, source.clip)


def working_view(clip: VideoClip) -> Clip:
    """The clip with a short side of at most 384 pixels, even sizes."""
    return clip.view(size=working_size(clip.info.size))


def working_size(size: Size) -> Size:
    """Scaled so that the short side is 384, never up; sizes rounded to even numbers."""
    scale = min(1.0, WORKING_SHORT_SIDE / min(size))
    return Size(*(max(2, 2 * round(side * scale / 2)) for side in size))


def scaled_clicks(clicks: Iterable[Click], source: Size, working: Size) -> list[Click]:
    """Clicks in the pixels of the working view."""
    across, down = working.width / source.width, working.height / source.height
    return [click.model_copy(update={"x": click.x * across, "y": click.y * down}) for click in clicks]


def _segment(recorder: Recorder, folder: RequestFolder) -> Track:
    if recorder.state.segmentation is not None:
        return _stored_track(recorder, recorder.state.segmentation)
    studio, clip = recorder.studio, source_clip(recorder)
    engine = studio.engines.segmenter()
    recorder.start()
    view = working_view(clip)
    clicks = scaled_clicks(folder.request.clicks, clip.info.size, view.info.size)
    track = engine.segment(view, clicks, studio.progress)
    if not any(bitmap.any() for bitmap in track.masks):
        raise RequestError(
            "object-not-found", "Nothing was found at the clicks on any frame.", "Click inside the object."
        )
    path = studio.scratch(recorder.edit) / "track.mkv"
    with BitmapWriter(path, track.masks.size, clip.info.frame_rate) as writer:
        for bitmap in track.masks:
            writer.write(bitmap)
    blob = studio.blobs.put_file(path, "video/x-matroska", move=True)
    confidence = [round(c, 4) for c in track.confidence]
    record = Segmentation(
        **recorder.common(),
        engine=track.engine,
        track=blob,
        width=track.masks.size.width,
        height=track.masks.size.height,
        frames=len(track.masks),
        confidence=(min(confidence), statistics.median(confidence), max(confidence)),
        confidences=recorder.put_json({"confidence": confidence, "clicked": list(track.clicked)}),
        warnings=track.warnings,
        run=recorder.run_facts(),
    )
    recorder.record(record, {"track": blob.sha256})
    return track


def _stored_track(recorder: Recorder, record: Segmentation) -> Track:
    recorder.studio.blobs.check(record.track)
    bitmaps = BitmapFile(recorder.studio.blobs.path(record.track))
    facts = json.loads(recorder.studio.blobs.read(record.confidences))
    return Track(
        masks=PackedBitmaps(bitmaps.size, bitmaps.bitmaps()),
        confidence=tuple(facts["confidence"]),
        clicked=tuple(facts["clicked"]),
        engine=record.engine,
        warnings=record.warnings,
    )


def _reason(recorder: Recorder, folder: RequestFolder, track: Track) -> Consequences:
    studio = recorder.studio
    if recorder.state.reasoning is not None:
        stored = studio.blobs.read(recorder.state.reasoning.consequences)
        return Consequences.model_validate_json(stored)
    engine = studio.engines.reasoner()
    recorder.start()
    clip = source_clip(recorder)
    answer = engine.reason(clip.view(size=track.masks.size), track, folder.request, studio.progress)
    consequences = check_consequences(answer.consequences, clip.info)
    blobs = studio.blobs
    record = ReasoningRecord(
        **recorder.common(),
        engine=answer.engine,
        settings=answer.settings,
        request=blobs.put(answer.request, answer.media_type, salted=True),
        reply=blobs.put(answer.reply, answer.media_type, salted=True),
        consequences=recorder.put_json(consequences, salted=True),
        affected=len(consequences.affected),
        warnings=answer.warnings,
        run=recorder.run_facts(),
    )
    recorder.record(record, {"reply": record.reply.sha256})
    return consequences


def _compose(recorder: Recorder, track: Track, consequences: Consequences) -> None:
    info = source_clip(recorder).info
    dilate = max(1, round(min(info.size) * DILATION))
    _store(recorder, compose(track, consequences, info.size, dilate), ())


def _import(recorder: Recorder, path: Path) -> None:
    imported = import_mask(path, source_clip(recorder).info)
    _store(recorder, imported.classes(), imported.changes, imported=True)


def _store(
    recorder: Recorder, frames: Iterable[Classes], changes: tuple[str, ...], imported: bool = False
) -> None:
    studio, clip = recorder.studio, source_clip(recorder)
    path = studio.scratch(recorder.edit) / "quadmask.mkv"
    with MaskWriter(path, clip.info.size, clip.info.frame_rate) as writer:
        for number, classes in enumerate(frames):
            writer.write(classes)
            studio.progress("composing the mask", number + 1, clip.info.frames)
    blob = studio.blobs.put_file(path, "video/x-matroska", move=True)
    mask = MaskFile(studio.blobs.path(blob))
    identity, hashes = mask_identity(mask)
    record = MaskRecord(
        **recorder.common(),
        schema_name="quadmask",
        identity=identity,
        mask=blob,
        frame_hashes=recorder.put_json(hashes),
        statistics=mask_statistics(mask),
        preview=studio.blobs.put(preview(clip, mask), "image/png"),
        origin="imported" if imported else "composed",
        changes=changes,
    )
    recorder.record(record, {"mask": identity.root})


def stored_mask(recorder: Recorder) -> MaskFile:
    """The recorded mask."""
    if recorder.state.mask is None:
        raise AssertionError("no mask yet")
    return MaskFile(recorder.studio.blobs.path(recorder.state.mask.mask))
