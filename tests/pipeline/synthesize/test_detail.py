from __future__ import annotations

import cv2
import numpy as np
import pytest
from synthetic_footage import texture

from void_audit.pipeline.synthesize import detail
from void_audit.pipeline.synthesize.detail import fill_any
from void_audit.pipeline.synthesize.exemplar import fill


@pytest.fixture(autouse=True)
def _small_pictures_are_large(monkeypatch):
    monkeypatch.setattr(detail, "LONG_SIDE", 96)


def holed(width: int, height: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    picture = texture(width, height)
    hole = np.zeros((height, width), bool)
    hole[height // 3 : height // 2, width // 3 : width // 2] = True
    picture[hole] = (255, 0, 0)
    return picture, hole, np.zeros_like(hole)


def fineness(picture: np.ndarray, area: np.ndarray) -> float:
    gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return float(np.abs(gray - cv2.GaussianBlur(gray, (0, 0), 2))[area].mean())


@pytest.mark.parametrize(("width", "height"), [(192, 192), (251, 187), (97, 300)])
def test_a_large_hole_has_the_fine_detail_of_its_surroundings(width, height):
    picture, hole, unknown = holed(width, height)
    done = fill_any(picture, hole, unknown, 7, 3)
    np.testing.assert_array_equal(done[~hole], picture[~hole])
    inside = cv2.erode(hole.astype(np.uint8), np.ones((9, 9), np.uint8)).astype(bool)
    outside = cv2.erode((~hole).astype(np.uint8), np.ones((9, 9), np.uint8)).astype(bool)
    assert 0.5 < fineness(done, inside) / fineness(picture, outside) < 1.5
    assert not (np.abs(done[hole].astype(int) - (255, 0, 0)).max(axis=1) < 20).any()


def test_detail_is_not_copied_from_what_is_unknown():
    picture, hole, unknown = holed(192, 192)
    unknown[:, :60] = True
    picture[unknown] = np.random.default_rng(0).choice([0, 255], (int(unknown.sum()), 3))
    done = fill_any(picture, hole, unknown & ~hole, 7, 3)
    assert fineness(done, hole) < 0.5 * fineness(picture, unknown)


def test_a_small_picture_is_filled_directly():
    picture, hole, unknown = holed(96, 96)
    np.testing.assert_array_equal(fill_any(picture, hole, unknown, 7, 3), fill(picture, hole, unknown, 7, 3))


def test_equal_seeds_give_equal_fills_and_too_little_gives_none():
    picture, hole, unknown = holed(192, 192)
    np.testing.assert_array_equal(
        fill_any(picture, hole, unknown, 7, 3), fill_any(picture, hole, unknown, 7, 3)
    )
    assert fill_any(picture, hole, ~hole, 7, 3) is None


def test_a_strip_thinner_than_a_block_is_filled_without_copied_detail():
    picture, hole, unknown = holed(400, 40)
    done = fill_any(picture, hole, unknown, 3, 3)
    assert done is None or done.shape == picture.shape
