"""How much of the picture each class takes: one pass, nothing kept."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from void_audit.errors import MaskError
from void_audit.model.mask import VALUES, ClassSequence, MaskClass, MaskStatistics


def mask_statistics(mask: ClassSequence) -> MaskStatistics:
    """Mean and largest share of every class over the frames, and the largest share that is opened.

    Raises:
        MaskError: mask-frames for a mask without frames; mask-values for an index over 3.
    """
    total = np.zeros(len(VALUES))
    largest = np.zeros(len(VALUES))
    opened, frames = 0.0, 0
    for classes in mask.classes():
        share = np.bincount(classes.ravel(), minlength=len(VALUES)) / classes.size
        if len(share) > len(VALUES):
            raise MaskError("mask-values", f"There is no mask class {classes.max()}.", "Classes are 0 to 3.")
        total += share
        largest = np.maximum(largest, share)
        opened = max(opened, 1.0 - float(share[MaskClass.KEEP]))
        frames += 1
    if not frames:
        raise MaskError("mask-frames", "The mask has no frames.", "Make it again.")
    return MaskStatistics(
        frames=frames, mean_share=_four(total / frames), max_share=_four(largest), max_opened_share=opened
    )


def _four(shares: npt.NDArray[np.float64]) -> tuple[float, float, float, float]:
    remove, overlap, affected, keep = (min(1.0, float(share)) for share in shares)
    return remove, overlap, affected, keep
