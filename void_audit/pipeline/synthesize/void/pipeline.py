"""VOID as a diffusers pipeline: the object and what it did to the scene are removed from a clip.

Pass 1 and pass 2 are the same pipeline with other transformer weights and other starting latents. Whatever is
as long as the clip stays on the CPU; chunks and windows visit the device. Offloading by diffusers' own hooks
(``enable_model_cpu_offload`` and its like) works.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl_cogvideox import AutoencoderKLCogVideoX
from diffusers.models.transformers.cogvideox_transformer_3d import CogVideoXTransformer3DModel
from diffusers.pipelines.pipeline_utils import DiffusionPipeline
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.schedulers.scheduling_ddim_cogvideox import CogVideoXDDIMScheduler
from diffusers.utils.outputs import BaseOutput
from numpy.typing import NDArray
from PIL import Image
from transformers import T5EncoderModel, T5Tokenizer

from void_audit.errors import MaskError
from void_audit.pipeline.synthesize.void import codec, conditions, noise, tiling
from void_audit.pipeline.synthesize.void import denoise as diffusion
from void_audit.pipeline.synthesize.void.padding import frame_length, latent_length, padded, padded_length

Callback = Callable[[DiffusionPipeline, int, torch.Tensor, dict[str, torch.Tensor]], dict[str, torch.Tensor]]

SIGMA = 0.0563
"""Standard deviation of the noise on the conditioning video, whose range is -1 to 1."""

Frames = torch.Tensor | NDArray[np.float32] | list[list[Image.Image]]


@dataclass
class VoidPipelineOutput(BaseOutput):
    """What a call returns: one clip as a batch of one, in the form that ``output_type`` names."""

    frames: Frames


class VoidPipeline(DiffusionPipeline):
    """Video inpainting that also removes an object's effects, by Netflix's VOID.

    Components: T5 v1.1 tokenizer and encoder, the CogVideoX VAE, a CogVideoX transformer of 48 input channels,
    DDIM (pass 1) or CogVideoX-DDIM (pass 2).

    Arguments of a call:
        prompt: the scene after the removal, e.g. "A lime falls on the table."
        video: (3, H, W) each, uint8 or float 0..1; H and W multiples of 16, best 384 x 672.
        mask: uint8 (H, W) each: 0 the object, 127 what it affects, 63 both, 255 keep.
        negative_prompt: what guidance leads away from.
        num_inference_steps: scheduler steps.
        guidance_scale: classifier-free guidance; 1 is none.
        mask_levels: 3, or 2 to take the affected area for the object.
        window_frames: frames per window in time, 5 (mod 8); shorter clips are mirror-padded to it.
        overlap_frames: frames that two windows share, a multiple of 8.
        generator: CPU generator, from which first starting latents, then augmentation noise are drawn, each
            unless given.
        latents: starting latents (1, T, 16, H/8, W/8), e.g. warped noise for pass 2.
        augmentation_noise: (1, 3, N, H, W), N the padded length.
        prompt_embeds: instead of ``prompt``, (1, 226, D).
        negative_prompt_embeds: instead of ``negative_prompt``.
        latents_dtype: in which starting latents are drawn and all are kept; default the transformer's.
        trim: return as many frames as ``video`` has, not the padded length.
        output_type: ``pt`` (1, F, 3, H, W) 0..1, ``np`` (1, F, H, W, 3) 0..1, ``pil``, or ``latent``.
        return_dict: a ``VoidPipelineOutput``, else a tuple.
        callback_on_step_end: called with pipeline, step, timestep and ``{"latents": ...}`` after each step;
            ``latents`` in the dictionary that it returns replace them.
        callback_on_step_end_tensor_inputs: what that dictionary holds.
    """

    model_cpu_offload_seq = "text_encoder->vae->transformer->vae"  # type: ignore[assignment]
    _callback_tensor_inputs = ["latents"]  # noqa: RUF012 - diffusers' own spelling

    def __init__(
        self,
        tokenizer: T5Tokenizer,
        text_encoder: T5EncoderModel,
        vae: AutoencoderKLCogVideoX,
        transformer: CogVideoXTransformer3DModel,
        scheduler: DDIMScheduler | CogVideoXDDIMScheduler,
    ) -> None:
        super().__init__()
        self.register_modules(  # type: ignore[no-untyped-call]
            tokenizer=tokenizer,
            text_encoder=text_encoder,
            vae=vae,
            transformer=transformer,
            scheduler=scheduler,
        )
        self.encoder: Callable[[AutoencoderKLCogVideoX], codec.Coder] = codec.Encoder
        self.decoder: Callable[[AutoencoderKLCogVideoX], codec.Coder] = codec.Decoder

    def enable_vae_tiling(self, tile: int) -> None:
        """Encode and decode in tiles of ``tile`` x ``tile`` pixels: less memory, other pixels. 0 is no tiling."""
        self.encoder = partial(tiling.TiledEncoder, tile=tile) if tile else codec.Encoder
        self.decoder = partial(tiling.TiledDecoder, tile=tile) if tile else codec.Decoder

    def _onload(self, model: torch.nn.Module) -> None:
        """Have a model on the device, and no other there, when it or its parts are called next.

        Offloading that goes by the order of ``model_cpu_offload_seq`` would keep the transformer while the VAE
        decodes, and would not see that the VAE's encoder is called at all.
        """
        for other in getattr(self, "_all_hooks", []):
            if other.model is not model:
                other.offload()
        hook = getattr(model, "_hf_hook", None)
        if hook is not None:
            hook.pre_forward(model)

    def cuts(self, prompt: str) -> bool:
        """Whether the model reads less than the whole prompt."""
        tokens = self.tokenizer(prompt, verbose=False).input_ids
        return len(tokens) > int(self.transformer.config.max_text_seq_length)

    @torch.no_grad()
    def encode_prompt(self, prompt: str) -> torch.Tensor:
        """Text embeddings (1, 226, D) on the CPU. Padding is attended to, as when the model was trained."""
        self._onload(self.text_encoder)
        length = self.transformer.config.max_text_seq_length
        tokens = self.tokenizer(
            prompt, padding="max_length", max_length=length, truncation=True, return_tensors="pt"
        )
        states: torch.Tensor = self.text_encoder(tokens.input_ids.to(self._execution_device))[0]
        return states.cpu()

    @torch.no_grad()
    def encode_conditions(
        self,
        frames: Iterable[torch.Tensor],
        masks: Iterable[torch.Tensor],
        count: int,
        *,
        mask_levels: int = 3,
        sigma: float = SIGMA,
        generator: torch.Generator | None = None,
        augmentation_noise: torch.Tensor | None = None,
        window_frames: int = 85,
    ) -> torch.Tensor:
        """Mask latents, then video latents: (1, T, 32, H/8, W/8) on the CPU, in the VAE's dtype.

        Args:
            frames: (3, H, W) at the model's size, uint8 or float 0..1; H and W multiples of 16.
            masks: uint8 (H, W), values 0, 63, 127, 255.
            count: number of frames and of masks; both are mirror-padded here.
            mask_levels: 3, or 2 to take the affected area for the object.
            sigma: strength of the noise on the frames.
            generator: for that noise (CPU).
            augmentation_noise: that noise itself, (1, 3, N, H, W) with N the padded length.
            window_frames: least padded length.

        Raises:
            ClipError: ``clip-length``, or ``clip-size`` if the size is none that the model takes.
            MaskError: ``mask-values`` or ``mask-size``.
        """
        total = padded_length(count, window_frames)
        if augmentation_noise is not None and augmentation_noise.shape[2] != total:
            raise ValueError(
                f"augmentation_noise has {augmentation_noise.shape[2]} frames, the clip {total}."
            )
        given = None if augmentation_noise is None else augmentation_noise[0].transpose(0, 1)
        video = conditions.conditioning(padded(frames, count, total), sigma, generator, given)
        of_video = self._encoded(video, total)
        of_mask = self._encoded(conditions.mask_pictures(padded(masks, count, total), mask_levels), total)
        if of_mask.shape != of_video.shape:
            raise MaskError("mask-size", "Mask and pictures differ in size.", "Resize both alike.")
        return torch.cat([of_mask, of_video], dim=1).transpose(1, 2).contiguous()

    def _encoded(self, pictures: Iterable[torch.Tensor], total: int) -> torch.Tensor:
        self._onload(self.vae)
        cast = (picture.to(self._execution_device, self.vae.dtype) for picture in pictures)
        scale = self.vae.config.scaling_factor
        return torch.cat(
            [(z * scale).cpu() for z in codec.encode(self.encoder(self.vae), cast, total)], dim=2
        )

    @torch.no_grad()
    def denoise(
        self,
        latents: torch.Tensor,
        conditions: torch.Tensor,
        prompt_embeds: torch.Tensor,
        negative_prompt_embeds: torch.Tensor | None = None,
        *,
        steps: int,
        guidance_scale: float,
        window_frames: int = 85,
        overlap_frames: int = 16,
        start_step: int = 0,
        on_step: diffusion.OnStep | None = None,
        on_window: diffusion.OnWindow | None = None,
    ) -> torch.Tensor:
        """Latents after all steps, on the CPU, in the dtype that ``latents`` have (kept between steps, too).

        Args:
            latents: (1, T, 16, h, w) on the CPU; where to begin, or the state after ``start_step`` steps.
            conditions: of ``encode_conditions``, (1, T, 32, h, w).
            prompt_embeds: (1, 226, D); its dtype is the one computed in.
            negative_prompt_embeds: the same for what guidance leads away from; needed above scale 1.
            steps: of the whole schedule.
            guidance_scale: classifier-free guidance; 1 is none, at half the cost.
            window_frames: frames per window, 5 (mod 8).
            overlap_frames: frames that two windows share, a multiple of 8.
            start_step: steps that are done already; the result is as without the interruption.
            on_step: called with the step (from 0) and the latents after it; may raise to stop.
            on_window: called with step, window (from 0) and number of windows; may raise to stop.

        Raises:
            WeightsError: ``wrong-transformer`` if the transformer takes another number of channels.
            ClipError: ``latents-shape`` if latents and conditions are of different clips.
        """
        diffusion.check(self.transformer, latents, conditions)
        self._onload(self.transformer)
        device = self._execution_device
        embeds = prompt_embeds
        if guidance_scale > 1:
            if negative_prompt_embeds is None:
                raise ValueError(f"guidance_scale {guidance_scale} needs negative_prompt_embeds.")
            embeds = torch.cat([negative_prompt_embeds, prompt_embeds])
        denoiser = diffusion.Denoiser(
            self.transformer, self.scheduler, conditions, embeds.to(device), guidance_scale, device
        )
        return diffusion.denoise(
            denoiser,
            latents,
            steps=steps,
            window_frames=window_frames,
            overlap_frames=overlap_frames,
            start_step=start_step,
            on_step=on_step,
            on_window=on_window,
        )

    @torch.no_grad()
    def decode(self, latents: torch.Tensor, count: int | None = None) -> Iterator[torch.Tensor]:
        """Frames, float32 (3, H, W) in 0..1 on the CPU, one by one; only the first ``count`` of 4T - 3.

        Around the VAE it is computed in the latents' own dtype: float32 latents do not lose levels to bfloat16.
        """
        self._onload(self.vae)
        scaled = (1 / self.vae.config.scaling_factor * latents).transpose(1, 2)
        left = frame_length(latents.shape[1]) if count is None else count
        coder, device = self.decoder(self.vae), self._execution_device
        for chunk in codec.decode(lambda some: coder(some.to(device, self.vae.dtype)), scaled):
            pixels = (chunk.to(latents.dtype) / 2 + 0.5).clamp(0, 1).float().cpu()
            yield from pixels[0].transpose(0, 1)[:left]
            left -= pixels.shape[2]
            if left <= 0:
                return

    @torch.no_grad()
    def __call__(
        self,
        prompt: str = "",
        *,
        video: Sequence[torch.Tensor] | torch.Tensor,
        mask: Sequence[torch.Tensor] | torch.Tensor,
        negative_prompt: str = "",
        num_inference_steps: int = 30,
        guidance_scale: float = 1.0,
        mask_levels: int = 3,
        window_frames: int = 85,
        overlap_frames: int = 16,
        generator: torch.Generator | None = None,
        latents: torch.Tensor | None = None,
        augmentation_noise: torch.Tensor | None = None,
        prompt_embeds: torch.Tensor | None = None,
        negative_prompt_embeds: torch.Tensor | None = None,
        latents_dtype: torch.dtype | None = None,
        trim: bool = True,
        output_type: Literal["pt", "np", "pil", "latent"] = "pt",
        return_dict: bool = True,
        callback_on_step_end: Callback | None = None,
        callback_on_step_end_tensor_inputs: Sequence[str] = ("latents",),
    ) -> VoidPipelineOutput | tuple[Any]:
        """The clip without the object. Arguments: see the class. Raises what the single stages raise."""
        dtype, count = self.transformer.dtype, len(video)
        embeds = self.encode_prompt(prompt) if prompt_embeds is None else prompt_embeds
        away = negative_prompt_embeds
        if away is None and guidance_scale > 1:
            away = self.encode_prompt(negative_prompt)
        if latents is None:
            height, width = (side // codec.SPATIAL_COMPRESSION for side in video[0].shape[-2:])
            length = latent_length(padded_length(count, window_frames))
            latents = noise.normal((1, length, 16, height, width), generator, latents_dtype or dtype)
        with self.progress_bar(total=num_inference_steps) as bar:
            latents = self.denoise(
                latents.to(latents_dtype or dtype),
                self.encode_conditions(
                    video,
                    mask,
                    count,
                    mask_levels=mask_levels,
                    generator=generator,
                    augmentation_noise=augmentation_noise,
                    window_frames=window_frames,
                ),
                embeds.to(dtype),
                None if away is None else away.to(dtype),
                steps=num_inference_steps,
                guidance_scale=guidance_scale,
                window_frames=window_frames,
                overlap_frames=overlap_frames,
                on_step=self._told(bar, callback_on_step_end, callback_on_step_end_tensor_inputs),
            )
        made = latents if output_type == "latent" else self.decode(latents, count if trim else None)
        frames = _converted(made, output_type)
        self.maybe_free_model_hooks()  # type: ignore[no-untyped-call]
        return VoidPipelineOutput(frames=frames) if return_dict else (frames,)

    def _told(self, bar: Any, callback: Callback | None, inputs: Sequence[str]) -> diffusion.OnStep:  # noqa: ANN401
        """After a step the bar moves on, and the caller's callback may put other latents in place of ours."""

        def on_step(step: int, latents: torch.Tensor) -> None:
            bar.update()
            if callback:
                known = {"latents": latents}
                given = {name: known[name] for name in inputs}
                latents.copy_(
                    callback(self, step, self.scheduler.timesteps[step], given).get("latents", latents)
                )

        return on_step


def _converted(made: torch.Tensor | Iterable[torch.Tensor], output_type: str) -> Frames:
    """Frames (3, H, W) in 0..1 as the batch of one clip that ``output_type`` names; latents as they are."""
    if isinstance(made, torch.Tensor):
        return made
    if output_type == "pt":
        return torch.stack(list(made))[None]
    arrays = [frame.permute(1, 2, 0).numpy() for frame in made]
    if output_type == "np":
        return np.stack(arrays)[None]
    return [[Image.fromarray((array * 255).round().astype(np.uint8)) for array in arrays]]
