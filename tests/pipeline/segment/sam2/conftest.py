"""A tiny SAM 2 with random weights, clips that it tells apart, and the package's own predictor beside it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from tiny_sam2 import approved_as_it_is, write_tiny_sam2

from void_audit.media.memory import ArrayClip
from void_audit.model.seeing import Sam2Settings
from void_audit.pipeline.segment.sam2.architecture import describe
from void_audit.pipeline.segment.sam2.engine import Sam2Segmenter
from void_audit.pipeline.segment.sam2.loading import load
from void_audit.weights.folders import VerifiedFolder

WIDTH, HEIGHT = 80, 48


@pytest.fixture(autouse=True)
def _one_thread():
    """Tensors this small gain nothing from more, and on a busy machine threads wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> VerifiedFolder:
    """The model folder, approved."""
    return approved_as_it_is(write_tiny_sam2(tmp_path_factory.mktemp("models") / "sam2.1-hiera-tiny"))


@pytest.fixture
def segmenter(folder) -> Sam2Segmenter:
    return Sam2Segmenter(folder, Sam2Settings(size="tiny"), device="cpu")


@pytest.fixture
def predictor(folder):
    return load(folder, "tiny")


@pytest.fixture(scope="session")
def stock(folder):
    """The package's own predictor with the same weights; it keeps everything that it ever computed."""
    config = describe(folder, "tiny") | {"_target_": "sam2.sam2_video_predictor.SAM2VideoPredictor"}
    network = instantiate(config).eval()
    network.load_state_dict(torch.load(folder.path("sam2.1_hiera_tiny.pt"), weights_only=True)["model"])
    return network


@pytest.fixture(scope="session")
def clip_of():
    """``clip_of(frames)``: coloured noise that drifts, so that every frame differs and neighbours are alike."""

    def make(frames: int, seed: int = 0, size: tuple[int, int] = (WIDTH, HEIGHT)) -> ArrayClip:
        generator = np.random.default_rng(seed)
        width, height = size
        ground = generator.normal(size=(height, width + 4 * frames, 3)).astype(np.float32)
        ground = cv2.GaussianBlur(ground, (0, 0), 3)
        ground = np.clip(128 + ground / np.abs(ground).max() * 200, 0, 255).astype(np.uint8)
        pictures = [ground[:, 4 * i : 4 * i + width].copy() for i in range(frames)]
        for number, picture in enumerate(pictures):
            cv2.circle(picture, (10 + (5 * number) % (width - 20), height // 2), 9, (220, 30, 40), -1)
        return ArrayClip(pictures)

    return make


@pytest.fixture
def pictures_folder(tmp_path):
    """``pictures_folder(clip)``: the files that the package reads a video from; lossless, whatever their name."""

    def write(clip: ArrayClip) -> Path:
        for number, picture in enumerate(clip.frames()):
            _, png = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
            (tmp_path / f"{number:05d}.jpg").write_bytes(png.tobytes())
        return tmp_path

    return write
