"""Peak memory on a ten-minute clip against a one-minute clip of the same content: `python -m benchmarks.long_clip`.

Each part and length runs in a process of its own; the figure is its peak resident size. ``see``: click segmenter and
contact rules, at 2 frames per second. ``mask``: compose, store, hash, correct, compare, inspect, and write as a VOID
sequence, at 24.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from benchmarks.memory import _peak
from benchmarks.workplace import machine
from void_audit.canon.mask import mask_identity, mask_statistics
from void_audit.media.lossless_h264 import RgbH264Writer
from void_audit.media.maskfile import MaskFile, write_masks
from void_audit.media.reader import VideoClip
from void_audit.media.void_sequence import write_sequence
from void_audit.model.clip import RGB
from void_audit.model.geometry import FrameRange, Size
from void_audit.model.grid import grid_for
from void_audit.model.mask_edit import CopyEdit, MaskEdits, Point, StrokeEdit
from void_audit.model.reasoning import Consequences
from void_audit.model.request import EditRequest
from void_audit.model.track import Click
from void_audit.pipeline.masks.compose import compose
from void_audit.pipeline.masks.diff import difference
from void_audit.pipeline.masks.edit import edited
from void_audit.pipeline.masks.inspect import inspect
from void_audit.pipeline.masks.schema import builtin
from void_audit.pipeline.reason.contact import ContactReasoner
from void_audit.pipeline.segment.click import ClickSegmenter
from void_audit.pipeline.segment.scripted import MovingShape, ScriptedSegmenter
from void_audit.weights.store import ModelStore

SIZE = Size(160, 96)
RATES = {"see": 2, "mask": 24}
MINUTES = (1, 10)


def main() -> None:
    """Print the table."""
    print(f"machine: {machine()}; {SIZE.width}x{SIZE.height}")
    print("| part | minutes | frames | peak MiB | seconds |\n|---|---|---|---|---|")
    for part in sys.argv[1:] or RATES:
        for minutes in MINUTES:
            frames = minutes * 60 * RATES[part]
            with tempfile.TemporaryDirectory() as name:
                clip = write_clip(Path(name) / "clip.mp4", frames, RATES[part])
                began = time.monotonic()
                peak = _peak({"see": _see, "mask": _mask}[part], Path(name), clip)
                print(
                    f"| {part} | {minutes} | {frames} | {peak:.0f} | {time.monotonic() - began:.0f} |",
                    flush=True,
                )


def write_clip(path: Path, frames: int, rate: int) -> Path:
    """A ball that goes round over a still ground, with its shadow."""
    with RgbH264Writer(path, SIZE, Fraction(rate)) as writer:
        for picture in pictures(frames):
            writer.write(picture)
    return path


def pictures(frames: int) -> Iterator[RGB]:
    """Deterministic."""
    ground = np.random.default_rng(1).integers(90, 150, (SIZE.height // 8, SIZE.width // 8, 3), np.uint8)
    ground = cv2.resize(ground, tuple(SIZE), interpolation=cv2.INTER_CUBIC)
    for number in range(frames):
        angle = number / 48
        x, y = round(80 + 45 * np.cos(angle)), round(44 + 20 * np.sin(angle))
        picture = ground.copy()
        cv2.ellipse(picture, (x, y + 22), (14, 4), 0, 0, 360, (60, 60, 60), -1)
        cv2.circle(picture, (x, y), 12, (220, 40, 40), -1)
        yield picture


def _see(folder: Path, path: Path) -> None:
    clip = VideoClip(path)
    track = ClickSegmenter(ModelStore(None).path("u2netp")).segment(clip, [Click(frame=0, x=125, y=44)])
    ContactReasoner().reason(clip, track, _request())


def _mask(folder: Path, path: Path) -> None:
    clip, schema = VideoClip(path), builtin("quadmask")
    click = [Click(frame=0, x=80, y=44)]
    track = ScriptedSegmenter(MovingShape(80, 44, 12)).segment(clip, click)
    nothing = Consequences(grid=grid_for(SIZE), instruction="x", summary="x", confidence=1.0)
    first = write_masks(folder / "first.mkv", SIZE, compose(track, nothing, SIZE, 2))
    frames = FrameRange(start=0, stop=len(MaskFile(first)))
    edits = MaskEdits(
        operations=(
            StrokeEdit(frames=frames, points=(Point(x=20, y=80), Point(x=60, y=85)), radius=4, to="affected"),
            CopyEdit(frames=FrameRange(start=frames.stop // 2, stop=frames.stop), from_frame=1),
        )
    )
    second = write_masks(folder / "second.mkv", SIZE, edited(MaskFile(first), edits, schema).classes())
    mask = MaskFile(second)
    mask_identity(mask)
    mask_statistics(mask, schema)
    difference(MaskFile(first), mask, schema)
    inspect(mask, schema, clip.info)
    write_sequence(folder / "sequence", clip, mask, "A still ground.")


def _request() -> EditRequest:
    return EditRequest(
        object="ball", instruction="Remove the ball.", background="A still ground.", requester="benchmark",
        purpose="measuring", asset_class="entertainment",
    )  # fmt: skip


if __name__ == "__main__":
    main()
