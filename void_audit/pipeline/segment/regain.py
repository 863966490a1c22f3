"""Finding a lost object again: something new in the picture that has its colours and about its size."""

from __future__ import annotations

import cv2
import numpy as np

from void_audit.model.clip import RGB
from void_audit.model.mask import Bitmap
from void_audit.pipeline.segment.colour import ColourModel, bins_of, histogram, likeness
from void_audit.pipeline.segment.window import Heat, disc

_SIZES = 0.15, 3.0
"""Smallest and largest area of a find, of the object's area on the clicked frame."""

_ALIKE = 0.6
"""Smallest likeness of colours (Bhattacharyya) between a find and the clicked object."""


def regained(picture: RGB, changed: Heat, known: Bitmap, colours: ColourModel, area: int) -> Bitmap | None:
    """The part of the picture that differs from the plate and looks like the object, None if there is none."""
    bins = bins_of(picture)
    likely = (changed > 0.6) & known & (colours.evidence(bins) > -0.2)
    opened = cv2.morphologyEx(likely.astype(np.uint8), cv2.MORPH_OPEN, disc(1))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(opened)
    best, found = _ALIKE, None
    for number in range(1, count):
        if not _SIZES[0] * area <= stats[number, cv2.CC_STAT_AREA] <= _SIZES[1] * area:
            continue
        part = labels == number
        alike = likeness(histogram(bins, part), colours.anchor)
        if alike > best:
            best, found = alike, part
    return found
