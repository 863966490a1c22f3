"""From clicks on one frame to a mask of the object on that frame.

Several candidates are made (the saliency network on crops of several sizes, GrabCut round the clicks) and
the best is taken by a score that looks only at the picture and the clicks.

GrabCut: Rother et al., "GrabCut: interactive foreground extraction using iterated graph cuts", 2004.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from void_audit.model.clip import RGB
from void_audit.model.geometry import Size
from void_audit.model.mask import Bitmap
from void_audit.pipeline.segment.colour import bins_of, histogram, likeness
from void_audit.pipeline.segment.marks import Points, Prompt
from void_audit.pipeline.segment.saliency import Saliency
from void_audit.pipeline.segment.window import Heat, Window, around, dilated, disc, extent, overlap, touching

_SIDE = 320
"""Working resolution of the network on a clicked frame, where it has to be right."""

_FRACTIONS = (0.25, 0.4, 0.6, 0.9, 1.3)
"""Crop sizes round the clicks, of the picture's shorter side."""

_SPANS = (1.3, 1.7, 2.4)
"""Crop sizes round the clicks, of the clicks' own extent."""

_LEVELS = (0.3, 0.5, 0.7)
"""Saliency above which a pixel belongs to a candidate."""

_SMALLEST_CROP = 64


_STEP = 1.3
"""A crop is taken only if it is this much larger than the one before."""


@dataclass(frozen=True)
class Candidate:
    """A mask, the number of the crop it was seen in (-1 GrabCut), and whether the crop cut it off (0) or not (1)."""

    mask: Bitmap
    source: int
    whole: float


@dataclass(frozen=True)
class Seed:
    """A mask of a clicked frame; ``score`` is 0 to 1, and 1 is a mask that every check likes."""

    mask: Bitmap
    score: float


def seed(picture: RGB, prompt: Prompt, saliency: Saliency) -> Seed:
    """The best candidate for the clicked object on one frame; never empty."""
    candidates = [*_salient(picture, prompt, saliency), _cut(picture, prompt)]
    agreed = _consensus(candidates)
    edges = _edge_strength(picture)
    scored = [
        Seed(found.mask, _score(picture, found, prompt, edges, common))
        for found, common in zip(candidates, agreed, strict=True)
    ]
    best = max(scored, key=lambda found: found.score)
    return Seed(_with_clicks(best.mask, prompt), best.score)


def _salient(picture: RGB, prompt: Prompt, saliency: Saliency) -> Iterator[Candidate]:
    size = Size(picture.shape[1], picture.shape[0])
    for number, crop in enumerate(crops(prompt.inside, size)):
        heat = saliency(np.ascontiguousarray(picture[crop.of]), _SIDE)
        for level in _LEVELS:
            mask = np.zeros(picture.shape[:2], bool)
            mask[crop.of] = heat > level
            mask = touching(mask, prompt.inside)
            yield Candidate(mask, number, _wholeness(mask, crop, size))


def _wholeness(mask: Bitmap, crop: Window, size: Size) -> float:
    """1 if the crop's border cuts nothing off, down to 0. The picture's own border may cut."""
    part = mask[crop.of]
    sides = (
        (crop.left > 0, part[:, 0]), (crop.right < size.width, part[:, -1]),
        (crop.top > 0, part[0]), (crop.bottom < size.height, part[-1]),
    )  # fmt: skip
    cut = sum(int(line.sum()) for inner, line in sides if inner)
    return max(0.0, 1 - cut / max(float(np.sqrt(part.sum())), 1.0))


def _consensus(candidates: list[Candidate]) -> list[float]:
    """For each candidate: how well the two most similar masks of *other* sources overlap with it."""
    small = [c.mask[::2, ::2] for c in candidates]
    agreed = []
    for one, mask in zip(candidates, small, strict=True):
        best: dict[int, float] = {}
        for other, theirs in zip(candidates, small, strict=True):
            if other.source != one.source:
                best[other.source] = max(best.get(other.source, 0.0), overlap(mask, theirs))
        top = sorted(best.values(), reverse=True)[:2]
        agreed.append(sum(top) / 2)
    return agreed


def crops(points: Points, size: Size) -> list[Window]:
    """Square windows of growing size round the points, cut to the picture."""
    columns, rows = zip(*points, strict=True)
    span = max(max(columns) - min(columns), max(rows) - min(rows))
    centre = (max(columns) + min(columns)) / 2, (max(rows) + min(rows)) / 2
    sides = [f * min(size) for f in _FRACTIONS] + [s * span for s in _SPANS]
    windows: list[Window] = []
    last = max(_SMALLEST_CROP, 1.1 * span) / _STEP
    for side in sorted(sides):
        window = around(centre, side, side, size)
        if side > _STEP * last and window not in windows:
            windows.append(window)
            last = side
    return windows or [around(centre, max(size), max(size), size)]


def _cut(picture: RGB, prompt: Prompt) -> Candidate:
    """GrabCut, started from the convex hull of the clicks, at half size."""
    size = Size(picture.shape[1], picture.shape[0])
    half = (max(size.width // 2, 1), max(size.height // 2, 1))
    small = cv2.resize(picture, half, interpolation=cv2.INTER_AREA)
    labels = cv2.resize(_trimap(prompt, size), half, interpolation=cv2.INTER_NEAREST)
    cv2.setRNGSeed(1)
    ground, figure = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(small, labels, (0, 0, 1, 1), ground, figure, 4, cv2.GC_INIT_WITH_MASK)
    found = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)
    return Candidate(touching(cv2.resize(found, tuple(size)) > 0.5, prompt.inside), -1, 1.0)


def _trimap(prompt: Prompt, size: Size) -> cv2.typing.MatLike:
    labels = np.full((size.height, size.width), cv2.GC_BGD, np.uint8)
    window = _reach(prompt.inside, size)
    labels[window.of] = cv2.GC_PR_BGD
    hull = np.zeros_like(labels)
    cv2.fillConvexPoly(hull, cv2.convexHull(np.array(prompt.inside, np.int32)), 1)
    radius = max(3, min(size) // 40) if len(prompt.inside) < 3 else 3
    labels[dilated(hull > 0, radius)] = cv2.GC_PR_FGD
    for points, label in ((prompt.inside, cv2.GC_FGD), (prompt.outside, cv2.GC_BGD)):
        for point in points:
            cv2.circle(labels, point, 3, int(label), -1)
    return labels


def _reach(points: Points, size: Size) -> Window:
    """How far from the clicks the object may go: 40 % of their extent, at least a sixth of the picture."""
    columns, rows = zip(*points, strict=True)
    span = max(max(columns) - min(columns), max(rows) - min(rows))
    margin = max(0.4 * span, min(size) / 6)
    left, right = max(0, min(columns) - margin), min(size.width, max(columns) + margin + 1)
    top, bottom = max(0, min(rows) - margin), min(size.height, max(rows) + margin + 1)
    return Window(int(left), int(top), int(right), int(bottom))


def _edge_strength(picture: RGB) -> Heat:
    """Colour change per pixel, 0 to 1, where 1 is the strongest tenth of the picture."""
    blurred = cv2.GaussianBlur(picture, (0, 0), 1.0).astype(np.float32)
    change = np.hypot(cv2.Sobel(blurred, -1, 1, 0), cv2.Sobel(blurred, -1, 0, 1)).max(axis=-1)
    return np.asarray(np.clip(change / max(float(np.percentile(change, 90)), 1.0), 0, 1), np.float32)


def _score(picture: RGB, found: Candidate, prompt: Prompt, edges: Heat, agreed: float) -> float:
    """0 to 1: clicks obeyed, colours inside unlike those around, outline on edges, other sources agree."""
    mask = found.mask
    box = extent(mask)
    if box is None:
        return 0.0
    hit = float(np.mean([mask[y, x] for x, y in prompt.inside]))
    clear = 1 - float(np.mean([mask[y, x] for x, y in prompt.outside])) if prompt.outside else 1.0
    size = Size(picture.shape[1], picture.shape[0])
    height, width = box.shape
    near = box.resized(width + 40, height + 40, size)
    inside = mask[near.of]
    ring = dilated(inside, 12) & ~dilated(inside, 2)
    bins = bins_of(picture[near.of])
    apart = 1 - likeness(histogram(bins, inside), histogram(bins, ring)) if ring.any() else 0.0
    outline = cv2.morphologyEx(inside.astype(np.uint8), cv2.MORPH_GRADIENT, disc(1)) > 0
    sharp = float(edges[near.of][outline].mean())
    return float(hit * hit * clear * (0.25 * apart + 0.25 * sharp + 0.3 * agreed + 0.2 * found.whole))


def _with_clicks(mask: Bitmap, prompt: Prompt) -> Bitmap:
    """Clicks win: background clicks are out of the mask; object clicks are in it, so it is never empty."""
    marked = mask.astype(np.uint8)
    for points, value in ((prompt.outside, 0), (prompt.inside, 1)):
        for point in points:
            cv2.circle(marked, point, 2, value, -1)
    return marked > 0
