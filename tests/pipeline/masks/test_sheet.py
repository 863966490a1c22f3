from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest

from void_audit.model.geometry import Size
from void_audit.pipeline.masks.sheet import (
    arranged,
    captioned,
    paper,
    png,
    shrunk,
    text_width,
    tile_size,
    wrapped,
)


def test_a_png_holds_the_picture() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (20, 30, 3), np.uint8)
    read = cv2.imdecode(np.frombuffer(png(picture), np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]
    assert np.array_equal(read, picture)


@pytest.mark.parametrize(("count", "columns", "rows"), [(1, 3, 1), (3, 3, 1), (4, 3, 2), (9, 3, 3)])
def test_tiles_stand_in_rows_and_none_is_lost(count: int, columns: int, rows: int) -> None:
    tiles = [np.full((40, 200, 3), 10 + i, np.uint8) for i in range(count)]
    sheet = arranged(tiles, columns)
    assert all((sheet == 10 + i).all(axis=2).sum() == 40 * 200 for i in range(count))
    assert sheet.shape[0] == 16 + 40 * rows


def test_a_caption_leaves_the_picture_alone() -> None:
    picture = np.full((50, 300, 3), 77, np.uint8)
    with_text = captioned(picture, "frame 7")
    assert np.array_equal(with_text[:50], picture)
    assert not np.array_equal(with_text[50:], paper(300, with_text.shape[0] - 50))


def test_tiles_keep_their_shape() -> None:
    assert tile_size(Size(3840, 2160)) == Size(480, 270)
    assert tile_size(Size(1080, 1920)) == Size(360, 640)


def test_shrinking_makes_no_new_class() -> None:
    classes = np.random.default_rng(0).choice([0, 3], (48, 64)).astype(np.uint8)
    assert set(np.unique(shrunk(classes, Size(13, 9)))) <= {0, 3}


def test_text_is_broken_at_spaces_and_nothing_is_lost() -> None:
    lines = wrapped("the  shadow of the ball,\tfrom\nstart to end", 100)
    assert " ".join(lines) == "the shadow of the ball, from start to end"
    assert len(lines) > 2
    assert all(text_width(line) <= 100 for line in lines)
    for line, after in pairwise(lines):
        assert text_width(f"{line} {after.split()[0]}") > 100


def test_a_word_longer_than_a_line_is_broken_inside() -> None:
    lines = wrapped("a " + "x" * 400 + " b", 100)
    assert "".join(lines).replace(" ", "") == "a" + "x" * 400 + "b"
    assert all(text_width(line) <= 100 for line in lines)
    assert wrapped("wide", 1) == ["w", "i", "d", "e"]


def test_what_the_font_has_no_letters_for() -> None:
    assert wrapped("Größe \u5f71 caf\u00e9\x07", 400) == ["Gro?e ? cafe?"]
    assert wrapped("", 100) == [""]
