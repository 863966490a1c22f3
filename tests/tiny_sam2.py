"""A SAM 2.1 model folder with tiny random weights, in the layout of the model store (``<models>/sam2.1-hiera-tiny``).

    sam2.1_hiera_tiny.pt    as PyTorch saves it: {"model": {...}}
    architecture.json       the network's numbers: a picture of 64 pixels, 32 channels

The same seed makes the same tensors. Nothing is fetched.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch

from void_audit.model.engine import WeightsRef
from void_audit.pipeline.segment.sam2.loading import unfilled
from void_audit.pipeline.segment.sam2.packages import CHECKPOINTS
from void_audit.pipeline.segment.sam2.predictor import Predictor
from void_audit.weights.folders import VerifiedFolder, scan

ARCHITECTURE = {
    "image_size": 64,
    "embed_dim": 8,
    "num_heads": 1,
    "stages": [1, 1, 2, 1],
    "global_att_blocks": [3],
    "window_pos_embed_bkg_spatial_size": [7, 7],
    "window_spec": [4, 4, 2, 1],
    "hidden_dim": 32,
    "memory_dim": 16,
}


def write_tiny_sam2(folder: Path, seed: int = 3, size: str = "tiny", **changes: object) -> Path:
    """Write the model into ``folder`` (made if need be) and return it; ``changes`` of the architecture."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "architecture.json").write_text(json.dumps(ARCHITECTURE | changes))
    return _written(folder, seed, size)


def write_published_sam2(folder: Path, seed: int = 3, size: str = "tiny") -> Path:
    """The same for a network as it is published, without an ``architecture.json``: 156 MB for ``tiny``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "README").write_text("Random weights.")
    return _written(folder, seed, size)


def _written(folder: Path, seed: int, size: str) -> Path:
    torch.save(
        {"model": random_state(unfilled(approved_as_it_is(folder), size), seed)},
        folder / f"{CHECKPOINTS[size]}.pt",
    )
    return folder


def approved_as_it_is(folder: Path, name: str = "sam2.1-hiera-tiny") -> VerifiedFolder:
    """The folder with all of its files approved, as a model store hands it out."""
    refs = tuple(WeightsRef(name=f"{name}/{file.path}", sha256=file.sha256) for file in scan(folder))
    return VerifiedFolder(folder, name, refs, dynamics=False, purpose="")


def random_state(network: Predictor, seed: int) -> dict[str, torch.Tensor]:
    """Random values for every parameter, of a size that keeps signals near 1 and lets memories matter."""
    generator = torch.Generator().manual_seed(seed)
    return {name: _random(name, value, generator) for name, value in network.state_dict().items()}


def _random(name: str, like: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    noise = torch.randn(like.shape, generator=generator)
    if "norm" in name or name.endswith("gamma"):
        return 0.1 * noise + float(not name.endswith("bias"))
    if like.dim() > 1 and name.endswith("weight") and "embed" not in name and "token" not in name:
        return noise * like[0].numel() ** -0.5
    return 0.3 * noise
