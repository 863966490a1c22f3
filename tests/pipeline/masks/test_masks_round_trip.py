"""Composed, stored, exported as VOID's and taken in again: the same classes, by any schema, of any size and rate."""

from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from clips import write_jumpy_clip
from held_mask import AFFECTED, KEEP, HeldMask
from hypothesis import given, settings
from hypothesis import strategies as st
from mask_answers import schemas

from void_audit.media.lossless import LosslessWriter
from void_audit.media.maskfile import MaskFile, import_mask, write_masks
from void_audit.media.reader import VideoClip
from void_audit.media.void_sequence import write_sequence
from void_audit.model.geometry import Size
from void_audit.model.mask import Translated
from void_audit.model.mask_schema import MaskSchema

SIDES = st.one_of(st.integers(1, 3), st.integers(4, 33))


def anything(seed: int, frames: int, size: Size, classes: int) -> list[np.ndarray]:
    return list(np.random.default_rng(seed).integers(0, classes, (frames, size.height, size.width), np.uint8))


def stacked(mask: object) -> np.ndarray:
    return np.stack([picture.copy() for picture in mask.classes()])  # type: ignore[attr-defined]


def footage(path: Path, size: Size, frames: int, rate: str) -> VideoClip:
    with LosslessWriter(path, size, rate) as writer:
        for number in range(frames):
            writer.write(np.full((size.height, size.width, 3), 7 * number, np.uint8))
    return VideoClip(path)


@settings(max_examples=20, deadline=None)
@given(schema=schemas(), seed=st.integers(0, 999), width=SIDES, height=SIDES, frames=st.integers(1, 3),
       rate=st.sampled_from(["12/1", "24000/1001", "50/1"]))  # fmt: skip
def test_any_schema_any_size_one_frame_or_more(
    tmp_path_factory: pytest.TempPathFactory, schema: MaskSchema, seed: int, width: int, height: int,
    frames: int, rate: str,
) -> None:  # fmt: skip
    size, folder = Size(width, height), tmp_path_factory.mktemp("round")
    clip = footage(folder / "v.mkv", size, frames, rate)
    made = anything(seed, frames, size, len(schema.classes))
    stored = MaskFile(
        write_masks(folder / "m.mkv", size, made, clip.info.frame_rate, schema.values), schema.values
    )
    assert np.array_equal(stacked(stored), np.stack(made))
    own = import_mask(folder / "m.mkv", clip.info, schema_values=schema.values)
    assert np.array_equal(stacked(own), np.stack(made))
    seen = Translated(stored, schema.conditions)
    report = write_sequence(folder / "s", clip, seen, "A wall.", rate=None)
    back = import_mask(folder / "s", clip.info)
    expected = stacked(seen)
    expected[0][expected[0] == AFFECTED] = KEEP  # as VOID does, and as the report says
    assert np.array_equal(stacked(back), expected)
    assert any("127" in change for change in report.changes) == bool((stacked(seen)[0] == AFFECTED).any())
    assert not any("lossy" in change for change in back.changes)
    shutil.rmtree(folder)


def test_a_source_of_variable_rate_there_and_back(tmp_path: Path) -> None:
    """The sequence has a constant rate; its mask fits both it and the source, picture by picture."""
    clip = VideoClip(write_jumpy_clip(tmp_path / "v.mp4"))
    assert clip.info.variable_frame_rate
    made = anything(3, clip.info.frames, clip.info.size, 4)
    made[0][made[0] == AFFECTED] = KEEP
    write_sequence(tmp_path / "s", clip, HeldMask(made), "A wall.")
    for info in (clip.info, VideoClip(tmp_path / "s" / "input_video.mp4").info):
        back = import_mask(tmp_path / "s", info)
        assert np.array_equal(stacked(back), np.stack(made))
        assert len(back.changes) == 1  # how it was read


def test_at_the_rate_that_void_knows_every_second_picture_comes_back(tmp_path: Path) -> None:
    clip = footage(tmp_path / "v.mkv", Size(17, 9), 6, "24/1")
    made = anything(5, 6, Size(17, 9), 4)
    made[0][made[0] == AFFECTED] = KEEP
    write_sequence(tmp_path / "s", clip, HeldMask(made), "A wall.", rate=Fraction(12))
    back = import_mask(tmp_path / "s", VideoClip(tmp_path / "s" / "input_video.mp4").info)
    assert np.array_equal(stacked(back), np.stack(made[::2]))
    spread = import_mask(tmp_path / "s", clip.info)
    assert np.array_equal(stacked(spread), np.repeat(np.stack(made[::2]), 2, axis=0))
    assert any("spread over 6 frames" in change for change in spread.changes)
