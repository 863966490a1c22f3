"""Sound for the clips, made from the recorded motion: room tone, rolling, wooden clacks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE = 48_000
# Hertz, decay per second, level of a small wooden block
MODES = ((620, 38, 0.9), (1180, 55, 0.6), (2050, 80, 0.4), (3300, 120, 0.2))
Samples = NDArray[np.float64]


@dataclass(frozen=True)
class Knock:
    """One impact: when, where across the picture (0 left, 1 right), how hard (0..1)."""

    second: float
    side: float
    force: float


def coloured(count: int, low: float, high: float, tilt: float, seed: int) -> Samples:
    """Noise between two frequencies whose level falls as f ** -tilt; peak 1."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(count))
    f = np.fft.rfftfreq(count, 1 / RATE)
    gain = np.where(f > 0, np.maximum(f, 1.0) ** -tilt, 0.0)
    gain *= 1 / (1 + (low / np.maximum(f, 1e-3)) ** 4) / (1 + (f / high) ** 4)
    noise = np.fft.irfft(spectrum * gain, count)
    return np.asarray(noise / np.abs(noise).max(), dtype=np.float64)


def placed(mono: Samples, side: Samples | float) -> Samples:
    """Mono to stereo at constant power."""
    angle = np.clip(side, 0.05, 0.95) * (math.pi / 2)
    return np.stack([mono * np.cos(angle), mono * np.sin(angle)])


def room_tone(count: int) -> Samples:
    """A quiet room: low air noise, a little different in each ear."""
    shared = coloured(count, 40, 1800, 0.9, 1)
    ears = [0.75 * shared + 0.35 * coloured(count, 60, 4000, 0.7, seed) for seed in (2, 3)]
    return 0.012 * np.stack(ears)


def rolling(speeds: Sequence[float], sides: Sequence[float], radius: float, fps: int) -> Samples:
    """A hollow ball on boards: rumble that follows speed, turns with the ball, and pans."""
    count = round(len(speeds) / fps * RATE)
    at = np.arange(count) / RATE * fps
    speed = np.interp(at, np.arange(len(speeds)), speeds)
    side = np.interp(at, np.arange(len(sides)), sides)
    angle = np.cumsum(speed) / RATE / radius
    wobble = 0.75 + 0.25 * np.sin(angle + 0.7) + 0.12 * np.sin(3 * angle)
    rumble = coloured(count, 55, 260, 0.3, 4) + 0.10 * coloured(count, 500, 2600, 0.3, 5)
    return placed(0.11 * rumble * wobble * np.clip(speed, 0, 2.0), side)


def clacks(knocks: Sequence[Knock], count: int) -> Samples:
    """Struck wood: a few damped modes and a short click for each impact."""
    mix = np.zeros((2, count))
    for index, knock in enumerate(knocks):
        dice = np.random.default_rng(100 + index)
        t = np.arange(int(0.25 * RATE)) / RATE
        hit = np.zeros_like(t)
        for mode, decay, gain in MODES:
            pitch = mode * dice.uniform(0.9, 1.12)
            hit += gain * np.exp(-decay * t) * np.sin(2 * math.pi * pitch * t)
        hit += 0.5 * np.exp(-400 * t) * dice.standard_normal(t.size)
        hit += 0.8 * np.exp(-22 * t) * np.sin(2 * math.pi * 130 * t)
        start = round(knock.second * RATE)
        end = min(count, start + t.size)
        if end > start:
            mix[:, start:end] += placed(0.22 * knock.force * hit[: end - start], knock.side)
    return mix


def limited(mix: Samples) -> Samples:
    """Soft limiting and 8 ms fades at both ends."""
    out = np.tanh(mix)
    ramp = np.minimum(1.0, np.arange(out.shape[1]) / (0.008 * RATE))
    return np.asarray(out * ramp * ramp[::-1], dtype=np.float64)
