"""The model at its real size, and one of the same shape that a CPU runs in seconds: random weights, never zeros.

Zeros flatter: an H200 of the same kind multiplied them 13 % faster than random numbers. The real configuration is
that of CogVideoX-Fun V1.5 5b InP with VOID's 48 input channels, and T5 v1.1 XXL.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from diffusers.models.autoencoders.autoencoder_kl_cogvideox import AutoencoderKLCogVideoX
from diffusers.models.transformers.cogvideox_transformer_3d import CogVideoXTransformer3DModel
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.schedulers.scheduling_ddim_cogvideox import CogVideoXDDIMScheduler
from transformers import T5Config, T5EncoderModel, T5Tokenizer

from void_audit.pipeline.synthesize.void.denoise import rotary_table
from void_audit.pipeline.synthesize.void.padding import latent_length
from void_audit.pipeline.synthesize.void.pipeline import VoidPipeline

Network = TypeVar("Network", bound=torch.nn.Module)

SCHEDULER = {
    "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "clip_sample": False,
    "prediction_type": "v_prediction", "rescale_betas_zero_snr": True, "timestep_spacing": "trailing",
}  # fmt: skip
_TRANSFORMER = {
    "attention_head_dim": 64, "in_channels": 48, "out_channels": 16, "patch_size": 2, "patch_size_t": 2,
    "sample_frames": 85, "sample_height": 384, "sample_width": 680, "use_rotary_positional_embeddings": True,
}  # fmt: skip
_VAE = {
    "down_block_types": ("CogVideoXDownBlock3D",) * 4, "up_block_types": ("CogVideoXUpBlock3D",) * 4,
    "latent_channels": 16, "scaling_factor": 0.7, "temporal_compression_ratio": 4,
}  # fmt: skip
_TEXT = {
    "feed_forward_proj": "gated-gelu",
    "dropout_rate": 0.0,
    "use_cache": False,
    "is_encoder_decoder": False,
}


@dataclass(frozen=True)
class Scale:
    """A model, and the clip and effort with which it is measured."""

    name: str
    transformer: Mapping[str, Any]
    vae: Mapping[str, Any]
    text: Mapping[str, Any]
    height: int
    width: int
    frames: int
    tile: int
    """Side of the VAE's tiles where it is tiled, pixels."""
    steps: int | None
    """Of both passes; None: as the plan has them."""
    rounds: int
    """Timed runs of one variant, each of twice."""
    matmul: int
    """Side of the square matrices whose product is the ceiling."""

    @property
    def latents(self) -> int:
        """Latent frames of the clip."""
        return latent_length(self.frames)

    @property
    def tokens(self) -> int:
        """Of one forward: video and text."""
        return self.latents // 2 * (self.height // 16) * (self.width // 16) + 226


REAL = Scale(
    name="real",
    transformer=_TRANSFORMER
    | {"num_attention_heads": 48, "num_layers": 42, "time_embed_dim": 512, "text_embed_dim": 4096},
    vae=_VAE | {"block_out_channels": (128, 256, 256, 512), "layers_per_block": 3, "norm_num_groups": 32},
    text=_TEXT
    | {"vocab_size": 32128, "d_model": 4096, "d_kv": 64, "d_ff": 10240, "num_layers": 24, "num_heads": 64},
    height=384, width=672, frames=85, tile=256, steps=None, rounds=3, matmul=8192,
)  # fmt: skip
TINY = Scale(
    name="tiny",
    transformer=_TRANSFORMER
    | {"num_attention_heads": 2, "num_layers": 2, "time_embed_dim": 32, "text_embed_dim": 64},
    vae=_VAE | {"block_out_channels": (8, 8, 16, 16), "layers_per_block": 1, "norm_num_groups": 4},
    text=_TEXT
    | {"vocab_size": 128, "d_model": 64, "d_kv": 16, "d_ff": 96, "num_layers": 2, "num_heads": 4},
    height=64, width=96, frames=13, tile=64, steps=4, rounds=2, matmul=512,
)  # fmt: skip
SCALES = {scale.name: scale for scale in (REAL, TINY)}


def random_transformer(scale: Scale, device: torch.device) -> CogVideoXTransformer3DModel:
    """bfloat16, drawn on ``device``."""
    with torch.device("meta"):
        model = CogVideoXTransformer3DModel(**scale.transformer)
    return _drawn(model, device, seed=1)


def random_vae(scale: Scale, device: torch.device) -> AutoencoderKLCogVideoX:
    """bfloat16, drawn on ``device``."""
    with torch.device("meta"):
        model = AutoencoderKLCogVideoX(**scale.vae)
    return _drawn(model, device, seed=2)


def random_pipeline(scale: Scale, device: torch.device) -> VoidPipeline:
    """All five components; drawn on ``device``, which is quicker, and left on the CPU."""
    with torch.device("meta"):
        text = T5EncoderModel(T5Config(**scale.text))
    text = _drawn(text, device, seed=3).cpu()
    text.tie_weights()
    letters = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)]
    letters += [(chr(code), -3.0) for code in range(33, 127)]
    return VoidPipeline(
        tokenizer=T5Tokenizer(vocab=letters, extra_ids=0),
        text_encoder=text,
        vae=random_vae(scale, device).cpu(),
        transformer=random_transformer(scale, device).cpu(),
        scheduler=scheduler("DDIMScheduler"),
    )


def scheduler(name: str) -> DDIMScheduler | CogVideoXDDIMScheduler:
    """VOID's schedule, for the class that a pass uses."""
    if name == "DDIMScheduler":
        return DDIMScheduler(**SCHEDULER)
    return CogVideoXDDIMScheduler(**SCHEDULER, snr_shift_scale=1.0)


def _drawn(model: Network, device: torch.device, seed: int) -> Network:
    """Every parameter normal: matrices of a size that keeps values near 1, scales of norms about 1."""
    model = model.bfloat16().to_empty(device=device).eval().requires_grad_(False)
    generator = torch.Generator(device).manual_seed(seed)
    for name, parameter in model.named_parameters():
        if parameter.dim() > 1:
            parameter.normal_(0, parameter[0].numel() ** -0.5, generator=generator)
        else:
            parameter.normal_(0, 0.1, generator=generator)
            if "norm" in name and name.endswith("weight"):
                parameter.add_(1)
    return model


def transformer_inputs(scale: Scale, batch: int, device: torch.device, seed: int) -> dict[str, Any]:
    """What one forward takes; random, other for every seed."""
    generator = torch.Generator(device).manual_seed(seed)

    def drawn(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator, device=device).bfloat16()

    rows, columns = scale.height // 8, scale.width // 8
    cos, sin = rotary_table(scale.transformer, scale.latents, rows, columns)
    return {
        "hidden_states": drawn(batch, scale.latents, 48, rows, columns),
        "encoder_hidden_states": drawn(batch, 226, scale.transformer["text_embed_dim"]),
        "timestep": torch.full((batch,), 500, device=device),
        "image_rotary_emb": (cos.to(device), sin.to(device)),
    }


def clip(scale: Scale) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Random pictures (3, H, W) and quadmasks (H, W) of a box that moves, with its affected surroundings."""
    generator = torch.Generator().manual_seed(4)
    size = (scale.height, scale.width)
    pictures = [torch.randint(256, (3, *size), generator=generator).byte() for _ in range(scale.frames)]
    return pictures, list(_masks(scale))


def _masks(scale: Scale) -> Iterator[torch.Tensor]:
    side = scale.height // 4
    for frame in range(scale.frames):
        mask = torch.full((scale.height, scale.width), 255, dtype=torch.uint8)
        left = (scale.width - 2 * side) * frame // scale.frames
        mask[side : 3 * side, left : left + 2 * side] = 127
        mask[side : 2 * side, left : left + side] = 0
        yield mask
