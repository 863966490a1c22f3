from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from clips import moving_square

from void_audit.media.memory import ArrayClip
from void_audit.model.geometry import Size
from void_audit.model.mask import Classes
from void_audit.pipeline.masks import comparison as module
from void_audit.pipeline.masks.comparison import comparison
from void_audit.pipeline.masks.preview import legend
from void_audit.pipeline.masks.schema import builtin

QUADMASK = builtin("quadmask")


class Corner:
    """A mask that opens one corner."""

    size = Size(480, 270)

    def __init__(self, background: int = 3) -> None:
        self._background = background

    def __len__(self) -> int:
        return 5

    def classes(self, start: int = 0, stop: int | None = None) -> Iterator[Classes]:
        for _ in range(5)[start:stop]:
            classes = np.full((270, 480), self._background, np.uint8)
            classes[:60, :60] = 0
            yield classes


def sheet_of(after: ArrayClip) -> np.ndarray:
    before = ArrayClip([moving_square((480, 270), i) for i in range(5)])
    data = np.frombuffer(comparison(before, Corner(), after, QUADMASK), np.uint8)
    return cv2.imdecode(data, cv2.IMREAD_COLOR)[:, :, ::-1]


def rows(after: ArrayClip) -> list[np.ndarray]:
    sheet = sheet_of(after)
    return [sheet[16 + row * 300 : 16 + row * 300 + 270, 16:496] for row in range(3)]


def test_source_above_mask_in_the_middle_result_below() -> None:
    result = ArrayClip([np.full((270, 480, 3), 90, np.uint8)] * 5)
    above, middle, below = rows(result)
    assert np.array_equal(above, moving_square((480, 270), 0))
    assert (below == 90).all()
    assert np.array_equal(middle[70:, 70:], above[70:, 70:])
    assert not np.array_equal(middle[:60, :60], above[:60, :60])


def test_below_it_says_what_the_colours_mean() -> None:
    sheet = sheet_of(ArrayClip([np.full((270, 480, 3), 90, np.uint8)] * 5))
    meaning = legend(QUADMASK, sheet.shape[1])
    assert np.array_equal(sheet[-len(meaning) :], meaning)
    assert len(sheet) == 16 + 3 * 300 + len(meaning)


@pytest.mark.parametrize(
    ("name", "says"), [("quadmask", "what may change"), ("localization", "what may change, what stays")]
)
def test_it_does_not_say_of_what_is_drawn_to_stay_that_it_may_change(
    monkeypatch: pytest.MonkeyPatch, name: str, says: str
) -> None:
    captions: list[str] = []
    real = module.captioned
    monkeypatch.setattr(
        module, "captioned", lambda picture, text: captions.append(text) or real(picture, text)
    )
    clip = ArrayClip([moving_square((480, 270), i) for i in range(5)])
    module.comparison(clip, Corner(2), clip, builtin(name), frames=2)
    shown = [f"{what}   frame {n}" for n in (0, 4) for what in ("before", says, "after")]
    assert captions == shown
