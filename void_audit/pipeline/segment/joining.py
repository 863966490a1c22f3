"""Several marked objects become one track, with words for a person about what is unsure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from void_audit.model.clip import Clip
from void_audit.model.engine import EngineInfo, Progress, no_progress
from void_audit.model.mask import PackedBitmaps
from void_audit.model.track import Mark, Track
from void_audit.pipeline.segment.marks import check_marks, marked_frames, objects, prompts
from void_audit.pipeline.segment.saliency import Saliency
from void_audit.pipeline.segment.timeline import Followed, follow

_UNSURE_SEED = 0.55
"""Score of a marked frame's mask below which a person should look at it."""

_UNSURE = 0.5
"""Confidence below which frames are named in a warning."""

_MOST = 20
"""Warnings of one object that are put into words; the rest are counted."""


def follow_marks(
    clip: Clip,
    marks: Sequence[Mark],
    saliency: Saliency,
    info: EngineInfo,
    progress: Progress = no_progress,
) -> Track:
    """The marked objects on every frame of the clip, in the clip's size.

    Objects are followed one after the other; their masks are joined, and a frame is as sure as the least sure
    of them. Raises RequestError for unusable marks (see ``check_marks``).
    """
    check_marks(marks, clip.info)
    masks = PackedBitmaps.empty(clip.info.size, clip.info.frames)
    confidence = (1.0,) * clip.info.frames
    warnings: list[str] = []
    several = len(objects(marks)) > 1
    for number in objects(marks):
        prefix = f"Object {number}: " if several else ""
        found = follow(clip, prompts(marks, clip.info, number), saliency, _named(progress, prefix))
        _join(masks, found.masks)
        confidence = tuple(map(min, confidence, found.confidence))
        own = [mark for mark in marks if mark.object == number]
        warnings += [prefix + said for said in _bounded([*_warnings(found), *_unused(own, found)])]
    return Track(masks, confidence, marked_frames(marks), info, tuple(warnings))


def _join(masks: PackedBitmaps, others: PackedBitmaps) -> None:
    for frame, mask in enumerate(others):
        if mask.any():
            masks[frame] = masks[frame] | mask


def _named(progress: Progress, prefix: str) -> Progress:
    def named(what: str, done: int, total: int) -> None:
        progress(f"{prefix}{what}", done, total)

    return named


def _bounded(warnings: list[str]) -> list[str]:
    if len(warnings) <= _MOST:
        return warnings
    return [*warnings[:_MOST], f"And {len(warnings) - _MOST} more like these."]


def _warnings(found: Followed) -> Iterator[str]:
    for frame, score in found.scores.items():
        if score < _UNSURE_SEED:
            yield f"The mask of the marked frame {frame} is unsure ({score:.2f}): look at it, add clicks."
    yield from _unsure_frames(found.confidence)


def _unsure_frames(confidence: Sequence[float]) -> Iterator[str]:
    """One sentence per run of unsure frames."""
    start: int | None = None
    for frame, sure in enumerate([*confidence, 1.0]):
        if sure < _UNSURE and start is None:
            start = frame
        elif sure >= _UNSURE and start is not None:
            yield f"Frames {start} to {frame - 1} are unsure: look at them, add clicks there."
            start = None


def _unused(marks: Sequence[Mark], found: Followed) -> Iterator[str]:
    for frame in marked_frames(marks):
        if frame not in found.scores:
            yield (
                f"The background clicks on frame {frame} have no effect: "
                "add a click on the object or a box on that frame."
            )
