"""The contact sheet shows what it says: every class in its own colour and pattern, over the right frames."""

from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from clips import moving_square

from void_audit.media.memory import ArrayClip
from void_audit.model.geometry import Size
from void_audit.model.mask import Classes, MaskClass
from void_audit.pipeline.masks.preview import overlay, preview
from void_audit.pipeline.masks.schema import builtin
from void_audit.pipeline.masks.sheet import sample

QUADMASK = builtin("quadmask")


class Quarters:
    """A mask whose four quarters hold the four classes."""

    size = Size(160, 96)

    def __init__(self, frames: int) -> None:
        self._frames = frames

    def __len__(self) -> int:
        return self._frames

    def classes(self, start: int = 0, stop: int | None = None) -> Iterator[Classes]:
        picture = np.full((96, 160), MaskClass.KEEP, np.uint8)
        picture[:48, :80], picture[:48, 80:], picture[48:, :80] = 0, 1, 2
        yield from (picture for _ in range(*slice(start, stop).indices(self._frames)))


def sheet(frames: int) -> np.ndarray:
    clip = ArrayClip([moving_square((160, 96), i) for i in range(frames)])
    png = preview(clip, Quarters(frames), QUADMASK)
    assert png.startswith(b"\x89PNG")
    return np.asarray(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR))


@pytest.mark.parametrize(
    ("length", "expected"), [(1, [0]), (2, [0, 1]), (6, [0, 1, 2, 3, 4, 5]), (101, [0, 20, 40, 60, 80, 100])]
)
def test_first_and_last_are_always_shown(length: int, expected: list[int]) -> None:
    assert sample(length, 6) == expected


def test_kept_pixels_are_shown_untouched() -> None:
    picture = moving_square((160, 96), 0)
    classes = next(Quarters(1).classes())
    drawn = overlay(picture, classes, QUADMASK)
    np.testing.assert_array_equal(drawn[classes == MaskClass.KEEP], picture[classes == MaskClass.KEEP])
    assert (drawn[classes != MaskClass.KEEP] != picture[classes != MaskClass.KEEP]).any(axis=-1).mean() > 0.95


def test_classes_differ_without_colour_too() -> None:
    """On even ground: solid has one level inside, stripes and crosses have two, crosses more of the darker."""
    ground = np.full((96, 160, 3), 170, np.uint8)
    drawn = overlay(ground, next(Quarters(1).classes()), QUADMASK).mean(axis=2)
    inside = {"remove": drawn[4:44, 4:76], "overlap": drawn[4:44, 84:156], "affected": drawn[52:92, 4:76]}
    lined = {name: float((part != np.median(part)).mean()) for name, part in inside.items()}
    assert lined["remove"] == 0
    assert 0.1 < lined["affected"] < lined["overlap"] < 0.5


@pytest.mark.parametrize("frames", [1, 2, 3, 7])
def test_any_number_of_frames(frames: int) -> None:
    picture = sheet(frames)
    assert picture.shape[1] >= 480
    rows = -(-min(frames, 6) // 3)
    assert picture.shape[0] > rows * 288


def test_deterministic() -> None:
    np.testing.assert_array_equal(sheet(4), sheet(4))
