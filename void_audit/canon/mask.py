"""What a mask *is*, in bytes that stay the same for ever: hashes over class indices, not over a file.

The definition is that of ``model.mask.MaskIdentity``; makers and checkers share it.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from void_audit.canon import jcs
from void_audit.canon.hashing import sha256_hex
from void_audit.canon.merkle import leaf_hash, root
from void_audit.errors import MaskError
from void_audit.model.mask import Classes, ClassSequence, MaskIdentity, MaskStatistics
from void_audit.model.mask_schema import MAX_CLASSES, MaskSchema


def frame_hash(classes: Classes) -> str:
    """SHA-256, in hexadecimal, of width and height (big-endian u32) and the class indices, row by row.

    Raises:
        MaskError: mask-values for an index that no schema can have.
    """
    height, width = classes.shape
    for index in (classes.min(initial=0), classes.max(initial=0)):
        if not 0 <= index < MAX_CLASSES:  # a wider integer would wrap into a class that exists
            raise MaskError(
                "mask-values", f"There is no mask class {index}.", f"Classes are 0 to {MAX_CLASSES - 1}."
            )
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


def mask_statistics(mask: ClassSequence, schema: MaskSchema) -> MaskStatistics:
    """Mean and largest share of every class over the frames, and the largest share that is opened.

    Raises:
        MaskError: mask-frames for a mask without frames; mask-values for an index that the schema does not have.
    """
    count, opens = len(schema.classes), schema.opens
    total, largest = np.zeros(count), np.zeros(count)
    opened, frames = 0.0, 0
    for classes in mask.classes():
        share = np.bincount(classes.ravel(), minlength=count) / classes.size
        if len(share) > count:
            raise MaskError(
                "mask-values", f"There is no mask class {classes.max()}.", f"Classes are 0 to {count - 1}."
            )
        total += share
        largest = np.maximum(largest, share)
        opened = max(opened, 1.0 - float(share[~opens].sum()))
        frames += 1
    if not frames:
        raise MaskError("mask-frames", "The mask has no frames.", "Make it again.")
    return MaskStatistics(
        frames=frames,
        mean_share=_shares(total / frames),
        max_share=_shares(largest),
        max_opened_share=min(1.0, max(0.0, opened)),
    )


def _shares(shares: npt.NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(min(1.0, float(share)) for share in shares)


def schema_digest(schema: MaskSchema) -> str:
    """SHA-256, in hexadecimal, of a schema's RFC 8785 bytes."""
    return sha256_hex(jcs.canonical(schema.model_dump(mode="json")))
