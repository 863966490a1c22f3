"""Candidates for the mask of a marked frame.

They come from the saliency network on crops of several sizes, from the colours round the marks, and from what moves
together with the clicks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from void_audit.model.clip import RGB
from void_audit.model.geometry import Rect, Size
from void_audit.model.mask import Bitmap
from void_audit.pipeline.segment.grabcut import cut_from_marks, cut_from_motion, window_of
from void_audit.pipeline.segment.marks import Prompt
from void_audit.pipeline.segment.saliency import Saliency
from void_audit.pipeline.segment.window import Heat, Window, around, extent, share_of, tidied, touching

SEED_SIDE = 320
"""Working resolution of the network on a marked frame, where it has to be right."""

_FRACTIONS = (0.25, 0.4, 0.6, 0.9, 1.3)
"""Crop sizes round the clicks, of the picture's shorter side."""

_SPANS = (1.3, 1.7, 2.4)
"""Crop sizes round the clicks, of the clicks' own extent."""

_ROOM = (1.15, 1.4, 1.8)
"""Crop sizes round a box, of its own size."""

_LEVELS = (0.3, 0.5, 0.7)
"""Saliency above which a pixel belongs to a candidate."""

_SMALLEST_CROP = 64

_STEP = 1.3
"""A crop is taken only if it is this much larger than the one before."""

_COLOURS, _MOTION = -1, -2
"""Numbers of the sources that are no crops."""


@dataclass(frozen=True)
class Candidate:
    """A mask, the number of the crop it was seen in (below 0: other sources), and how whole it looks, 0 to 1.

    Seen in a crop round clicks: 1 where the crop cuts nothing off. In a box: 1 where it fills the box.
    """

    mask: Bitmap
    source: int
    whole: float


def candidates(
    picture: RGB, prompt: Prompt, saliency: Saliency, moved: Heat | None = None
) -> Iterator[Candidate]:
    """Masks of what was marked; any of them may be empty. With a box, none reaches out of it.

    ``moved``: see ``moving``.
    """
    size = Size(picture.shape[1], picture.shape[0])
    for number, crop in enumerate(crops(prompt, size)):
        heat = saliency(np.ascontiguousarray(picture[crop.of]), SEED_SIDE)
        for level in _LEVELS:
            mask = np.zeros(picture.shape[:2], bool)
            mask[crop.of] = heat > level
            mask = _meant(mask, prompt)
            yield Candidate(mask, number, _wholeness(mask, crop, prompt.box, size))
    cuts = {_COLOURS: cut_from_marks(picture, prompt)}
    if moved is not None:
        cuts[_MOTION] = cut_from_motion(picture, prompt, moved)
    for number, cut in cuts.items():
        mask = _meant(cut, prompt)
        yield Candidate(mask, number, _wholeness(mask, window_of(None, size), prompt.box, size))


def crops(prompt: Prompt, size: Size) -> list[Window]:
    """Windows of growing size: of the box's shape round a box, else square round the clicks; cut to the picture."""
    if prompt.box is not None:
        return _crops_of_box(window_of(prompt.box, size), size)
    columns, rows = zip(*prompt.inside, strict=True)
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


def _crops_of_box(box: Window, size: Size) -> list[Window]:
    height, width = box.shape
    windows: list[Window] = []
    for room in _ROOM:
        window = box.resized(max(room * width, _SMALLEST_CROP), max(room * height, _SMALLEST_CROP), size)
        if window not in windows:
            windows.append(window)
    return windows


def _meant(mask: Bitmap, prompt: Prompt) -> Bitmap:
    """The parts that are clicked; in a box, all of any size."""
    if prompt.box is None:
        return touching(mask, prompt.inside)
    boxed = np.zeros_like(mask)
    part = window_of(prompt.box, Size(*mask.shape[::-1])).of
    boxed[part] = mask[part]
    return tidied(boxed, boxed) | touching(boxed, prompt.inside)


def _wholeness(mask: Bitmap, crop: Window, box: Rect | None, size: Size) -> float:
    if box is not None:
        found = extent(mask)
        return share_of(found, window_of(box, size)) if found else 0.0
    return _uncut(mask, crop, size)


def _uncut(mask: Bitmap, crop: Window, size: Size) -> float:
    """1 if the crop's border cuts nothing off, down to 0. The picture's own border may cut."""
    part = mask[crop.of]
    sides = (
        (crop.left > 0, part[:, 0]), (crop.right < size.width, part[:, -1]),
        (crop.top > 0, part[0]), (crop.bottom < size.height, part[-1]),
    )  # fmt: skip
    cut = sum(int(line.sum()) for inner, line in sides if inner)
    return max(0.0, 1 - cut / max(float(np.sqrt(part.sum())), 1.0))
