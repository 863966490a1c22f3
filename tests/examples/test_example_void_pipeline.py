"""The example runs as it says: on nothing but the checkout, and on a model folder."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_void import write_tiny_model

from void_audit.media.maskfile import write_masks
from void_audit.media.reader import VideoClip
from void_audit.model.geometry import Size

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "void_pipeline.py"


def example(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLE), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def digests(said: str) -> list[str]:
    """Of the frames of each pass."""
    return re.findall(r"SHA-256 ([0-9a-f]{64})", said)


@pytest.mark.slow
def test_without_arguments_it_shows_both_passes_and_says_that_the_result_is_noise(tmp_path):
    out = tmp_path / "out.mp4"
    first = example("--pass2", "--out", out)
    assert first.returncode == 0, first.stderr
    assert "RANDOM WEIGHTS" in first.stdout
    assert "pass 1, step 4/4" in first.stdout
    assert "pass 2, step 4/4" in first.stdout
    info = VideoClip(out).info
    assert (info.width, info.height, info.frames, info.frame_rate) == (112, 64, 50, "24/1")
    one, two = digests(first.stdout)
    assert one != two
    assert digests(example("--out", out).stdout) == [one]


@pytest.mark.slow
def test_a_model_folder_and_a_clip_of_ones_own(tmp_path):
    model = write_tiny_model(tmp_path / "void")
    clip = VideoClip(ROOT / "examples" / "crossing" / "clip.mp4")
    classes = np.full((clip.info.height, clip.info.width), 3, np.uint8)
    classes[100:200, 100:300] = 0
    mask = write_masks(tmp_path / "quadmask.mkv", clip.info.size, [classes] * clip.info.frames)
    out = tmp_path / "deep" / "out.mp4"
    made = example(
        "--model", model, "--mask", mask, "--prompt", "An empty room.", "--size", "48x32", "--steps", "2",
        "--pass2", "--out", out,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    assert "RANDOM" not in made.stdout
    assert "pass 2, step 2/2" in made.stdout
    assert VideoClip(out).info.size == Size(48, 32)
    assert VideoClip(out).info.frames == clip.info.frames


def test_a_clip_without_its_mask_is_refused(tmp_path):
    made = example("--video", tmp_path / "clip.mp4")
    assert made.returncode == 2
    assert "needs --mask" in made.stderr
