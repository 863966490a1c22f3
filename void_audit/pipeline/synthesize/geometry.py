"""Which part of the picture is synthesised, and at what size."""

from __future__ import annotations

from typing import Literal

from void_audit.model.geometry import Rect, Size
from void_audit.model.plan import Geometry

MARGIN = 0.25
"""Surroundings on every side, as a part of the opened box's longer side."""

LEAST_MARGIN = 32

SHORT_SIDE = 384
"""The whole frame's shorter side in profile ``384p``."""


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


def _even(low: int, high: int, limit: int) -> tuple[int, int]:
    """The interval widened to even edges and cut to ``0 .. limit``."""
    return max(0, low - low % 2), min(limit, high + high % 2)


def _scaled(length: int, scale: float) -> int:
    return max(2, 2 * round(length * scale / 2))
