"""The readers that stand for others give every picture, in order, without checks of their own."""

from pathlib import Path

import numpy as np
import pytest
from clips import moving_square, write_clip

from void_audit.errors import ClipError
from void_audit.media.lossless import LosslessWriter
from void_audit.media.readback import READERS, read_opencv, read_pyav
from void_audit.model.geometry import Size


@pytest.mark.parametrize("reader", READERS)
def test_exact_pictures_in_order(tmp_path: Path, reader: str) -> None:
    pictures = [moving_square((64, 48), i) for i in range(7)]
    with LosslessWriter(tmp_path / "v.mkv", Size(64, 48), "24/1") as writer:
        for picture in pictures:
            writer.write(picture)
    np.testing.assert_array_equal(np.stack(list(READERS[reader](tmp_path / "v.mkv"))), np.stack(pictures))


def test_they_agree_on_ordinary_files(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "v.mp4", frames=5)
    for one, other in zip(read_pyav(path), read_opencv(path), strict=True):
        assert np.abs(one.astype(int) - other).mean() < 1


def test_no_video(tmp_path: Path) -> None:
    (tmp_path / "v.mp4").write_bytes(b"nothing")
    assert list(read_opencv(tmp_path / "v.mp4")) == []
    with pytest.raises(ClipError, match=r"v\.mp4"):
        list(read_pyav(tmp_path / "v.mp4"))
