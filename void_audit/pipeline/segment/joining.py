"""Several marked objects become one track, with words for a person about what is unsure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from void_audit.model.clip import Clip
from void_audit.model.engine import EngineInfo, Progress, no_progress
from void_audit.model.mask import PackedBitmaps
from void_audit.model.track import Click, Mark, Track
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
        warnings += [prefix + said for said in _bounded(list(_said(own, found)))]
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


def _said(own: Sequence[Mark], found: Followed) -> Iterator[str]:
    yield from _contradictions(own)
    yield from _warnings(found)
    yield from _unused(own, found)


def _warnings(found: Followed) -> Iterator[str]:
    for frame, score in found.scores.items():
        if score < _UNSURE_SEED:
            yield f"The mask of the marked frame {frame} is unsure ({score:.2f}): look at it, add clicks."
    for run in _runs(sure < _UNSURE for sure in found.confidence):
        yield f"{_frames(run)} unsure: look at {'it' if len(run) == 1 else 'them'}, add clicks there."
    absent = (
        sure >= _UNSURE and not mask.any() for sure, mask in zip(found.confidence, found.masks, strict=True)
    )
    for run in _runs(absent):
        yield f"{_frames(run)} without the object: if it is visible there, add clicks there."


def _runs(flags: Iterable[bool]) -> Iterator[range]:
    """Where the flags are set, run by run."""
    start: int | None = None
    for frame, flag in enumerate([*flags, False]):
        if flag and start is None:
            start = frame
        elif not flag and start is not None:
            yield range(start, frame)
            start = None


def _frames(run: range) -> str:
    return f"Frame {run[0]} is" if len(run) == 1 else f"Frames {run[0]} to {run[-1]} are"


def _contradictions(marks: Sequence[Mark]) -> Iterator[str]:
    """Clicks on one pixel that say both; ``seed`` takes the pixel as the object's."""
    clicks = [mark for mark in marks if isinstance(mark, Click)]
    on, off = (
        {(c.frame, int(c.x), int(c.y)) for c in clicks if c.label == label}
        for label in ("object", "background")
    )
    for frame in sorted({place[0] for place in on & off}):
        yield f"Clicks on frame {frame} say of one place that it is the object and that it is not: take one away."


def _unused(marks: Sequence[Mark], found: Followed) -> Iterator[str]:
    for frame in marked_frames(marks):
        if frame not in found.scores:
            yield (
                f"The background clicks on frame {frame} have no effect: "
                "add a click on the object or a box on that frame."
            )
