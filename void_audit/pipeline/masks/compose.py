"""Track and consequences become a mask, at the source's own size (spec/void 3, stage 4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from void_audit.errors import MaskError
from void_audit.model.geometry import Size
from void_audit.model.mask import Bitmap, Classes
from void_audit.model.mask_schema import MaskSchema, Operation
from void_audit.model.reasoning import Consequences
from void_audit.model.track import Track
from void_audit.pipeline.masks.grid import FindingsArea
from void_audit.pipeline.masks.schema import builtin


def compose(
    track: Track,
    consequences: Consequences,
    size: Size,
    dilate: int,
    schema: MaskSchema | None = None,
    operation: Operation = "remove",
) -> Iterator[Classes]:
    """One picture of class indices, ``size.height`` x ``size.width``, for every frame of the track.

    Args:
        track: the object, at the segmenter's working size.
        consequences: what it caused and what belongs to it, in cells of a grid over the whole picture.
        size: the source's own size.
        dilate: how many source pixels the object grows by, in all directions. Cells do not grow.
        schema: whose classes; VOID's quadmask if none is given.
        operation: what is done with the object. ``schema.compose`` says into which classes the findings go.

    Where the schema has no class for consequences, they are left out. Where it has one that engines are given as
    affected, frame 0 is special, for nothing has happened yet: see ``docs/adr/0003-frame-zero.md``.

    Raises:
        MaskError: ``schema-operation`` if the schema is not for this operation; ``mask-cell`` if the consequences
            name cells outside their grid.
    """
    roles = Roles.of(schema or builtin("quadmask"), operation)
    return _composed(track, _Findings(consequences, size), size, dilate, roles)


@dataclass(frozen=True)
class Roles:
    """Class indices for what an operation finds; without a class for consequences, ``both`` is the object's."""

    object: int
    consequence: int | None
    both: int
    background: int
    starts_without: bool
    """No consequence on frame 0 (ADR 0003)."""

    @classmethod
    def of(cls, schema: MaskSchema, operation: Operation) -> Roles:
        """Raises MaskError ``schema-operation`` if the schema is not for this operation."""
        parts = schema.compose.get(operation)
        if parts is None:
            raise MaskError(
                "schema-operation",
                f"The mask schema {schema.name} does not say how to {operation}.",
                f"It is for: {', '.join(schema.compose)}. Choose another schema or another operation.",
            )
        consequence = None if parts.consequence is None else schema.index(parts.consequence)
        return cls(
            object=schema.index(parts.object),
            consequence=consequence,
            both=schema.index(parts.both or parts.object),
            background=schema.background,
            starts_without=consequence is not None and schema.classes[consequence].conditioning == "affected",
        )


class _Findings:
    """What was found, by what becomes of it, as pictures frame by frame."""

    def __init__(self, found: Consequences, size: Size) -> None:
        def area(category: Literal["physical", "visual_artifact"]) -> FindingsArea:
            things = (thing for thing in found.affected if thing.category == category)
            return FindingsArea(things, found.grid, size)

        self.belongings = FindingsArea(found.belongings, found.grid, size)
        self.physical, self.visual = area("physical"), area("visual_artifact")


def _composed(track: Track, found: _Findings, size: Size, dilate: int, roles: Roles) -> Iterator[Classes]:
    for frame, bitmap in enumerate(track.masks):
        remove = grow(enlarge(bitmap, size), dilate) | found.belongings.at(frame)
        physical, visual = found.physical.at(frame), found.visual.at(frame)
        classes = combine(remove, physical | visual, roles)
        if frame == 0 and roles.starts_without:
            _nothing_has_moved(classes, remove, physical, visual, roles)
        yield classes


def combine(remove: Bitmap, affected: Bitmap, roles: Roles) -> Classes:
    """Both; one of them; none: background. Where consequences have no class, ``affected`` has no effect."""
    classes = np.full(remove.shape, roles.background, np.uint8)
    if roles.consequence is not None:
        classes[affected] = roles.consequence
    classes[remove] = roles.object
    classes[remove & affected] = roles.both
    return classes


def _nothing_has_moved(
    classes: Classes, remove: Bitmap, physical: Bitmap, visual: Bitmap, roles: Roles
) -> None:
    """VOID allows nothing affected on frame 0: nothing has moved, but a shadow is there and goes with its object."""
    classes[~remove & physical] = roles.background
    classes[~remove & visual] = roles.both


def enlarge(bitmap: Bitmap, size: Size) -> Bitmap:
    """The bitmap at another size, with smooth borders: bilinear, cut at one half."""
    if (bitmap.shape[1], bitmap.shape[0]) == tuple(size):
        return bitmap
    shrink = size.width <= bitmap.shape[1] and size.height <= bitmap.shape[0]
    way = cv2.INTER_AREA if shrink else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(bitmap.astype(np.uint8) * 255, tuple(size), interpolation=way) >= 128, bool)


def grow(bitmap: Bitmap, pixels: int) -> Bitmap:
    """Everything within ``pixels`` (round) of a set pixel; 0 changes nothing."""
    if pixels <= 0 or not bitmap.any():
        return bitmap
    x, y, width, height = cv2.boundingRect(bitmap.astype(np.uint8))
    # Nothing farther than ``pixels`` from the bounding box can be reached, so only that part is measured.
    part = np.s_[max(0, y - pixels) : y + height + pixels, max(0, x - pixels) : x + width + pixels]
    outside = np.where(bitmap[part], np.uint8(0), np.uint8(1))
    grown = bitmap.copy()
    grown[part] = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) <= pixels
    return grown
