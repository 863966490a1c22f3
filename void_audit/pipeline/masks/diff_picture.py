"""What changed between two masks of one clip, as a picture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np

from void_audit.media.reader import pictures_at
from void_audit.model.clip import RGB, Clip
from void_audit.model.geometry import Size
from void_audit.model.mask import Bitmap, Classes, ClassSequence
from void_audit.model.mask_schema import MaskSchema, Pattern
from void_audit.pipeline.masks.class_tables import looked_up, marking, paired
from void_audit.pipeline.masks.diff import Pair, check_same_clip, difference
from void_audit.pipeline.masks.mask_picture import check_clip, chosen
from void_audit.pipeline.masks.preview import LEGEND_ROW, SWATCH, legend, marked, overlay
from void_audit.pipeline.masks.sheet import (
    MARGIN,
    arranged,
    captioned,
    paper,
    png,
    shrunk,
    tile_size,
    write,
)

_FADED = 0.35
"""How much of the picture is left below what changed."""


class _Look(NamedTuple):
    color: tuple[int, int, int]
    pattern: Pattern
    meaning: str


LOOKS = (
    _Look((120, 94, 240), "dots", "another class, but as free to change as before, or as kept"),
    _Look((0, 158, 115), "rows", "became kept: may not change any more"),
    _Look((213, 0, 120), "cross", "became open: may change now, and could not before"),
)
"""What a change of class is drawn as; a later one is drawn over an earlier one."""


def difference_picture(
    clip: Clip,
    before: ClassSequence,
    after: ClassSequence,
    schema: MaskSchema,
    frames: tuple[int, ...] | None = None,
    schema_after: MaskSchema | None = None,
) -> bytes:
    """A PNG: per frame the mask before, the mask after and what changed, with numbers; then legends.

    Args:
        clip: what both masks are for.
        before: the mask as it was.
        after: the mask as it is.
        schema: of ``before``, and of ``after`` unless ``schema_after`` is given.
        frames: which frames are shown. Default: up to six that differ most (``MaskDifference.most_changed``, for
            which both masks are read once), in order of time; the first one if none differs.
        schema_after: where ``after`` is of another schema.

    Raises:
        MaskError: mask-size, mask-frames where masks and clip do not fit or a frame is not in the clip.
    """
    schema_after = schema_after or schema
    check_same_clip(before, after)
    check_clip(clip, before)
    if frames is None:
        frames = difference(before, after, schema, schema_after).most_changed or (0,)
    size, pair = tile_size(clip.info.size), Pair(schema, schema_after)
    tiles: list[RGB] = []
    numbers = chosen(frames, len(before))
    for number, picture in zip(numbers, pictures_at(clip.view(size=size), numbers), strict=True):
        old, new = (next(mask.classes(number, number + 1)) for mask in (before, after))
        pair.counts(old, new)  # refuses classes that the schemas do not have
        tiles.append(_shown("before", number, picture, old, schema))
        tiles.append(_shown("after", number, picture, new, schema_after))
        tiles.append(_changes(picture, old, new, pair))
    sheet = arranged(tiles, 3)
    return png(np.vstack([sheet, *_legends(schema, schema_after, sheet.shape[1])]))


def _shown(when: str, number: int, picture: RGB, classes: Classes, schema: MaskSchema) -> RGB:
    size = Size(picture.shape[1], picture.shape[0])
    opened = 100 * float(schema.opens[classes].mean())
    drawn = overlay(picture, shrunk(classes, size), schema)
    return captioned(drawn, f"{when}   frame {number}   {opened:.2f} % open")


def _changes(picture: RGB, old: Classes, new: Classes, pair: Pair) -> RGB:
    """The faded grey picture with what changed on it. However small a change is, it covers a pixel here."""
    grey = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    out = np.asarray(255 - _FADED * (255 - grey.astype(np.float32)), np.uint8)
    shares = []
    for area, look in zip(_areas(old, new, pair), LOOKS, strict=True):
        shares.append(float(area.mean()))
        out = marked(out, _touched(area, Size(picture.shape[1], picture.shape[0])), look.color, look.pattern)
    other, closed, opened = map(_percent, shares)
    return captioned(out, f"opened {opened}   kept {closed}   other {other}")


def _areas(old: Classes, new: Classes, pair: Pair) -> Iterator[Bitmap]:
    """Where each of ``LOOKS`` is."""
    pairs = paired(new, old)
    for table in (pair.differs & ~pair.opened & ~pair.closed, pair.closed, pair.opened):
        yield looked_up(pairs, marking(table.ravel())).view(np.bool_)


def _touched(area: Bitmap, size: Size) -> Bitmap:
    """The area at another size: set where any of it lies."""
    if size.width >= area.shape[1] and size.height >= area.shape[0]:
        return np.asarray(shrunk(area.view(np.uint8), size), np.bool_)
    touched = np.zeros((size.height, size.width), np.bool_)
    y, x = np.nonzero(area)
    touched[y * size.height // area.shape[0], x * size.width // area.shape[1]] = True
    return touched


def _percent(share: float) -> str:
    percent = 100 * share
    return "<0.01 %" if 0 < percent < 0.01 else f"{percent:.2f} %"


def _legends(before: MaskSchema, after: MaskSchema, width: int) -> Iterator[RGB]:
    yield legend(before, width)
    if after != before:
        yield legend(after, width)
    strip = paper(width, MARGIN + LEGEND_ROW * len(LOOKS))
    for row, look in enumerate(reversed(LOOKS)):
        top = MARGIN // 2 + row * LEGEND_ROW
        swatch = marked(
            np.full((*SWATCH, 3), 230, np.uint8), np.ones(SWATCH, np.bool_), look.color, look.pattern
        )
        strip[top : top + SWATCH[0], MARGIN : MARGIN + SWATCH[1]] = swatch
        write(strip, look.meaning, MARGIN + SWATCH[1] + 12, top + 15)
    yield strip
