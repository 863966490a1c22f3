"""From marks on one frame to a mask of the object on that frame.

Of several candidates the best is taken by a score that looks only at the picture and the marks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from void_audit.model.clip import RGB
from void_audit.model.geometry import Size
from void_audit.model.mask import Bitmap
from void_audit.pipeline.segment.candidates import Candidate, candidates
from void_audit.pipeline.segment.colour import bins_of, histogram, likeness
from void_audit.pipeline.segment.grabcut import window_of
from void_audit.pipeline.segment.marks import Prompt
from void_audit.pipeline.segment.moving import moving, moving_part
from void_audit.pipeline.segment.saliency import Saliency
from void_audit.pipeline.segment.window import Heat, dilated, disc, extent, overlap

_FILLED = 0.5
"""Share of a box that a mask's own extent must have; below it the mask is not what was boxed."""

_MOTION = 0.2
"""Weight of motion in the score, where the clicks move: less than looks, as clicked liquid moves in its glass."""

_ALONE, _LONELY = 0.15, 0.5
"""A mask that neither motion nor another source seconds by more than the first is scored the second at most."""


@dataclass(frozen=True)
class Seed:
    """A mask of a marked frame; ``score`` is 0 to 1, and 1 is a mask that every check likes."""

    mask: Bitmap
    score: float


def seed(picture: RGB, prompt: Prompt, saliency: Saliency, *nearby: Iterable[RGB]) -> Seed:
    """The best candidate for the marked object on one frame; never empty.

    ``nearby``: pictures after and before it, see ``moving``.
    """
    moved = moving(picture, prompt.inside, *nearby)
    found = list(candidates(picture, prompt, saliency, moved))
    edges = _edge_strength(picture)
    explained = _explained(found, moved, prompt)
    scored = [
        Seed(one.mask, _score(_looks(picture, one, edges, agreed), agreed, part) * _obedience(one, prompt))
        for one, agreed, part in zip(found, _consensus(found), explained, strict=True)
    ]
    best = max(scored, key=lambda made: made.score)
    return Seed(_with_marks(best.mask, prompt), best.score)


def _consensus(found: Sequence[Candidate]) -> list[float]:
    """For each candidate: how well the two most similar masks of *other* sources overlap with it."""
    small = [c.mask[::2, ::2] for c in found]
    agreed = []
    for one, mask in zip(found, small, strict=True):
        best: dict[int, float] = {}
        for other, theirs in zip(found, small, strict=True):
            if other.source != one.source:
                best[other.source] = max(best.get(other.source, 0.0), overlap(mask, theirs))
        top = sorted(best.values(), reverse=True)[:2]
        agreed.append(sum(top) / 2)
    return agreed


def _edge_strength(picture: RGB) -> Heat:
    """Colour change per pixel, 0 to 1, where 1 is the strongest tenth of the picture."""
    blurred = cv2.GaussianBlur(picture, (0, 0), 1.0).astype(np.float32)
    change = np.hypot(cv2.Sobel(blurred, -1, 1, 0), cv2.Sobel(blurred, -1, 0, 1)).max(axis=-1)
    return np.asarray(np.clip(change / max(float(np.percentile(change, 90)), 1.0), 0, 1), np.float32)


def _looks(picture: RGB, found: Candidate, edges: Heat, agreed: float) -> float:
    """0 to 1: colours inside unlike those around, outline on edges, other sources agree, nothing cut off."""
    mask = found.mask
    box = extent(mask)
    if box is None:
        return 0.0
    size = Size(picture.shape[1], picture.shape[0])
    height, width = box.shape
    near = box.resized(width + 40, height + 40, size)
    inside = mask[near.of]
    ring = dilated(inside, 12) & ~dilated(inside, 2)
    bins = bins_of(picture[near.of])
    apart = 1 - likeness(histogram(bins, inside), histogram(bins, ring)) if ring.any() else 0.0
    outline = cv2.morphologyEx(inside.astype(np.uint8), cv2.MORPH_GRADIENT, disc(1)) > 0
    # A mask of all of the picture has no outline.
    sharp = float(edges[near.of][outline].mean()) if outline.any() else 0.0
    return 0.25 * apart + 0.25 * sharp + 0.3 * agreed + 0.2 * found.whole


def _score(looks: float, agreed: float, explained: float | None) -> float:
    """Looks and motion together; nobody's word alone is trusted."""
    score = looks if explained is None else (1 - _MOTION) * looks + _MOTION * explained
    return min(score, _LONELY) if max(agreed, explained or 0.0) < _ALONE else score


def _explained(found: Sequence[Candidate], moved: Heat | None, prompt: Prompt) -> list[float | None]:
    """For each candidate, 0 to 1: how much of what moves with the clicks it has, and how little of what stays."""
    if moved is None:
        return [None] * len(found)
    part = moving_part(moved, prompt.inside)
    moves, stays = np.maximum(moved, 0), np.maximum(-moved, 0)
    return [
        float(moves[one.mask].sum() / max(float(moves[one.mask | part].sum() + stays[one.mask].sum()), 1.0))
        for one in found
    ]


def _obedience(found: Candidate, prompt: Prompt) -> float:
    """0 to 1: object clicks are in the mask, background clicks are not, and a box is not left empty."""
    mask = found.mask
    hit = float(np.mean([mask[y, x] for x, y in prompt.inside])) if prompt.inside else 1.0
    clear = 1 - float(np.mean([mask[y, x] for x, y in prompt.outside])) if prompt.outside else 1.0
    filled = min(1.0, found.whole / _FILLED) if prompt.box else 1.0
    return hit * hit * clear * filled


def _with_marks(mask: Bitmap, prompt: Prompt) -> Bitmap:
    """Clicks win: background clicks are out of the mask; object clicks are in it. An empty box is filled."""
    marked = mask.astype(np.uint8)
    for points, value in ((prompt.outside, 0), (prompt.inside, 1)):
        for point in points:
            cv2.circle(marked, point, 2, value, -1)
    if not marked.any():
        marked[window_of(prompt.box, Size(*mask.shape[::-1])).of] = 1
    return marked > 0
