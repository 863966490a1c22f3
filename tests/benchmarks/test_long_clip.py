"""The long clip's benchmark on a short one: it runs, and what it measures is what it says."""

from __future__ import annotations

from benchmarks import long_clip
from void_audit.media.reader import VideoClip


def test_the_clip_has_the_length_that_was_asked_for(tmp_path):
    info = VideoClip(long_clip.write_clip(tmp_path / "clip.mp4", 6, 2)).info
    assert (info.frames, info.size) == (6, long_clip.SIZE)
    assert float(info.rate) == 2


def test_masks_go_through_every_step(tmp_path):
    clip = long_clip.write_clip(tmp_path / "clip.mp4", 6, 24)
    long_clip._mask(tmp_path, clip)
    written = {p.name for p in (tmp_path / "sequence").iterdir()}
    assert written == {"input_video.mp4", "quadmask_0.mp4", "prompt.json"}
