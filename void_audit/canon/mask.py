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


def mask_facts(mask: ClassSequence, schema: MaskSchema) -> tuple[MaskIdentity, list[str], MaskStatistics]:
    """``mask_identity`` and ``mask_statistics``, for which the mask is read once: reading is what takes long.

    Raises:
        MaskError: as those two.
    """
    tally, hashes = _Tally(schema), []
    for digest, classes in _hashed(mask):
        tally.add(classes)
        hashes.append(digest)
    return _identity(mask, hashes), hashes, tally.result()


def mask_identity(mask: ClassSequence) -> tuple[MaskIdentity, list[str]]:
    """The mask's identity, and the frame hashes (hexadecimal) that lead to it.

    Raises:
        MaskError: mask-size if a picture has another size than the sequence, mask-frames if pictures are missing.
    """
    hashes = [digest for digest, _ in _hashed(mask)]
    return _identity(mask, hashes), hashes


def _identity(mask: ClassSequence, hashes: list[str]) -> MaskIdentity:
    if not hashes or len(hashes) != len(mask):
        raise MaskError(
            "mask-frames", f"The mask gave {len(hashes)} of {len(mask)} frames.", "Make it again."
        )
    width, height = mask.size
    return MaskIdentity(width=width, height=height, frames=len(hashes), root=mask_root(hashes))


def mask_root(frame_hashes: list[str]) -> str:
    """RFC 6962 root, in hexadecimal, over the frame hashes in order."""
    return root(leaf_hash(bytes.fromhex(digest)) for digest in frame_hashes).hex()


def _hashed(mask: ClassSequence) -> Iterator[tuple[str, Classes]]:
    expected = (mask.size.height, mask.size.width)
    for number, classes in enumerate(mask.classes()):
        if classes.shape != expected:
            raise MaskError(
                "mask-size", f"Frame {number} of the mask is {classes.shape}.", f"Not {expected}."
            )
        yield frame_hash(classes), classes


def mask_statistics(mask: ClassSequence, schema: MaskSchema) -> MaskStatistics:
    """Mean and largest share of every class over the frames, and the largest share that is opened.

    Raises:
        MaskError: mask-frames for a mask without frames; mask-values for an index that the schema does not have.
    """
    tally = _Tally(schema)
    for classes in mask.classes():
        tally.add(classes)
    return tally.result()


class _Tally:
    """Shares of classes, frame by frame."""

    def __init__(self, schema: MaskSchema) -> None:
        self._count, self._opens = len(schema.classes), schema.opens
        self._total, self._largest = np.zeros(self._count), np.zeros(self._count)
        self._opened, self._frames = 0.0, 0

    def add(self, classes: Classes) -> None:
        """The next frame."""
        # Eight comparisons of bytes are many times as fast as np.bincount, which widens every pixel to 64 bits.
        counts = np.array([np.count_nonzero(classes == index) for index in range(self._count)])
        if int(counts.sum()) != classes.size:
            raise MaskError(
                "mask-values",
                f"There is no mask class {classes.max()}.",
                f"Classes are 0 to {self._count - 1}.",
            )
        share = counts / classes.size
        self._total += share
        self._largest = np.maximum(self._largest, share)
        self._opened = max(self._opened, 1.0 - float(share[~self._opens].sum()))
        self._frames += 1

    def result(self) -> MaskStatistics:
        """Of the frames so far."""
        if not self._frames:
            raise MaskError("mask-frames", "The mask has no frames.", "Make it again.")
        return MaskStatistics(
            frames=self._frames,
            mean_share=_shares(self._total / self._frames),
            max_share=_shares(self._largest),
            max_opened_share=min(1.0, max(0.0, self._opened)),
        )


def _shares(shares: npt.NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(min(1.0, float(share)) for share in shares)


def schema_digest(schema: MaskSchema) -> str:
    """SHA-256, in hexadecimal, of a schema's RFC 8785 bytes."""
    return sha256_hex(jcs.canonical(schema.model_dump(mode="json")))
