"""Attention of the VOID transformer: one processor that can use the device's best kernel.

The processor that diffusers gives its CogVideoX transformer calls PyTorch's attention directly, so
``set_attention_backend`` changes nothing there, silently. This one asks diffusers' dispatcher. It computes
the same numbers: with backend ``native`` its output equals the stock processor's bit for bit on the CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import torch
from diffusers.models.attention_dispatch import AttentionBackendName, dispatch_attention_fn
from diffusers.models.transformers.cogvideox_transformer_3d import CogVideoXTransformer3DModel

Rotary = tuple[torch.Tensor, torch.Tensor]
"""Cosines and sines, each (tokens, head dimension) float32; both channels of a pair have the same angle."""

_AMPERE, _HOPPER = 8, 9


class Projections(Protocol):
    """What is used of a block's attention module."""

    heads: int
    to_q: Callable[[torch.Tensor], torch.Tensor]
    to_k: Callable[[torch.Tensor], torch.Tensor]
    to_v: Callable[[torch.Tensor], torch.Tensor]
    norm_q: Callable[[torch.Tensor], torch.Tensor]
    norm_k: Callable[[torch.Tensor], torch.Tensor]
    to_out: Sequence[Callable[[torch.Tensor], torch.Tensor]]


def best_backend(device: torch.device, dtype: torch.dtype = torch.bfloat16) -> str:
    """Name of diffusers' backend that is fastest at a head dimension of 64, of those that PyTorch brings.

    cuDNN on Hopper and Blackwell (412 against FlashAttention-2's 324 TFLOP/s, arXiv 2407.08608), else
    FlashAttention-2 on Ampere and Ada. Both take 16-bit numbers only: anything else is left to PyTorch.
    """
    if device.type != "cuda" or torch.version.hip or dtype not in {torch.bfloat16, torch.float16}:
        return "native"
    generation, _ = torch.cuda.get_device_capability(device)
    if generation >= _HOPPER:
        return "_native_cudnn"
    return "_native_flash" if generation >= _AMPERE else "native"


def rotate(tokens: torch.Tensor, rotary: Rotary) -> None:
    """Apply the rotary embedding to ``tokens`` (batch, tokens, heads, head dimension), in place.

    Every pair of channels (x, y) becomes (x cos - y sin, y cos + x sin), in float32, rounded once to the
    tokens' type. The rotated copy of the whole tensor is never built. Complex numbers would need fewer
    passes, but CPU kernels multiply them with other roundings at the ends of a vector than within.
    """
    x, y = tokens.view(*tokens.shape[:-1], -1, 2).unbind(-1)
    cos, sin = (table[:, None, ::2] for table in rotary)
    turned_x = (x * cos).sub_(y * sin)
    turned_y = (y * cos).add_(x * sin)
    x.copy_(turned_x)
    y.copy_(turned_y)


class VoidAttention:
    """Self-attention over text and video tokens together, for the blocks of a CogVideoX transformer.

    Heads stay the second-last dimension throughout, so that neither the norms nor the kernels copy.
    """

    def __init__(self, backend: str = "native") -> None:
        self._attention_backend = AttentionBackendName(backend)

    def __call__(
        self,
        attn: Projections,
        hidden_states: torch.Tensor,
        encoder_hidden_states: torch.Tensor,
        attention_mask: None = None,
        image_rotary_emb: Rotary | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Attend from every token to every token.

        Args:
            attn: the module whose projections and norms are used.
            hidden_states: (batch, video tokens, channels).
            encoder_hidden_states: (batch, text tokens, channels); these are not rotated.
            attention_mask: there is none in this model.
            image_rotary_emb: the video tokens' positions.

        Returns:
            The video tokens and the text tokens, in the shapes given.
        """
        text = encoder_hidden_states.shape[1]
        tokens = torch.cat([encoder_hidden_states, hidden_states], dim=1)
        heads = (*tokens.shape[:2], attn.heads, -1)
        query = attn.norm_q(attn.to_q(tokens).view(heads))
        key = attn.norm_k(attn.to_k(tokens).view(heads))
        value = attn.to_v(tokens).view(heads)
        if image_rotary_emb is not None:
            rotate(query[:, text:], image_rotary_emb)
            rotate(key[:, text:], image_rotary_emb)
        mixed = dispatch_attention_fn(query, key, value, backend=self._attention_backend)
        out = attn.to_out[0](mixed.flatten(2))
        return out[:, text:], out[:, :text]


@contextmanager
def installed(transformer: CogVideoXTransformer3DModel, backend: str) -> Iterator[None]:
    """Let the transformer attend with :class:`VoidAttention` and this backend; afterwards, as it did before.

    diffusers' own ``set_attention_backend`` works inside, too, but sets the default of the whole process.
    """
    before = transformer.attn_processors
    ours: object = VoidAttention(backend)
    transformer.set_attn_processor(ours)  # type: ignore[arg-type]  # a closed list of diffusers' own classes
    try:
        yield
    finally:
        transformer.set_attn_processor(before)
