"""Chosen frames, the grid by which cells are named, and the chart of shares."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from clips import moving_square
from held_mask import AFFECTED, KEEP, OVERLAP, REMOVE, HeldMask, even, noise

from void_audit.errors import MaskError
from void_audit.media.memory import ArrayClip
from void_audit.model.mask_schema import MaskSchema
from void_audit.model.reasoning import Grid
from void_audit.pipeline.masks.mask_picture import CHART_HEIGHT, chart, chosen, mask_picture
from void_audit.pipeline.masks.schema import builtin
from void_audit.pipeline.masks.sheet import CAPTION, MARGIN

QUADMASK = builtin("quadmask")


def clip(frames: int, width: int = 160, height: int = 96) -> ArrayClip:
    return ArrayClip([moving_square((width, height), i) for i in range(frames)])


def shown(mask: HeldMask, **options: object) -> np.ndarray:
    source = clip(len(mask), *mask.size)
    png = mask_picture(source, mask, QUADMASK, **options)  # type: ignore[arg-type]
    return np.asarray(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR))[:, :, ::-1]


def tile(sheet: np.ndarray, column: int) -> np.ndarray:
    left = MARGIN + column * (480 + MARGIN)
    return sheet[MARGIN : MARGIN + 288, left : left + 480]


def test_the_frames_that_were_asked_for() -> None:
    mask = noise(1, 9, 160, 96)
    sheet = shown(mask, frames=(7, 2, 7))
    np.testing.assert_array_equal(tile(sheet, 0), tile(shown(mask, frames=(2,)), 0))
    np.testing.assert_array_equal(tile(sheet, 1), tile(shown(mask, frames=(7,)), 0))
    assert (tile(sheet, 0) != tile(sheet, 1)).any()
    assert sheet.shape[1] == MARGIN + 2 * (480 + MARGIN)
    assert shown(mask).shape[0] - sheet.shape[0] == 288 + CAPTION


def test_chosen() -> None:
    assert chosen((3, 1, 3), 4) == [1, 3]
    assert chosen(range(48), 48) == list(range(48))
    for frames, length in (((), 5), (range(49), 100), ((5,), 5), ((-1, 2), 5)):
        with pytest.raises(MaskError) as caught:
            chosen(frames, length)
        assert caught.value.code == "mask-frames"


@pytest.mark.parametrize(
    ("mask", "code"),
    [
        (even(3, 160, 97), "mask-size"),
        (even(4, 160, 96), "mask-frames"),
        (even(3, 160, 96, 4), "mask-values"),
    ],
)
def test_what_does_not_fit(mask: HeldMask, code: str) -> None:
    with pytest.raises(MaskError) as caught:
        mask_picture(clip(3), mask, QUADMASK)
    assert caught.value.code == code


def test_every_frame_is_looked_at_for_the_chart() -> None:
    pictures = [np.full((96, 160), KEEP, np.uint8) for _ in range(5)]
    pictures[3][0, 0] = 7
    with pytest.raises(MaskError):
        mask_picture(clip(5), HeldMask(pictures), QUADMASK, frames=(0,))


def test_a_grid_is_ruled_and_numbered() -> None:
    mask = even(1, 160, 96)
    plain, ruled = tile(shown(mask), 0), tile(shown(mask, grid=Grid(rows=8, cols=14)), 0)
    for row in range(1, 8):
        assert (plain[36 * row, 100:] != ruled[36 * row, 100:]).any(axis=-1).mean() > 0.9
    for col in range(1, 14):
        assert (plain[100:, col * 480 // 14] != ruled[100:, col * 480 // 14]).any(axis=-1).mean() > 0.9
    inside = np.s_[40:70, 40:65]
    np.testing.assert_array_equal(plain[inside], ruled[inside])
    labels = (ruled[:12] == (250, 250, 248)).all(axis=-1).any(axis=0)
    assert (np.diff(labels.astype(int)) == 1).sum() + labels[0] == 14
    numbers = (ruled[:, :4] == (250, 250, 248)).all(axis=-1).any(axis=1)
    starts = np.flatnonzero(np.diff(numbers.astype(int)) == 1) + 1
    assert len(starts) == 8
    assert starts[0] >= 16  # below the columns' numbers
    assert all(36 * row <= top < 36 * row + 18 for row, top in enumerate(starts))


@pytest.mark.parametrize("grid", [(1, 1), (256, 256), (1, 256), (256, 1), (40, 60), (2, 3)])
def test_any_grid_can_be_drawn(grid: tuple[int, int]) -> None:
    shown(even(1, 160, 96), grid=Grid(rows=grid[0], cols=grid[1]))


def test_a_grid_that_is_finer_than_the_picture() -> None:
    with pytest.raises(MaskError) as caught:
        shown(even(1, 16, 800), grid=Grid(rows=8, cols=40))
    assert caught.value.code == "mask-edit-grid"


LEFT, WIDTH = MARGIN + 64, 1000
ACROSS = WIDTH - 2 * MARGIN - 64


def drawn(shares: np.ndarray) -> np.ndarray:
    """The inside of a chart."""
    strip = chart(shares.astype(np.float32), QUADMASK, WIDTH, [0, len(shares) - 1])
    assert strip.shape == (CHART_HEIGHT + 4 * MARGIN, WIDTH, 3)
    return strip[2 * MARGIN : 2 * MARGIN + CHART_HEIGHT, LEFT : LEFT + ACROSS]


def test_the_chart_stacks_the_classes_up_to_a_round_share() -> None:
    shares = np.zeros((10, 4))
    shares[:, REMOVE], shares[:, OVERLAP], shares[5:, AFFECTED] = 0.05, 0.025, 0.1
    shares[:, KEEP] = 1 - shares.sum(axis=1)
    area = drawn(shares)  # up to 20 %: 6 pixels to a percent
    outlines = {
        index: np.nonzero((area[:, 700] == QUADMASK.classes[index].color).all(axis=-1))[0]
        for index in (REMOVE, OVERLAP, AFFECTED)
    }
    heights = {i: CHART_HEIGHT - int(rows.min()) for i, rows in outlines.items()}
    assert heights == {REMOVE: 30, OVERLAP: 45, AFFECTED: 105}
    assert (area[:60, 100] == area[0, 100]).all()
    assert not (area[:60, 700] == area[0, 100]).all()


def test_the_background_takes_no_room_wherever_it_is_in_the_schema() -> None:
    classes = QUADMASK.classes
    values = (0, 63, 127, 255)
    turned = MaskSchema.model_validate(
        QUADMASK.model_dump(mode="python")
        | {
            "classes": tuple(
                c.model_dump() | {"value": v} for c, v in zip((classes[3], *classes[:3]), values, strict=True)
            )
        }
    )
    shares = np.tile([0.9, 0.05, 0.02, 0.03], (5, 1)).astype(np.float32)
    strip = chart(shares, turned, WIDTH, [0])
    same = chart(np.roll(shares, -1, axis=1), QUADMASK, WIDTH, [0])
    np.testing.assert_array_equal(strip, same)


def test_the_scale_is_large_enough_for_anything() -> None:
    for share in (0.0, 1e-9, 0.00999, 0.01, 0.010001, 0.3, 0.5, 0.999, 1.0):
        shares = np.tile([share, 0, 0, 1 - share], (3, 1))
        area = drawn(shares)
        painted = (area != np.array((250, 250, 248))).any(axis=-1).any()
        assert painted == (share > 1e-6)


def test_a_single_frame_of_ten_thousand_is_seen() -> None:
    shares = np.tile([0.01, 0, 0, 0.99], (10000, 1))
    shares[6543] = [0, 0, 0.9, 0.1]
    area = drawn(shares)
    column = 6543 * ACROSS // 10000
    tall = np.nonzero((area[30] != np.array((250, 250, 248))).any(axis=-1))[0]
    assert abs(tall - column).max() <= 1
    assert len(tall) >= 1
