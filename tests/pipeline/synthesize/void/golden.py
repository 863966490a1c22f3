"""Golden numbers of the reference implementation (tests/vectors/void), and how near to them one has to come."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKLCogVideoX,
    CogVideoXDDIMScheduler,
    CogVideoXTransformer3DModel,
    DDIMScheduler,
)
from safetensors.torch import load_file

from void_audit.pipeline.synthesize.void.noise import tensor_digest
from void_audit.pipeline.synthesize.void.pipeline import VoidPipeline

torch.set_num_threads(1)  # so little work that threads would only wait for each other; results do not differ

VECTORS = Path(__file__).parents[3] / "vectors" / "void"
CASES = json.loads((VECTORS / "cases.json").read_text())
CONFIG = json.loads((VECTORS / "config.json").read_text())
SCHEDULERS = {"DDIMScheduler": DDIMScheduler, "CogVideoXDDIMScheduler": CogVideoXDDIMScheduler}


@dataclass(frozen=True)
class Case:
    """One run of the reference. ``tensors`` are named as in README.md beside them."""

    name: str
    settings: dict[str, Any]
    tensors: dict[str, torch.Tensor]

    @property
    def frames(self) -> int:
        return self.settings["frames"]

    @property
    def pictures(self) -> torch.Tensor:
        """(N, 3, H, W) in 0..1: uniform numbers, and a corner that is black, which gets no noise."""
        shape = (3, self.frames, self.settings["height"], self.settings["width"])
        video = torch.rand(shape, generator=torch.Generator().manual_seed(self.settings["video_seed"]))
        video[..., :8, :8] = 0
        return video.transpose(0, 1)

    @property
    def masks(self) -> torch.Tensor:
        """uint8 (N, H, W): all four classes in blocks of 16 x 16 pixels."""
        blocks = self.tensors["quadmask_blocks"]
        return blocks.repeat_interleave(16, 1).repeat_interleave(16, 2)

    @property
    def augmentation_noise(self) -> torch.Tensor:
        """(1, 3, N, H, W), as the reference draws it: at once, in memory of frame, channel, row, column."""
        empty = torch.empty(1, self.frames, 3, self.settings["height"], self.settings["width"])
        generator = torch.Generator().manual_seed(self.settings["augmentation_seed"])
        return empty.permute(0, 2, 1, 3, 4).normal_(generator=generator)

    def __getitem__(self, name: str) -> torch.Tensor:
        return self.tensors[name]


@cache
def case(name: str) -> Case:
    settings = CASES["cases"][name]
    same = CASES["cases"][settings["inputs_of"]]
    inputs = load_file(VECTORS / f"{same['file']}.inputs.safetensors")
    return Case(name, settings, inputs | load_file(VECTORS / f"{settings['file']}.safetensors"))


def transformer(**changes: Any) -> CogVideoXTransformer3DModel:
    model = CogVideoXTransformer3DModel(**CONFIG["transformer"] | changes)
    if not changes:
        model.load_state_dict(load_file(VECTORS / "transformer.safetensors"), strict=True)
    return model.eval()


def vae() -> AutoencoderKLCogVideoX:
    model = AutoencoderKLCogVideoX(**CONFIG["vae"])
    model.load_state_dict(load_file(VECTORS / "vae.safetensors"), strict=True)
    return model.eval()


def scheduler(name: str) -> DDIMScheduler | CogVideoXDDIMScheduler:
    known = {} if name == "CogVideoXDDIMScheduler" else {"snr_shift_scale"}
    return SCHEDULERS[name](**{key: value for key, value in CONFIG["scheduler"].items() if key not in known})


@cache
def pipeline(name: str = "DDIMScheduler", dtype: torch.dtype = torch.float32) -> VoidPipeline:
    """The golden models without text models: prompts are given as embeddings."""
    return VoidPipeline(None, None, vae().to(dtype), transformer().to(dtype), scheduler(name))


@cache
def probe() -> str:
    """Digest of what stock parts compute of portable random numbers, in the very shapes of the golden runs."""
    numbers = torch.Generator().manual_seed(0)
    pictures = torch.rand((1, 3, 13, 64, 96), generator=numbers)
    text = torch.rand((2, 226, 64), generator=numbers)
    inputs = torch.rand((2, 6, 48, 8, 12), generator=numbers)
    angles = (torch.ones(72, 64), torch.zeros(72, 64))
    model, coder = transformer(), vae()
    with torch.no_grad():
        latents = coder.encode(pictures).latent_dist.mode()
        one = model(inputs[:1], text[:1], torch.tensor([999]), image_rotary_emb=angles, return_dict=False)[0]
        two = model(inputs, text, torch.tensor([32, 32]), image_rotary_emb=angles, return_dict=False)[0]
        first, past = coder.decoder(latents[:, :, :1])
        second, _ = coder.decoder(latents[:, :, 1:3], conv_cache=past)
    drawn = torch.randn(4096, generator=numbers)
    singly = torch.empty(64, 64).t().normal_(generator=numbers).t()
    return tensor_digest(torch.cat([x.flatten() for x in (latents, one, two, first, second, drawn, singly)]))


def same_kernels() -> bool:
    """Whether this machine's kernels round as those did with which the golden runs were verified bit by bit."""
    return probe() == CASES["probe"]


def assert_golden(made: torch.Tensor, golden: torch.Tensor) -> None:
    """Equal to the last bit, or within 1e-5 where another CPU's kernels round differently."""
    if same_kernels():
        assert torch.equal(made, golden)
    else:
        torch.testing.assert_close(made, golden, rtol=0, atol=1e-5)


def assert_golden_video(case: Case, made: torch.Tensor) -> None:
    """``made`` is (N, 3, H, W). Some frames are stored; the digest stands for all of them."""
    kept = torch.tensor(case.settings["output_frames"])
    assert made.shape == (case.frames, 3, case.settings["height"], case.settings["width"])
    assert_golden(made[kept], case["output_pictures"])
    if same_kernels():
        assert tensor_digest(made) == case.settings["output_digest"]
