"""The diffusion: every step goes over all windows of the clip, each window visiting the device in turn.

The transformer's 48 input channels are 16 noisy latents, 16 mask latents and 16 video latents (spec/void 1.4).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from diffusers.models.embeddings import get_3d_rotary_pos_embed
from diffusers.models.transformers.cogvideox_transformer_3d import CogVideoXTransformer3DModel
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.schedulers.scheduling_ddim_cogvideox import CogVideoXDDIMScheduler

from void_audit.errors import ClipError, WeightsError
from void_audit.pipeline.synthesize.void.padding import TEMPORAL_COMPRESSION
from void_audit.pipeline.synthesize.void.windows import latent_windows, weights

Rotary = tuple[torch.Tensor, torch.Tensor]
OnStep = Callable[[int, torch.Tensor], None]
OnWindow = Callable[[int, int, int], None]


def rotary_table(config: Mapping[str, Any], latents: int, height: int, width: int) -> Rotary:
    """Cosines and sines for a window's tokens, each (tokens, head dimension) float32 on the CPU.

    Positions are whole numbers of patches from 0, in time too: every window begins anew.

    Args:
        config: of the transformer.
        latents: length of the window.
        height: of the latents.
        width: of the latents.
    """
    patch = config["patch_size"]
    cos, sin = get_3d_rotary_pos_embed(
        embed_dim=config["attention_head_dim"],
        crops_coords=None,
        grid_size=(height // patch, width // patch),
        temporal_size=latents // config["patch_size_t"],
        grid_type="slice",
        max_size=(max(config["sample_height"], height) // patch, max(config["sample_width"], width) // patch),
    )
    return cos, sin


@dataclass
class Denoiser:
    """Runs the transformer on windows of one clip.

    ``embeds`` is (1, tokens, D), or (2, tokens, D) with guidance: without the prompt, then with it. ``conditions``
    is (1, T, 32, h, w) on the CPU.
    """

    transformer: CogVideoXTransformer3DModel
    scheduler: DDIMScheduler | CogVideoXDDIMScheduler
    conditions: torch.Tensor
    embeds: torch.Tensor
    guidance_scale: float
    device: torch.device
    _rotary: dict[int, Rotary] = field(default_factory=dict)

    def step(self, latents: torch.Tensor, timestep: int, window: tuple[int, int]) -> torch.Tensor:
        """One window after one scheduler step, (1, t, 16, h, w) on the CPU. ``latents`` is the whole clip."""
        begin, end = window
        sample = latents[:, begin:end].to(self.device)
        output = self._predict(sample, self.conditions[:, begin:end].to(self.device), timestep, window)
        stepped: torch.Tensor = self.scheduler.step(output, timestep, sample, return_dict=False)[0]
        return stepped.cpu()

    def _predict(
        self, sample: torch.Tensor, conditions: torch.Tensor, timestep: int, window: tuple[int, int]
    ) -> torch.Tensor:
        batch, dtype = self.embeds.shape[0], self.embeds.dtype
        inputs = torch.cat([sample.to(dtype), conditions.to(dtype)], dim=2)
        output: torch.Tensor
        with self._context(window):
            output = self.transformer(
                hidden_states=inputs.expand(batch, -1, -1, -1, -1),
                encoder_hidden_states=self.embeds,
                timestep=torch.tensor([timestep] * batch, device=self.device),
                image_rotary_emb=self._table(inputs),
                return_dict=False,
            )[0].float()
        if batch == 1:
            return output
        without, given = output.chunk(2)
        return without + self.guidance_scale * (given - without)

    def _table(self, inputs: torch.Tensor) -> Rotary:
        _, length, _, height, width = inputs.shape
        if length not in self._rotary:
            cos, sin = rotary_table(self.transformer.config, length, height, width)
            self._rotary[length] = cos.to(self.device), sin.to(self.device)
        return self._rotary[length]

    def _context(self, window: tuple[int, int]) -> AbstractContextManager[None]:
        """Step caches remember what they saw per name: windows must not see each other's."""
        if not self.transformer.is_cache_enabled:
            return nullcontext()
        context: AbstractContextManager[None] = self.transformer.cache_context(f"window-{window[0]}")
        return context


def check(transformer: CogVideoXTransformer3DModel, latents: torch.Tensor, conditions: torch.Tensor) -> None:
    """What the model would stumble over, or compute nonsense from.

    Raises:
        WeightsError: ``wrong-transformer`` if the transformer takes another number of channels.
        ClipError: ``latents-shape`` if latents and conditions are of different clips, or odd in number.
    """
    channels, taken = latents.shape[2] + conditions.shape[2], transformer.config["in_channels"]
    if taken != channels:
        raise WeightsError(
            "wrong-transformer",
            f"This transformer takes {taken} channels, VOID's takes {channels}.",
            "Load a VOID checkpoint; the base model that it was made from is another one.",
        )
    shapes = [(*x.shape[:2], *x.shape[3:]) for x in (latents, conditions)]
    if shapes[0] != shapes[1] or latents.shape[1] % 2:
        raise ClipError(
            "latents-shape",
            f"Latents {tuple(latents.shape)} do not go with conditions {tuple(conditions.shape)}.",
            "Both need the padded clip's even number of latents and the same size.",
        )


def denoise(
    denoiser: Denoiser,
    latents: torch.Tensor,
    *,
    steps: int,
    window_frames: int,
    overlap_frames: int,
    start_step: int = 0,
    on_step: OnStep | None = None,
    on_window: OnWindow | None = None,
) -> torch.Tensor:
    """Latents after ``steps`` steps, the first ``start_step`` of which were done before.

    Args:
        denoiser: model, schedule and conditions.
        latents: (1, T, 16, h, w) on the CPU, T even; their dtype is kept between steps.
        steps: of the whole schedule.
        window_frames: frames per window, 5 (mod 8).
        overlap_frames: frames that two windows share, a multiple of 8.
        start_step: how many steps are already done.
        on_step: called with the step (from 0) and the latents after it.
        on_window: called with the step, the window (from 0) and the number of windows, after each window.
    """
    length = latents.shape[1]
    spans = latent_windows(length, window_frames, overlap_frames)
    overlap = overlap_frames // TEMPORAL_COMPRESSION
    denoiser.scheduler.set_timesteps(steps)
    for step in range(start_step, steps):
        timestep = int(denoiser.scheduler.timesteps[step])
        canvas = torch.zeros(latents.shape, dtype=torch.float32)
        total = torch.zeros(1, length, 1, 1, 1)
        for number, (begin, end) in enumerate(spans):
            weight = weights((begin, end), length, overlap, latents.dtype)
            canvas[:, begin:end] += denoiser.step(latents, timestep, (begin, end)) * weight
            total[:, begin:end] += weight
            if on_window:
                on_window(step, number, len(spans))
        latents = (canvas / total).to(latents.dtype)
        if on_step:
            on_step(step, latents)
    return latents
