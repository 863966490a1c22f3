"""Pass 2's starting noise: white in space, carried in time, decided by seed and flow alone (spec/void E17)."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Literal

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from void_audit.errors import Cancelled, RequestError
from void_audit.model.clip import RGB
from void_audit.pipeline.synthesize.void.motion import DisFlow, FlowProvider
from void_audit.pipeline.synthesize.void.warp import warped_noise

H, W = 64, 96
DETAIL = 2
CANVAS = (160, 240)
"""A third of the reference's, for clips of 128 x 224: the same stretch from 20 x 30 to 16 x 28."""

WAVES = (100 + 90 * np.sin(np.arange(224) / 5)).astype(np.uint8)[None, :, None]

Flow = NDArray[np.float32]


class Scripted:
    """Flow by rule: ``rule(number of the pair, height, width)``; keeps what it was shown."""

    name = "scripted"

    def __init__(self, rule: Callable[[int, int, int], Flow]) -> None:
        self._rule = rule
        self.seen: list[tuple[RGB, RGB]] = []

    def flow(self, one: RGB, other: RGB) -> Flow:
        self.seen.append((one, other))
        return self._rule(len(self.seen) - 1, *one.shape[:2])


def moving(x: float, y: float, only: int | None = None) -> Scripted:
    """Everything moves so far, between pictures ``only`` and the next, or always."""

    def rule(pair: int, height: int, width: int) -> Flow:
        return np.full((height, width, 2), (x, y) if only in {None, pair} else 0, np.float32)

    return Scripted(rule)


def lively() -> Scripted:
    """A zoom, a pan, and a little of everything besides."""

    def rule(pair: int, height: int, width: int) -> Flow:
        y, x = np.mgrid[:height, :width].astype(np.float32)
        rough = np.random.default_rng(pair).normal(0, 0.03, (height, width, 2))
        pan = np.stack([x - width / 2, y - height / 2], 2) * 0.03 + (1.7, -0.6)
        return (pan + rough).astype(np.float32)

    return Scripted(rule)


def clip(latent_frames: int, height: int = H, width: int = W) -> list[RGB]:
    """Pictures that tell their number: every pixel has it."""
    return [np.full((height, width, 3), index, np.uint8) for index in range(4 * (latent_frames - 1) + 1)]


def aligned(
    provider: FlowProvider, latent_frames: int = 4, seed: int = 0, fresh: float = 0.0
) -> torch.Tensor:
    return warped_noise(
        clip(latent_frames),
        latent_frames,
        H,
        W,
        provider,
        seed,
        geometry="aligned",
        fresh=fresh,
        detail=DETAIL,
    )


def stretched(provider: FlowProvider, seed: int = 0) -> torch.Tensor:
    pictures = clip(22, 128, 224)
    return warped_noise(
        pictures, 22, 128, 224, provider, seed, geometry="reference", detail=DETAIL, canvas=CANVAS
    )


def expect_white(frame: torch.Tensor, mean: float, deviation: float, lag: float) -> None:
    """One latent frame ``(16, h, w)`` within these bounds."""
    assert abs(frame.mean()) < mean
    assert abs(frame.std() - 1) < deviation
    assert abs((frame[..., 1:] * frame[..., :-1]).mean()) < lag
    assert abs((frame[:, 1:] * frame[:, :-1]).mean()) < lag


@pytest.mark.parametrize("latent_frames", [1, 2, 5, 22, 24])
def test_any_length_at_the_latents_size(latent_frames: int) -> None:
    noise = aligned(moving(0.4, 0), latent_frames)
    assert noise.shape == (1, latent_frames, 16, H // 8, W // 8)
    assert noise.dtype == torch.float32
    assert noise.device.type == "cpu"


@pytest.mark.parametrize(
    "provider", [moving(0, 0), moving(0.7, -0.2), lively()], ids=["still", "pan", "lively"]
)
def test_every_latent_frame_is_white(provider: Scripted) -> None:
    size = (128, 224)
    noise = warped_noise(clip(6, *size), 6, *size, provider, 3, geometry="aligned", detail=DETAIL)[0]
    error = 1 / np.sqrt(noise[0].numel())
    for frame in noise:
        expect_white(frame, 4 * error, 4 * error / np.sqrt(2), 0.05)


@pytest.mark.slow
def test_real_size_is_white_to_a_hundredth() -> None:
    noise = warped_noise(clip(3, 384, 672), 3, 384, 672, lively(), 11, geometry="aligned")[0]
    assert noise.shape == (3, 16, 48, 84)
    for frame in noise:
        expect_white(frame, 0.01, 0.01, 0.03)
    correlation = np.corrcoef(noise.transpose(0, 1).reshape(16, -1).numpy()) - np.eye(16)
    assert np.abs(correlation).max() < 0.05


def test_nothing_moves_without_motion() -> None:
    noise = aligned(moving(0, 0), 6)[0]
    assert all(torch.equal(frame, noise[0]) for frame in noise)


@pytest.mark.parametrize("detail", [1, 2, 8])
def test_whole_latent_pixels_shift_the_noise(detail: int) -> None:
    # Two latent pixels to the right and one up are 8 and -4 pixels of the half-size pictures.
    pictures = clip(2)
    noise = warped_noise(pictures, 2, H, W, moving(8, -4, only=2), 0, geometry="aligned", detail=detail)[0]
    first, second = noise
    assert torch.equal(second[:, :-1, 2:], first[:, 1:, :-2])
    entered = second[:, :, :2].flatten()
    assert not torch.isin(entered, first).any()
    assert abs(entered.square().mean() - 1) < 5 * np.sqrt(2 / entered.numel())


def test_a_latent_frame_is_the_noise_at_its_last_picture() -> None:
    # Latent frame 1 covers pictures 1 to 4: a move from 3 to 4 is in it, one from 4 to 5 is not.
    last_of_it = aligned(moving(4, 0, only=3), 3)[0]
    after_it = aligned(moving(4, 0, only=4), 3)[0]
    assert torch.equal(last_of_it[1][..., 1:], last_of_it[0][..., :-1])
    assert torch.equal(last_of_it[2], last_of_it[1])
    assert torch.equal(after_it[1], after_it[0])
    assert torch.equal(after_it[2][..., 1:], after_it[1][..., :-1])


def test_motion_is_looked_for_at_half_size_between_neighbours() -> None:
    provider = moving(0, 0)
    aligned(provider, 3)
    assert [(one.shape, int(one[0, 0, 0]), int(other[0, 0, 0])) for one, other in provider.seen] == [
        ((H // 2, W // 2, 3), index, index + 1) for index in range(8)
    ]


def test_noise_goes_along_with_what_is_seen() -> None:
    # A texture that moves by one latent pixel in four pictures, found by DIS.
    texture = cv2.GaussianBlur(
        np.random.default_rng(0).normal(0, 1, (128, 300, 3)).astype(np.float32), (0, 0), 3
    )
    texture = cv2.normalize(texture, np.empty_like(texture), 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    pictures = [np.asarray(texture[:, 40 - 2 * k : 264 - 2 * k], np.uint8) for k in range(9)]
    noise = warped_noise(pictures, 3, 128, 224, DisFlow(), 0, geometry="aligned", detail=4)[0]
    for before, after in pairwise(noise[:, :, 2:-2, 2:-2]):
        assert (after[..., 1:] * before[..., :-1]).mean() > 0.8
        assert abs((after * before).mean()) < 0.1


def test_the_seed_decides() -> None:
    noise = aligned(lively(), seed=2**64 - 1)
    assert torch.equal(noise, aligned(lively(), seed=2**64 - 1))
    other = aligned(lively(), seed=2**64 - 2)
    assert abs((noise * other).mean()) < 5 / np.sqrt(noise.numel())


def test_threads_decide_nothing() -> None:
    size, pictures = (128, 224), clip(2, 128, 224)
    pictures = [np.roll(picture + WAVES, 2 * index, axis=1) for index, picture in enumerate(pictures)]

    def run() -> torch.Tensor:
        return warped_noise(pictures, 2, *size, DisFlow(), 0, geometry="aligned", detail=DETAIL)

    threads, others = torch.get_num_threads(), cv2.getNumThreads()
    expected = run()
    assert not torch.equal(expected[:, 0], expected[:, 1])
    try:
        torch.set_num_threads(3)
        cv2.setNumThreads(5)
        assert torch.equal(run(), expected)
    finally:
        torch.set_num_threads(threads)
        cv2.setNumThreads(others)


@pytest.mark.parametrize("fresh", [0.25, 0.5, 1.0])
def test_fresh_noise_is_mixed_in_at_constant_variance(fresh: float) -> None:
    kept, mixed = aligned(moving(0.4, 0), 6), aligned(moving(0.4, 0), 6, fresh=fresh)
    root = np.hypot(1 - fresh, fresh)
    drawn = (mixed * root - (1 - fresh) * kept) / fresh
    error = 5 / np.sqrt(drawn.numel())
    assert abs(drawn.square().mean() - 1) < error * np.sqrt(2)
    assert abs((drawn * kept).mean()) < error
    assert abs((drawn[:, 1:] * drawn[:, :-1]).mean()) < 1.1 * error
    assert abs(mixed.square().mean() - 1) < 0.1  # the moved part hardly changes from frame to frame


def test_no_fresh_noise_is_none_at_all() -> None:
    assert torch.equal(aligned(moving(0.4, 0), fresh=0.0), aligned(moving(0.4, 0)))


def test_the_reference_is_stretched_and_too_weak() -> None:
    noise = stretched(moving(0, 0))[0]
    assert noise.shape == (22, 16, 16, 28)
    assert 0.6 < noise.std() < 0.72
    assert abs(noise.mean()) < 0.05
    assert (noise[..., 1:] * noise[..., :-1]).mean() / noise.var() > 0.1
    assert all(torch.equal(frame, noise[0]) for frame in noise)


def test_the_reference_sees_72_pictures_cropped_to_its_canvas() -> None:
    provider = moving(0, 0)
    stretched(provider)
    shown = [int(provider.seen[0][0][0, 0, 0])] + [int(other[0, 0, 0]) for _, other in provider.seen]
    assert len(shown) == 72
    assert (shown[0], shown[-1]) == (0, 84)
    assert {after - before for before, after in pairwise(shown)} == {1, 2}
    assert provider.seen[0][0].shape == (80, 120, 3)


def test_the_reference_cuts_the_sides_off() -> None:
    # 128 x 224 covers 160 x 240 at 160 x 280: a fourteenth of the width is lost on either side, 16 pixels.
    pictures = clip(22, 128, 224)
    for picture in pictures:
        picture[:] = 50
        picture[:, :14], picture[:, -14:] = 250, 250
    provider = moving(0, 0)
    warped_noise(pictures, 22, 128, 224, provider, 0, geometry="reference", detail=1, canvas=CANVAS)
    assert (provider.seen[0][0] == 50).all()


def test_the_reference_picks_22_of_its_72_states() -> None:
    # The states are 0, 3, 6, 10, ..., 71; moves into states 7 to 10 are first seen in latent frame 3.
    for pair, first in ((2, 1), (6, 3), (9, 3), (70, 21)):
        noise = stretched(moving(8, 0, only=pair))[0]
        changed = [not torch.equal(frame, noise[0]) for frame in noise]
        assert changed.index(True) == first


@pytest.mark.parametrize("latent_frames", [1, 21, 23, 24])
def test_the_reference_refuses_every_other_length(latent_frames: int) -> None:
    with pytest.raises(RequestError, match=f"22 latent frames, this clip {latent_frames}") as caught:
        warped_noise([], latent_frames, H, W, moving(0, 0), 0, geometry="reference", detail=DETAIL)
    assert caught.value.code == "warp-length"
    assert "corrected" in caught.value.hint


@pytest.mark.parametrize("frames", [0, 8, 10])
def test_the_pictures_must_be_as_many_as_the_latents_cover(frames: int) -> None:
    pictures = [np.zeros((H, W, 3), np.uint8)] * frames
    with pytest.raises(ValueError, match=r"shorter|longer"):
        warped_noise(pictures, 3, H, W, moving(0, 0), 0, geometry="aligned", detail=DETAIL)


@pytest.mark.parametrize("geometry", ["aligned", "reference"])
def test_progress_counts_the_pictures(geometry: Literal["aligned", "reference"]) -> None:
    told: list[tuple[int, int]] = []
    warped_noise(
        clip(22), 22, H, W, moving(0, 0), 0,
        geometry=geometry, progress=lambda _, done, total: told.append((done, total)), detail=1, canvas=(32, 48),
    )  # fmt: skip
    assert told == [(index, 85) for index in range(86)]


def test_cancelling_stops_before_the_next_picture() -> None:
    def stop(what: str, done: int, total: int) -> None:
        if done == 3:
            raise Cancelled("cancelled", f"{what}: stopped")

    provider = moving(0, 0)
    with pytest.raises(Cancelled):
        warped_noise(clip(4), 4, H, W, provider, 0, geometry="aligned", progress=stop, detail=DETAIL)
    assert len(provider.seen) == 2


def test_pictures_are_not_kept() -> None:
    alive: set[int] = set()
    most = 0

    def pictures() -> Iterator[RGB]:
        nonlocal most
        for index in range(41):
            picture = np.zeros((H, W, 3), np.uint8)
            alive.add(index)
            weakref.finalize(picture, alive.discard, index)
            yield picture
            most = max(most, len(alive))

    provider = Scripted(lambda _, height, width: np.zeros((height, width, 2), np.float32))
    provider.seen = Forgetful()
    warped_noise(pictures(), 11, H, W, provider, 0, geometry="aligned", detail=1)
    assert most <= 3


class Forgetful(list[tuple[RGB, RGB]]):
    """Keeps nothing."""

    def append(self, _: tuple[RGB, RGB]) -> None:
        pass
