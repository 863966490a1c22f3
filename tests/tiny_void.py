"""A VOID model folder with tiny random weights, in the layout of the model store (``<models>/void``).

    base/                 model_index.json, scheduler/, text_encoder/ (shards), tokenizer/, vae/,
                          transformer/config.json (33 input channels as the base has them, no weights)
    void_pass1.safetensors, void_pass2.safetensors

The same seed makes the same bytes. Nothing is fetched.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from diffusers import AutoencoderKLCogVideoX, CogVideoXDDIMScheduler, CogVideoXTransformer3DModel
from safetensors.torch import save_file
from transformers import T5Config, T5EncoderModel, T5Tokenizer

TRANSFORMER = {
    "num_attention_heads": 2,
    "attention_head_dim": 64,
    "in_channels": 48,
    "out_channels": 16,
    "time_embed_dim": 32,
    "text_embed_dim": 64,
    "num_layers": 2,
    "sample_width": 680,
    "sample_height": 384,
    "sample_frames": 85,
    "patch_size": 2,
    "patch_size_t": 2,
    "use_rotary_positional_embeddings": True,
    "patch_bias": False,
}
VAE = {
    "down_block_types": ("CogVideoXDownBlock3D",) * 4,
    "up_block_types": ("CogVideoXUpBlock3D",) * 4,
    "block_out_channels": (8, 8, 16, 16),
    "latent_channels": 16,
    "layers_per_block": 1,
    "norm_num_groups": 4,
    "temporal_compression_ratio": 4,
    "scaling_factor": 0.7,
}
SCHEDULER = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "prediction_type": "v_prediction",
    "rescale_betas_zero_snr": True,
    "timestep_spacing": "trailing",
    "clip_sample": False,
    "snr_shift_scale": 1.0,
}
WORDS = ("lime", "table", "room", "empty", "falls", "on", "the", "a", "box", "stays")


def write_tiny_model(folder: Path, seed: int = 0) -> Path:
    """Write the model into ``folder`` (made if need be) and return it."""
    base = folder / "base"
    tokenizer = _tokenizer()
    tokenizer.save_pretrained(base / "tokenizer")
    _text_encoder(len(tokenizer), seed).save_pretrained(base / "text_encoder", max_shard_size="160KB")
    tiny_vae(seed).save_pretrained(base / "vae")
    CogVideoXDDIMScheduler(**SCHEDULER).save_pretrained(base / "scheduler")
    _write_config(base)
    for number in (1, 2):
        weights = tiny_transformer(10 * seed + number).state_dict()
        save_file(
            {name: tensor.bfloat16() for name, tensor in weights.items()},
            folder / f"void_pass{number}.safetensors",
        )
    return folder


def tiny_transformer(seed: int = 0) -> CogVideoXTransformer3DModel:
    """A transformer of two blocks with 48 input channels, float32."""
    return randomised(CogVideoXTransformer3DModel(**TRANSFORMER), seed)


def tiny_vae(seed: int = 0) -> AutoencoderKLCogVideoX:
    """A VAE of 8 to 16 channels, float32."""
    return randomised(AutoencoderKLCogVideoX(**VAE), seed)


def randomised(model: torch.nn.Module, seed: int):
    """The model with every parameter random, norms and biases too, of a size that keeps values near 1."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if parameter.dim() > 1:
                parameter.copy_(noise * parameter[0].numel() ** -0.5)
            else:
                parameter.copy_(0.1 * noise + ("norm" in name and name.endswith("weight")))
    return model.eval()


def _text_encoder(words: int, seed: int) -> T5EncoderModel:
    config = T5Config(
        vocab_size=words,
        d_model=64,
        d_kv=16,
        d_ff=96,
        num_layers=2,
        num_heads=4,
        feed_forward_proj="gated-gelu",
        dropout_rate=0.0,
        is_encoder_decoder=False,
        use_cache=False,
    )
    return randomised(T5EncoderModel(config), seed)


def _tokenizer() -> T5Tokenizer:
    """A unigram tokenizer that knows a few words and every letter."""
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:;!?'-"
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)]
    pieces += [(f"▁{word}", -3.0) for word in WORDS]
    pieces += [(letter, -6.0) for letter in letters]
    return T5Tokenizer(vocab=pieces, extra_ids=0, model_max_length=226)


def _write_config(base: Path) -> None:
    """What the base's own pipeline says; its transformer has 33 channels and its weights are not needed."""
    config = TRANSFORMER | {"in_channels": 33, "add_noise_in_inpaint_model": True}
    (base / "transformer").mkdir(exist_ok=True)
    config |= {"_class_name": "CogVideoXTransformer3DModel", "_diffusers_version": "0.30.1"}
    (base / "transformer" / "config.json").write_text(json.dumps(config, indent=2))
    index = {
        "_class_name": "CogVideoXPipeline",
        "_diffusers_version": "0.30.1",
        "scheduler": ["diffusers", "CogVideoXDDIMScheduler"],
        "text_encoder": ["transformers", "T5EncoderModel"],
        "tokenizer": ["transformers", "T5Tokenizer"],
        "transformer": ["diffusers", "CogVideoXTransformer3DModel"],
        "vae": ["diffusers", "AutoencoderKLCogVideoX"],
    }
    (base / "model_index.json").write_text(json.dumps(index, indent=2))
