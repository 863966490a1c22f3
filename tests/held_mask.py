"""A mask in memory, and the schemas that tests of masks draw from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from void_audit.model.geometry import Size
from void_audit.model.mask import Classes
from void_audit.model.mask_schema import ClassSpec, Composition, MaskSchema

REMOVE, OVERLAP, AFFECTED, KEEP = range(4)


class HeldMask:
    """Implements ``model.mask.ClassSequence``; its pictures cannot be written to, and reads are counted."""

    def __init__(self, pictures: Sequence[Classes]) -> None:
        self.pictures = [np.ascontiguousarray(p, np.uint8) for p in pictures]
        for picture in self.pictures:
            picture.flags.writeable = False
        self.size = Size(self.pictures[0].shape[1], self.pictures[0].shape[0])
        self.reads = 0

    def __len__(self) -> int:
        return len(self.pictures)

    def classes(self, start: int = 0, stop: int | None = None) -> Iterator[Classes]:
        for picture in self.pictures[start:stop]:
            self.reads += 1
            yield picture


def even(frames: int, width: int, height: int, index: int = KEEP) -> HeldMask:
    """One class everywhere."""
    return HeldMask([np.full((height, width), index, np.uint8)] * frames)


def noise(seed: int, frames: int = 4, width: int = 17, height: int = 11, classes: int = 4) -> HeldMask:
    """Classes at random."""
    return HeldMask(list(np.random.default_rng(seed).integers(0, classes, (frames, height, width), np.uint8)))


def house_schema() -> MaskSchema:
    """Eight classes: two objects with one consequence, a class for both of each, two that nothing may change."""
    kinds = [
        ("person", "content", "remove", "removed"),
        ("person-shadow", "content", "overlap", "removed"),
        ("shadow", "content", "remove", "removed"),
        ("sign", "content", "remove", "removed"),
        ("logo", "appearance", "affected", "deemphasized"),
        ("logo-shadow", "appearance", "affected", "deemphasized"),
        ("protected", "nothing", "keep", "kept"),
        ("rest", "nothing", "keep", "kept"),
    ]
    return MaskSchema(
        name="house",
        description="a test",
        classes=tuple(
            ClassSpec(
                name=name, value=30 * i, meaning="a test", color=(20 * i, 255 - 20 * i, 99), pattern=_PATTERNS[i],
                change=change, conditioning=conditioning, counts_as=counts,
            )
            for i, (name, change, conditioning, counts) in enumerate(kinds)
        ),
        compose={
            "remove": Composition(object="person", consequence="shadow", both="person-shadow"),
            "de-emphasize": Composition(object="logo", consequence="shadow", both="logo-shadow"),
        },
    )  # fmt: skip


_PATTERNS = ("solid", "cross", "stripes", "dots", "rows", "columns", "checks", "none")
