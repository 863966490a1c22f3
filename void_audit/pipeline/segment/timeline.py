"""Both directions of time: masks of clicked frames, passes from them, and what they agree on in between."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from void_audit.model.clip import RGB, Clip
from void_audit.model.engine import EngineInfo, Progress, no_progress
from void_audit.model.geometry import Size
from void_audit.model.mask import Bitmap, PackedBitmaps
from void_audit.model.track import Click, Track
from void_audit.pipeline.segment.colour import ColourModel, bins_of, histogram
from void_audit.pipeline.segment.follow import Estimate, Follower
from void_audit.pipeline.segment.marks import Prompt, prompts
from void_audit.pipeline.segment.saliency import Saliency
from void_audit.pipeline.segment.seed import Seed, seed
from void_audit.pipeline.segment.window import dilated, eroded, overlap

_UNSURE_SEED = 0.55
"""Score of a clicked frame's mask below which a person should look at it."""

_UNSURE = 0.5
"""Confidence below which frames are named in a warning."""


def follow_clicks(
    clip: Clip,
    clicks: Sequence[Click],
    saliency: Saliency,
    info: EngineInfo,
    progress: Progress = no_progress,
) -> Track:
    """Masks of the clicked object on every frame of the clip, in the clip's size.

    Raises RequestError for unusable clicks (see ``check_marks``).
    """
    wanted = prompts(clicks, clip.info)
    seeds, colours = _seeds(clip, wanted, saliency, progress)
    timeline = _Timeline(clip.info.size, clip.info.frames, tuple(seeds))
    _forwards(clip, seeds, Follower(saliency, clip.info.size, replace(colours)), timeline, progress)
    _backwards(clip, seeds, Follower(saliency, clip.info.size, replace(colours)), timeline, progress)
    clicked = tuple(sorted({click.frame for click in clicks}))
    return Track(
        timeline.masks, tuple(timeline.confidence), clicked, info,
        (*_seed_warnings(seeds), *_frame_warnings(timeline.confidence)),
    )  # fmt: skip


@dataclass
class _Timeline:
    """The track while it is made. ``waiting`` holds, compressed, what forwards said between two clicks."""

    size: Size
    frames: int
    keys: tuple[int, ...]
    waiting: dict[int, Estimate] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.masks = PackedBitmaps.empty(self.size, self.frames)
        self.confidence = [0.0] * self.frames

    def forwards(self, frame: int, said: Estimate) -> None:
        if self._between(frame):
            self.waiting[frame] = replace(said, evidence=zlib.compress(said.evidence, 1))
        else:
            self._settle(frame, said.heat(self.size) > 0, said.confidence)

    def backwards(self, frame: int, said: Estimate) -> None:
        if frame in self.waiting:
            packed = self.waiting.pop(frame)
            self._blend(frame, replace(packed, evidence=zlib.decompress(packed.evidence)), said)
        elif frame < self.keys[0]:
            self._settle(frame, said.heat(self.size) > 0, said.confidence)

    def _between(self, frame: int) -> bool:
        return self.keys[0] < frame < self.keys[-1] and frame not in self.keys

    def _blend(self, frame: int, ahead: Estimate, back: Estimate) -> None:
        before = max(key for key in self.keys if key < frame)
        after = min(key for key in self.keys if key > frame)
        share = (frame - before) / (after - before)
        weight = (1 - share) ** 2 * ahead.confidence, share**2 * back.confidence
        one, other = ahead.heat(self.size), back.heat(self.size)
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
    """The clicked frames' masks, and the colours learnt from all of them."""
    found: dict[int, Seed] = {}
    inside, around = [], []
    for number, prompt in enumerate(wanted):
        progress("finding the clicked object", number, len(wanted))
        picture = next(clip.frames(prompt.frame, prompt.frame + 1))
        made = seed(picture, prompt, saliency)
        found[prompt.frame] = made
        bins = bins_of(picture)
        core = eroded(made.mask, 1)
        inside.append(histogram(bins, core if core.any() else made.mask))
        around.append(histogram(bins, dilated(made.mask, 40) & ~dilated(made.mask, 4)))
    mean = np.mean(inside, axis=0)
    return found, ColourModel(mean, mean, np.mean(around, axis=0))


def _forwards(
    clip: Clip, seeds: Mapping[int, Seed], follower: Follower, timeline: _Timeline, progress: Progress
) -> None:
    first = min(seeds)
    for frame, picture in enumerate(clip.frames(first), first):
        progress("following the object forwards", frame - first, clip.info.frames - first)
        timeline.forwards(frame, _next(follower, seeds.get(frame), picture))


def _backwards(
    clip: Clip, seeds: Mapping[int, Seed], follower: Follower, timeline: _Timeline, progress: Progress
) -> None:
    last = max(seeds)
    if last == 0:
        return
    for done, picture in enumerate(clip.frames_backwards(last + 1)):
        progress("following the object backwards", done, last + 1)
        frame = last - done
        timeline.backwards(frame, _next(follower, seeds.get(frame), picture))


def _next(follower: Follower, clicked: Seed | None, picture: RGB) -> Estimate:
    if clicked is None:
        return follower.step(picture)
    return follower.start(picture, clicked.mask, clicked.score)


def _seed_warnings(seeds: Mapping[int, Seed]) -> Iterator[str]:
    for frame, made in seeds.items():
        if made.score < _UNSURE_SEED:
            yield f"The mask of the clicked frame {frame} is unsure ({made.score:.2f}): look at it, add clicks."


def _frame_warnings(confidence: Sequence[float]) -> Iterator[str]:
    """One sentence per run of unsure frames."""
    start: int | None = None
    for frame, sure in enumerate([*confidence, 1.0]):
        if sure < _UNSURE and start is None:
            start = frame
        elif sure >= _UNSURE and start is not None:
            yield f"Frames {start} to {frame - 1} are unsure: look at them, add clicks there."
            start = None
