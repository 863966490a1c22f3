"""A mask with a batch of operations applied, frame by frame as it is read."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from void_audit.errors import MaskError
from void_audit.model.geometry import Size
from void_audit.model.mask import Bitmap, Classes, ClassSequence
from void_audit.model.mask_edit import MaskEdits
from void_audit.model.mask_schema import MaskSchema
from void_audit.pipeline.masks.edit_steps import CopyStep, Step, ready
from void_audit.pipeline.masks.picture_store import PictureStore


def edited(mask: ClassSequence, edits: MaskEdits, schema: MaskSchema) -> EditedMask:
    """The mask after the operations, in their order; nothing is computed before it is read.

    Memory: some pictures. For every picture that a copy takes there is one more, compressed, in a temporary file
    once they are many. Cost: at most twice that of every operation on every frame it is for.

    Raises:
        MaskError: ``mask-edit-class`` (no such class, or the background where it cannot be), ``mask-edit-frames``
            (outside the mask), ``mask-edit-grid`` (more cells than pixels), ``mask-edit-cell`` (outside the grid),
            ``mask-edit-work`` (more than can be done in a sensible time).
    """
    steps = ready(edits, mask.size, len(mask), schema)
    return EditedMask(mask, edits, steps, len(schema.classes))


class EditedMask:
    """Implements ``model.mask.ClassSequence``. Made by ``edited``.

    *Source* ``n`` is the picture from which operation ``n``, a copy, takes: its frame after all operations before
    ``n``. It needs only sources with lower numbers, so whatever copies from whatever, there are no more of them
    than operations, and each is computed once.
    """

    def __init__(self, mask: ClassSequence, edits: MaskEdits, steps: list[Step], classes: int) -> None:
        self._mask, self._steps, self._classes = mask, steps, classes
        self._starts = np.array([o.frames.start for o in edits.operations])
        self._stops = np.array([o.frames.stop for o in edits.operations])
        self._from = np.array([s.from_frame if isinstance(s, CopyStep) else -1 for s in steps])
        self._whole = np.array([isinstance(s, CopyStep) and s.whole for s in steps])
        self._kept_as = np.full(len(steps), -1)
        self._kept = PictureStore(mask.size)

    @property
    def size(self) -> Size:
        """Width and height of every picture."""
        return self._mask.size

    def __len__(self) -> int:
        return len(self._mask)

    def classes(self, start: int = 0, stop: int | None = None) -> Iterator[Classes]:
        """Class indices of frames ``start`` to ``stop``, edited. Raises MaskError mask-values, as the mask does."""
        first, last, _ = slice(start, stop).indices(len(self))
        for frame, picture in zip(range(first, last), self._mask.classes(first, last), strict=True):
            steps = self._steps_for(frame, len(self._steps))
            self._make_sources(steps)
            yield self._painted(frame, picture, steps) if steps.any() else picture

    def _steps_for(self, frame: int, before: int) -> Bitmap:
        """The operations before ``before`` that ``frame`` shows: from the last one that replaces all of it."""
        chosen = (self._starts <= frame) & (frame < self._stops)
        chosen[before:] = False
        replacing = np.flatnonzero(chosen & self._whole)
        if len(replacing):
            chosen[: replacing[-1]] = False
        return np.asarray(chosen, np.bool_)

    def _make_sources(self, steps: Bitmap) -> None:
        """Everything that the copies among ``steps`` take, directly or through others."""
        missing = (self._from >= 0) & (self._kept_as < 0)
        needed = steps & missing
        for number in range(len(self._steps) - 1, -1, -1) if needed.any() else ():
            if needed[number]:
                needed |= missing & self._steps_for(int(self._from[number]), number)
        for number in map(int, np.flatnonzero(needed)):
            self._kept_as[number] = self._make_source(number)

    def _make_source(self, number: int) -> int:
        """Keep one source, made from the nearest one of its frame, or from the mask. Returns as which it is kept."""
        frame = int(self._from[number])
        steps = self._steps_for(frame, number)
        same_frame = np.flatnonzero((self._kept_as[:number] >= 0) & (self._from[:number] == frame))
        nearest = int(same_frame[-1]) if len(same_frame) else -1
        if nearest < 0 or (steps & self._whole)[nearest:].any():
            picture = next(self._mask.classes(frame, frame + 1))
        else:
            steps[:nearest] = False
            if not steps.any():
                return int(self._kept_as[nearest])
            picture = self._source(nearest)
        self._kept.put(number, self._painted(frame, picture, steps))
        return number

    def _source(self, number: int) -> Classes:
        return self._kept.get(int(self._kept_as[number]))

    def _painted(self, frame: int, picture: Classes, steps: Bitmap) -> Classes:
        """The picture after ``steps``; the one given is left as it is."""
        if picture.max() >= self._classes:
            raise MaskError(
                "mask-values",
                f"Frame {frame} of the mask holds class {picture.max()}; its schema has {self._classes}.",
                "The mask is of another schema.",
            )
        picture = picture.copy()
        for number in map(int, np.flatnonzero(steps)):
            step = self._steps[number]
            if isinstance(step, CopyStep):
                step.paint(picture, self._source(number))
            else:
                step.paint(picture)
        return picture
