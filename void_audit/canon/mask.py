"""What a mask *is*, in bytes that stay the same for ever: hashes over class indices, not over a file.

The definition is that of ``model.mask.MaskIdentity``; makers and checkers share it.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from void_audit.canon.merkle import leaf_hash, root
from void_audit.errors import MaskError
from void_audit.model.mask import VALUES, Classes, ClassSequence, MaskClass, MaskIdentity, MaskStatistics


def frame_hash(classes: Classes) -> str:
    """SHA-256, in hexadecimal, of width and height (big-endian u32) and the class indices, row by row.

    Raises:
        MaskError: mask-values for an index under 0 or over 3.
    """
    height, width = classes.shape
    for index in (classes.min(initial=0), classes.max(initial=0)):
        if not 0 <= index <= max(MaskClass):  # a wider integer would wrap into a class that exists
            raise MaskError("mask-values", f"There is no mask class {index}.", "Classes are 0 to 3.")
    digest = hashlib.sha256(struct.pack(">II", width, height))
    digest.update(np.ascontiguousarray(classes, np.uint8).data)
    return digest.hexdigest()


def mask_identity(mask: ClassSequence) -> tuple[MaskIdentity, list[str]]:
    """The mask's identity, and the frame hashes (hexadecimal) that lead to it.

    Raises:
        MaskError: mask-size if a picture has another size than the sequence, mask-frames if pictures are missing.
    """
    hashes = list(_frame_hashes(mask))
    if not hashes or len(hashes) != len(mask):
        raise MaskError(
            "mask-frames", f"The mask gave {len(hashes)} of {len(mask)} frames.", "Make it again."
        )
    width, height = mask.size
    return MaskIdentity(width=width, height=height, frames=len(hashes), root=mask_root(hashes)), hashes


def mask_root(frame_hashes: list[str]) -> str:
    """RFC 6962 root, in hexadecimal, over the frame hashes in order."""
    return root(leaf_hash(bytes.fromhex(digest)) for digest in frame_hashes).hex()


def _frame_hashes(mask: ClassSequence) -> Iterator[str]:
    expected = (mask.size.height, mask.size.width)
    for number, classes in enumerate(mask.classes()):
        if classes.shape != expected:
            raise MaskError(
                "mask-size", f"Frame {number} of the mask is {classes.shape}.", f"Not {expected}."
            )
        yield frame_hash(classes)


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
