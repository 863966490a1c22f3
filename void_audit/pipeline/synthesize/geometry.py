"""Which part of the picture is synthesised, and at what size."""

from __future__ import annotations

from math import ceil, sqrt
from typing import Literal

from void_audit.model.geometry import Rect, Size
from void_audit.model.plan import Geometry
from void_audit.model.void import TRAINED_AREA

MARGIN = 0.25
"""Surroundings on every side, as a part of the opened box's longer side."""

LEAST_MARGIN = 32

SHORT_SIDE = 384
"""The whole frame's shorter side in profile ``384p``."""

MODEL_MARGIN = 0.5
"""As ``MARGIN``, for the diffusion model: it infers from the surroundings what the world does without the object."""

MODEL_SIZE = Size(672, 384)
"""The size that VOID was trained for (spec/void 1.3)."""

WIDEST = 7 / 4
"""Longer side by shorter side, at most: the aspect that VOID was trained for."""


def choose_geometry(box: Rect, source: Size, profile: Literal["native", "384p"]) -> Geometry:
    """A crop around ``box`` with a margin, and the size at which it is synthesised.

    Edges are even wherever the frame's own edge does not decide, so that subsampled chroma is cut whole.
    The crop is never scaled up, and its aspect is kept to within a pixel of either side.
    """
    margin = max(LEAST_MARGIN, round(MARGIN * max(box.width, box.height)))
    x0, x1 = _even(box.x - margin, box.right + margin, source.width)
    y0, y1 = _even(box.y - margin, box.bottom + margin, source.height)
    crop = Rect(x=x0, y=y0, width=x1 - x0, height=y1 - y0)
    scale = 1.0 if profile == "native" else min(1.0, SHORT_SIDE / min(source))
    if scale == 1.0:
        return Geometry(crop=crop, width=crop.width, height=crop.height)
    return Geometry(crop=crop, width=_scaled(crop.width, scale), height=_scaled(crop.height, scale))


def model_geometry(box: Rect, source: Size, area: int = TRAINED_AREA) -> Geometry:
    """A crop around ``box`` at which the diffusion model is good, and the size at which it works on it.

    The crop has a generous margin, an aspect between 4:7 and 7:4, and at least ``area`` pixels, each as far as
    the source has room for it, in this order; edges are even as in ``choose_geometry``. It is scaled, up or
    down, to ``area`` pixels: never stretched, only rounded to even numbers.
    """
    crop = _around(box, _model_crop(box, source, area), source)
    scale = sqrt(area / (crop.width * crop.height))
    return Geometry(crop=crop, width=_scaled(crop.width, scale), height=_scaled(crop.height, scale))


def reference_geometry(source: Size) -> Geometry:
    """The whole frame, stretched to the model's size as the published code does it."""
    whole = Rect(x=0, y=0, width=source.width, height=source.height)
    return Geometry(crop=whole, width=MODEL_SIZE.width, height=MODEL_SIZE.height)


def _model_crop(box: Rect, source: Size, area: int) -> Size:
    margin = 2 * ceil(MODEL_MARGIN * max(box.width, box.height))
    width, height = min(source.width, box.width + margin), min(source.height, box.height + margin)
    width = max(width, min(source.width, ceil(height / WIDEST)))
    height = max(height, min(source.height, ceil(width / WIDEST)))
    # Grown in its own aspect; where the frame ends on one side, in the other as far as the aspect lets it.
    growth = max(1.0, sqrt(area / (width * height)))
    wide, high = min(source.width, ceil(width * growth)), min(source.height, ceil(height * growth))
    return Size(
        max(width, min(source.width, max(wide, ceil(area / high)), int(high * WIDEST))),
        max(height, min(source.height, max(high, ceil(area / wide)), int(wide * WIDEST))),
    )


def _around(box: Rect, size: Size, source: Size) -> Rect:
    """A rectangle of at least ``size`` with ``box`` as near to its middle as the frame allows."""
    x = min(max(0, box.x - (size.width - box.width) // 2), source.width - size.width)
    y = min(max(0, box.y - (size.height - box.height) // 2), source.height - size.height)
    x0, x1 = _even(x, x + size.width, source.width)
    y0, y1 = _even(y, y + size.height, source.height)
    return Rect(x=x0, y=y0, width=x1 - x0, height=y1 - y0)


def _even(low: int, high: int, limit: int) -> tuple[int, int]:
    """The interval widened to even edges and cut to ``0 .. limit``."""
    return max(0, low - low % 2), min(limit, high + high % 2)


def _scaled(length: int, scale: float) -> int:
    return max(2, 2 * round(length * scale / 2))
