"""Random numbers that can be made again: one seed per purpose, drawn on the CPU, named by their digest."""

from __future__ import annotations

import hashlib
import struct

import torch


def seed_for(seed: int, purpose: str) -> int:
    """The seed for one use (``latents``, ``augmentation``, ...) of a job's ``seed``, 0 <= it < 2^63.

    Draws for one purpose cannot move those for another, which a generator shared by all would do.
    """
    digest = hashlib.sha256(f"{purpose}:{seed}".encode()).digest()
    return int(struct.unpack(">Q", digest[:8])[0] >> 1)


def generator_for(seed: int, purpose: str) -> torch.Generator:
    """A CPU generator at the start of the sequence for ``purpose``."""
    return torch.Generator("cpu").manual_seed(seed_for(seed, purpose))


def normal(
    shape: tuple[int, ...], generator: torch.Generator | None, dtype: torch.dtype = torch.float32
) -> torch.Tensor:
    """Standard normal numbers in ``dtype``, always drawn on the CPU so that the device does not choose them."""
    return torch.randn(shape, generator=generator, dtype=dtype, device="cpu")


def tensor_digest(tensor: torch.Tensor) -> str:
    """SHA-256 (hexadecimal) over type, shape and the values in memory order, little-endian."""
    head = f"{str(tensor.dtype).removeprefix('torch.')}{list(tensor.shape)}".encode()
    data = tensor.detach().cpu().contiguous().flatten().view(torch.uint8)
    return hashlib.sha256(head + data.numpy().tobytes()).hexdigest()
