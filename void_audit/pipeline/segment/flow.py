"""Where pixels came from: dense optical flow, and how far it can be trusted.

Flow: Kroeger et al., "Fast optical flow using dense inverse search", ECCV 2016 (OpenCV's DISOpticalFlow).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from void_audit.pipeline.segment.window import Colours, Heat

Vectors = npt.NDArray[np.float32]
"""``(height, width, 2)`` float32: columns, rows."""


_SMALLEST = 12
"""Shorter side in pixels below which OpenCV computes no flow; nothing moves then."""


@dataclass(frozen=True)
class Motion:
    """For every pixel of the new picture: where it was in the old one, and how sure that is (0 to 1)."""

    vectors: Vectors
    trust: Heat

    @classmethod
    def still(cls, shape: tuple[int, int]) -> Motion:
        """No motion, fully trusted."""
        return cls(np.zeros((*shape, 2), np.float32), np.ones(shape, np.float32))

    def bring(self, old: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Values of the old picture carried to the new one; 0 where they come from outside."""
        return _sample(old, self.vectors)


class FlowEstimator:
    """Flow between two pictures of one size, in both directions.

    Args:
        fine: take more time for it.
    """

    def __init__(self, *, fine: bool = False) -> None:
        preset = cv2.DISOPTICAL_FLOW_PRESET_MEDIUM if fine else cv2.DISOPTICAL_FLOW_PRESET_FAST
        self._flow = cv2.DISOpticalFlow.create(preset)

    def between(self, old: Colours, new: Colours) -> Motion:
        """Motion from ``old`` to ``new``.

        Trust falls where going there and back does not return to the same pixel, where the colours differ,
        and where the pixel comes from outside the picture.
        """
        grey_old, grey_new = _grey(old), _grey(new)
        vectors, back = self._vectors(grey_new, grey_old), self._vectors(grey_old, grey_new)
        astray = np.linalg.norm(vectors + _sample(back, vectors, outside=1e3), axis=-1)
        difference = np.abs(new.astype(np.float32) - _sample(old.astype(np.float32), vectors)).max(axis=-1)
        difference = cv2.blur(difference, (5, 5))
        trust = np.exp(-((astray / 2) ** 2)) * np.exp(-((difference / 20) ** 2))
        return Motion(vectors, np.asarray(trust, np.float32))

    def vectors(self, here: Colours, there: Colours) -> Vectors:
        """For every pixel of ``here``: how far away it is in ``there``."""
        return self._vectors(_grey(here), _grey(there))

    def _vectors(self, here: cv2.typing.MatLike, there: cv2.typing.MatLike) -> Vectors:
        start = np.zeros((*here.shape[:2], 2), np.float32)
        if min(here.shape[:2]) < _SMALLEST:
            return start
        return np.asarray(self._flow.calc(here, there, start), np.float32)


def _grey(picture: Colours) -> cv2.typing.MatLike:
    return cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY)


def _sample(
    values: npt.NDArray[np.float32], vectors: Vectors, outside: float = 0.0
) -> npt.NDArray[np.float32]:
    rows, columns = vectors.shape[:2]
    x, y = np.meshgrid(np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32))
    sampled = cv2.remap(
        values, x + vectors[..., 0], y + vectors[..., 1], cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT, borderValue=(outside,) * 4,
    )  # fmt: skip
    return np.asarray(sampled, np.float32)
