"""Both directions of time: masks of marked frames, passes from them, and what they agree on in between."""

from __future__ import annotations

from bisect import bisect
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from void_audit.model.clip import RGB, Clip
from void_audit.model.engine import Progress, no_progress
from void_audit.model.geometry import Size
from void_audit.model.mask import Bitmap, PackedBitmaps
from void_audit.pipeline.segment.colour import ColourModel, bins_of, histogram
from void_audit.pipeline.segment.follow import Estimate, Follower
from void_audit.pipeline.segment.marks import Prompt
from void_audit.pipeline.segment.moving import REACH
from void_audit.pipeline.segment.saliency import Saliency
from void_audit.pipeline.segment.seed import Seed, seed
from void_audit.pipeline.segment.waiting import Waiting
from void_audit.pipeline.segment.window import dilated, eroded, overlap

T = TypeVar("T")

_AHEAD = 3
"""Pictures that are looked ahead, in either direction of time; so many are held."""


@dataclass(frozen=True)
class Followed:
    """One object on every frame: masks in the clip's size, confidence 0 to 1, scores of the marked frames' masks."""

    masks: PackedBitmaps
    confidence: tuple[float, ...]
    scores: Mapping[int, float]


def follow(
    clip: Clip, wanted: Sequence[Prompt], saliency: Saliency, progress: Progress = no_progress
) -> Followed:
    """One object, from its prompts (at least one), on every frame of the clip."""
    seeds, colours = _seeds(clip, wanted, saliency, progress)
    with Waiting() as waiting:
        timeline = _Timeline(clip.info.size, clip.info.frames, tuple(seeds), waiting)
        _forwards(clip, seeds, Follower(saliency, clip.info.size, replace(colours)), timeline, progress)
        _backwards(clip, seeds, Follower(saliency, clip.info.size, replace(colours)), timeline, progress)
    return Followed(
        timeline.masks, tuple(timeline.confidence), {frame: made.score for frame, made in seeds.items()}
    )


class _Timeline:
    """The track while it is made. ``waiting`` holds what forwards said between two marked frames."""

    def __init__(self, size: Size, frames: int, keys: tuple[int, ...], waiting: Waiting) -> None:
        self._size, self._keys, self._waiting = size, keys, waiting
        self.masks = PackedBitmaps.empty(size, frames)
        self.confidence = [0.0] * frames

    def forwards(self, frame: int, said: Estimate) -> None:
        if self._keys[0] < frame < self._keys[-1] and frame not in self._keys:
            self._waiting.put(frame, said)
        else:
            self._settle(frame, said.heat(self._size) > 0, said.confidence)

    def backwards(self, frame: int, said: Estimate) -> None:
        if ahead := self._waiting.take(frame):
            self._blend(frame, ahead, said)
        elif frame < self._keys[0]:
            self._settle(frame, said.heat(self._size) > 0, said.confidence)

    def _blend(self, frame: int, ahead: Estimate, back: Estimate) -> None:
        place = bisect(self._keys, frame)
        before, after = self._keys[place - 1], self._keys[place]
        share = (frame - before) / (after - before)
        weight = (1 - share) ** 2 * ahead.confidence, share**2 * back.confidence
        one, other = ahead.heat(self._size), back.heat(self._size)
        total = max(sum(weight), 1e-6)
        agreed = 0.5 + 0.5 * overlap(one > 0, other > 0)
        sure = (weight[0] * ahead.confidence + weight[1] * back.confidence) / total
        self._settle(frame, weight[0] * one + weight[1] * other > 0, agreed * sure)

    def _settle(self, frame: int, mask: Bitmap, confidence: float) -> None:
        self.masks[frame] = mask
        self.confidence[frame] = round(min(max(confidence, 0.0), 1.0), 4)


def _seeds(
    clip: Clip, wanted: Sequence[Prompt], saliency: Saliency, progress: Progress
) -> tuple[dict[int, Seed], ColourModel]:
    """The marked frames' masks, and the colours learnt from all of them."""
    found: dict[int, Seed] = {}
    inside, around = [], []
    for prompt in _counted(wanted, len(wanted), "finding the marked object", progress):
        picture = next(clip.frames(prompt.frame, prompt.frame + 1))
        made = seed(picture, prompt, saliency, *_nearby(clip, prompt.frame))
        found[prompt.frame] = made
        bins = bins_of(picture)
        core = eroded(made.mask, 1)
        inside.append(histogram(bins, core if core.any() else made.mask))
        around.append(histogram(bins, dilated(made.mask, 40) & ~dilated(made.mask, 4)))
    mean = np.mean(inside, axis=0)
    return found, ColourModel(mean, mean, np.mean(around, axis=0))


def _nearby(clip: Clip, frame: int) -> tuple[Iterator[RGB], Iterator[RGB]]:
    """Pictures after a frame and before it, nearest first."""
    after = clip.frames(frame + 1, min(frame + 1 + REACH, clip.info.frames))
    return after, clip.frames_backwards(frame, max(frame - REACH, 0))


def _forwards(
    clip: Clip, seeds: Mapping[int, Seed], follower: Follower, timeline: _Timeline, progress: Progress
) -> None:
    first = min(seeds)
    pictures = _counted(
        clip.frames(first), clip.info.frames - first, "following the object forwards", progress
    )
    for frame, (picture, ahead) in enumerate(looking_ahead(pictures), first):
        timeline.forwards(frame, _next(follower, seeds.get(frame), picture, ahead))


def _backwards(
    clip: Clip, seeds: Mapping[int, Seed], follower: Follower, timeline: _Timeline, progress: Progress
) -> None:
    last = max(seeds)
    if last == 0:
        return
    pictures = _counted(clip.frames_backwards(last + 1), last + 1, "following the object backwards", progress)
    for frame, (picture, ahead) in zip(range(last, -1, -1), looking_ahead(pictures), strict=True):
        timeline.backwards(frame, _next(follower, seeds.get(frame), picture, ahead))


def _counted(items: Iterable[T], total: int, what: str, progress: Progress) -> Iterator[T]:
    """The items; says how many are done before each of them, and after the last."""
    for done, item in enumerate(items):
        progress(what, done, total)
        yield item
    progress(what, total, total)


def looking_ahead(pictures: Iterable[RGB]) -> Iterator[tuple[RGB, RGB | None]]:
    """Each picture with the one ``_AHEAD`` later, or the last one; None for the last."""
    held: deque[RGB] = deque()
    for picture in pictures:
        held.append(picture)
        if len(held) > _AHEAD:
            yield held.popleft(), picture
    while held:
        picture = held.popleft()
        yield picture, held[-1] if held else None


def _next(follower: Follower, marked: Seed | None, picture: RGB, ahead: RGB | None) -> Estimate:
    if marked is None:
        return follower.step(picture, ahead)
    return follower.start(picture, marked.mask, marked.score, ahead)
