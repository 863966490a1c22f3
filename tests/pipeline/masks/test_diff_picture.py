"""The picture of a comparison shows every change, however small, as what it is."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from clips import moving_square
from held_mask import AFFECTED, KEEP, REMOVE, HeldMask, even
from mask_edits_of import batch, cells, stroke

from void_audit.errors import MaskError
from void_audit.media.memory import ArrayClip
from void_audit.model.mask import ClassSequence
from void_audit.pipeline.masks.diff_picture import LOOKS, difference_picture
from void_audit.pipeline.masks.edit import edited
from void_audit.pipeline.masks.schema import builtin
from void_audit.pipeline.masks.sheet import CAPTION, MARGIN

QUADMASK = builtin("quadmask")
WIDE, HIGH = 480, 288
"""A tile, for clips of 160x96."""
OTHER, CLOSED, OPENED = (look.color for look in LOOKS)


def clip(frames: int = 8, width: int = 160, height: int = 96) -> ArrayClip:
    return ArrayClip([moving_square((width, height), i) for i in range(frames)])


def picture(before: ClassSequence, after: ClassSequence, **options: object) -> np.ndarray:
    png = difference_picture(clip(len(before)), before, after, QUADMASK, **options)  # type: ignore[arg-type]
    return np.asarray(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR))[:, :, ::-1]


def tile(sheet: np.ndarray, row: int, column: int) -> np.ndarray:
    top, left = MARGIN + row * (HIGH + CAPTION), MARGIN + column * (WIDE + MARGIN)
    return sheet[top : top + HIGH, left : left + WIDE]


def is_color(part: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    return (part == color).all(axis=-1)


def rows(sheet: np.ndarray) -> int:
    """Tiles from the top: what is left below is legend."""
    return (sheet.shape[0] - 2 * MARGIN) // (HIGH + CAPTION)


def test_each_kind_of_change_where_it_is() -> None:
    mask = HeldMask([np.full((96, 160), KEEP, np.uint8)] * 8)
    start = edited(mask, batch(cells((0, 8), [(0, 1), (0, 2)], "affected", "set", (3, 4))), QUADMASK)
    done = edited(
        start,
        batch(
            cells(5, [(2, 0)], "remove", "set", (3, 4)),
            cells(5, [(0, 1)], "keep", "set", (3, 4)),
            cells(5, [(0, 2)], "remove", "set", (3, 4)),
        ),
        QUADMASK,
    )
    sheet = picture(start, done)
    assert rows(sheet) == 1
    changes = tile(sheet, 0, 2)
    for color, row, col in ((OPENED, 2, 0), (CLOSED, 0, 1), (OTHER, 0, 2)):
        y, x = np.nonzero(is_color(changes, color))
        assert (y.min(), y.max() + 1) == (96 * row, 96 * row + 96)
        assert (x.min(), x.max() + 1) == (120 * col, 120 * col + 120)
    before, after = tile(sheet, 0, 0), tile(sheet, 0, 1)
    remove, affected = QUADMASK.classes[REMOVE].color, QUADMASK.classes[AFFECTED].color
    assert is_color(before, affected).any()
    assert not is_color(before, remove).any()
    assert is_color(after, remove).any()
    np.testing.assert_array_equal(before[200, 200], after[200, 200])


def test_kinds_differ_without_colour() -> None:
    assert len({look.pattern for look in LOOKS}) == 3
    assert len({look.color for look in LOOKS}) == 3


def test_one_pixel_of_a_large_picture_is_shown() -> None:
    mask = even(3, 1600, 960)
    dot = edited(mask, batch(stroke(1, [(1234, 567)], "remove", radius=0.5)), QUADMASK)
    png = difference_picture(clip(3, 1600, 960), mask, dot, QUADMASK)
    sheet = np.asarray(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR))[:, :, ::-1]
    assert np.argwhere(is_color(tile(sheet, 0, 2), OPENED)).tolist() == [
        [567 * 288 // 960, 1234 * 480 // 1600]
    ]


def test_the_frames_that_differ_most_in_order_of_time() -> None:
    mask = even(8, 160, 96)
    done = edited(
        mask,
        batch(stroke(6, [(9, 9)], "remove", radius=3), stroke(2, [(9, 9)], "remove", radius=20)),
        QUADMASK,
    )
    sheet = picture(mask, done)
    assert rows(sheet) == 2
    areas = [int(is_color(tile(sheet, row, 2), OPENED).any(axis=1).sum()) for row in range(2)]
    assert areas[0] > areas[1] > 0
    np.testing.assert_array_equal(tile(picture(mask, done, frames=(6,)), 0, 2), tile(sheet, 1, 2))
    np.testing.assert_array_equal(picture(mask, done), picture(mask, done, frames=(2, 6)))


def test_masks_that_are_the_same() -> None:
    mask = even(8, 160, 96)
    sheet = picture(mask, mask)
    assert rows(sheet) == 1
    assert not any(is_color(tile(sheet, 0, 2), look.color).any() for look in LOOKS)


def test_chosen_frames_once_and_in_order() -> None:
    mask = even(8, 160, 96)
    done = edited(mask, batch(stroke(6, [(9, 9)], "remove")), QUADMASK)
    np.testing.assert_array_equal(picture(mask, done, frames=(6, 1, 6)), picture(mask, done, frames=(1, 6)))
    assert rows(picture(mask, done, frames=(6, 1, 6))) == 2


@pytest.mark.parametrize("frames", [(), (8,), (-1,), tuple(range(49))])
def test_frames_that_are_not_there(frames: tuple[int, ...]) -> None:
    with pytest.raises(MaskError) as caught:
        picture(even(8, 160, 96), even(8, 160, 96), frames=frames)
    assert caught.value.code == "mask-frames"


def test_what_does_not_fit() -> None:
    good = even(8, 160, 96)
    for pair, code in (
        ((good, even(7, 160, 96)), "mask-frames"),
        ((good, even(8, 160, 97)), "mask-size"),
        ((even(8, 80, 48), even(8, 80, 48)), "mask-size"),
        ((even(9, 160, 96), even(9, 160, 96)), "mask-frames"),
        ((good, even(8, 160, 96, 4)), "mask-values"),
    ):
        for frames in (None, (0,)):
            with pytest.raises(MaskError) as caught:
                difference_picture(clip(), *pair, QUADMASK, frames)
            assert caught.value.code == code


def test_another_schema_has_its_own_legend() -> None:
    mask = even(8, 160, 96, REMOVE)
    one = picture(mask, mask)
    two = difference_picture(clip(), mask, mask, QUADMASK, schema_after=builtin("brand-safety"))
    sheet = np.asarray(cv2.imdecode(np.frombuffer(two, np.uint8), cv2.IMREAD_COLOR))
    assert sheet.shape[0] > one.shape[0]
