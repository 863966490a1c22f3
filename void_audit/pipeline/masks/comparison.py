"""Before, mask, after: what people look at when an edit is done."""

from __future__ import annotations

import numpy as np

from void_audit.model.clip import Clip
from void_audit.model.mask import ClassSequence
from void_audit.model.mask_schema import MaskSchema
from void_audit.pipeline.masks.preview import legend, overlay
from void_audit.pipeline.masks.sheet import arranged, captioned, png, sample, shrunk, tile_size

FRAMES = 3


def comparison(
    before: Clip, mask: ClassSequence, after: Clip, schema: MaskSchema, frames: int = FRAMES
) -> bytes:
    """A PNG with a column per frame: the source above, the mask over it in the middle, the result below; then a legend.

    All three have one size and length; the mask is of ``schema``.
    """
    size = tile_size(before.info.size)
    numbers = sample(len(mask), frames)
    old, new = before.view(size=size), after.view(size=size)
    above, middle, below = [], [], []
    for number in numbers:
        source = next(old.frames(number, number + 1))
        classes = shrunk(next(mask.classes(number, number + 1)), size)
        above.append(captioned(source, f"before   frame {number}"))
        middle.append(captioned(overlay(source, classes, schema), f"{_what(schema)}   frame {number}"))
        below.append(captioned(next(new.frames(number, number + 1)), f"after   frame {number}"))
    sheet = arranged([*above, *middle, *below], len(numbers))
    return png(np.vstack([sheet, legend(schema, sheet.shape[1])]))


def _what(schema: MaskSchema) -> str:
    """A class may be drawn so that people see that it stays."""
    stays = any(spec.change == "nothing" and spec.pattern != "none" for spec in schema.classes)
    return "what may change, what stays" if stays else "what may change"
