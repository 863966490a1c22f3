"""8-bit linear layers for the blocks of the VOID transformer, through torchao.

Converted are the six large layers of every block: query, key, value and output of the attention, and both of
the feed-forward part. They do all but a few thousandths of the linear work and hold 4.76 of the 5.57 billion
parameters. Everything else keeps its precision:

- the patch embedding reads latents and mask, and whatever it gets wrong is an input of every later layer;
- the modulation of the norms and the time embedding see one row per forward, so 8 bits gain no time there,
  and what they compute scales every token;
- the output projection writes the prediction itself: no later layer averages its error out.

Weights have one scale per output channel, activations one per token, found anew at every call: a token of
large values costs only itself precision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, cast

import torch
from diffusers.models.transformers.cogvideox_transformer_3d import CogVideoXTransformer3DModel
from torch.utils._python_dispatch import is_traceable_wrapper_subclass

from void_audit.errors import RequestError
from void_audit.model.void import Linears

if TYPE_CHECKING:
    from torchao.core.config import AOBaseConfig

LAYERS = ("attn1.to_q", "attn1.to_k", "attn1.to_v", "attn1.to_out.0", "ff.net.0.proj", "ff.net.2")
"""The converted layers, by their names within a block."""

FP8_CAPABILITY = (8, 9)
"""CUDA compute capability (Ada) from which fp8 numbers can be multiplied."""


@contextmanager
def quantised(
    transformer: CogVideoXTransformer3DModel, linears: Linears, device: torch.device
) -> Iterator[tuple[str, ...]]:
    """Let the blocks' linear layers compute in 8 bits; afterwards they have the weights they had.

    The weights are rounded on ``device``, layer by layer, and stay where they are. Those that they replace
    are kept in the meantime: where they are mapped from a file, as loading does it, that costs no memory.

    Args:
        transformer: on the CPU or on ``device``.
        linears: ``plain`` converts nothing; ``int8`` or ``fp8`` (e4m3), activations as well as weights.
        device: where the transformer will compute.

    Returns:
        The names of the converted layers.

    Raises:
        RequestError: ``execution-unsupported`` where the device or the model cannot compute so.
    """
    if linears == "plain":
        yield ()
        return
    layers = {
        f"transformer_blocks.{index}.{name}": cast(torch.nn.Linear, block.get_submodule(name))
        for index, block in enumerate(transformer.transformer_blocks)
        for name in LAYERS
    }
    weights = {name: layer.weight.detach() for name, layer in layers.items()}
    config = _config(linears, device, transformer.dtype)
    try:
        for name, layer in layers.items():
            _convert(name, layer, config, device)
        yield tuple(layers)
    finally:
        for name, layer in layers.items():
            layer.weight = torch.nn.Parameter(weights[name], requires_grad=False)
            for override in ("extra_repr", "_apply"):  # torchao's, and ours
                layer.__dict__.pop(override, None)


def stored_bytes(module: torch.nn.Module) -> int:
    """Bytes that the module's parameters really take, 8-bit ones with their scales."""
    return sum(_bytes(parameter) for parameter in module.parameters())


def _bytes(tensor: torch.Tensor) -> int:
    if not is_traceable_wrapper_subclass(tensor):
        return tensor.numel() * tensor.element_size()
    parts, _ = tensor.__tensor_flatten__()
    return sum(_bytes(getattr(tensor, part)) for part in parts)


def _convert(name: str, layer: torch.nn.Linear, config: AOBaseConfig, device: torch.device) -> None:
    """Convert one layer. torchao passes over what it cannot convert without a word, so that is looked for."""
    from torchao.quantization import quantize_  # noqa: PLC0415

    home = layer.weight.device
    quantize_(layer, config, device=device)
    layer.to(home)
    if not is_traceable_wrapper_subclass(layer.weight):
        raise _unsupported(f"Layer {name} of shape {tuple(layer.weight.shape)} cannot be brought to 8 bits.")
    layer._apply = partial(_apply, layer)


def _apply(
    layer: torch.nn.Linear, function: Callable[[torch.Tensor], torch.Tensor], recurse: bool = True
) -> torch.nn.Linear:
    """What moves a layer to another device, here with new parameters.

    PyTorch would exchange what is in the old ones, and refuses to where compiled code still refers to them: a
    compiled transformer could not leave the device.
    """
    for name, parameter in layer._parameters.items():
        if parameter is not None:
            layer._parameters[name] = torch.nn.Parameter(function(parameter), parameter.requires_grad)
    return layer


def _config(linears: Linears, device: torch.device, dtype: torch.dtype) -> AOBaseConfig:
    """Row-wise scales.

    Left alone are inductor's settings, which belong to the whole process, and kernels
    that torchao takes where another package happens to be installed.
    """
    from torchao.quantization import (  # noqa: PLC0415
        Float8DynamicActivationFloat8WeightConfig,
        Int8DynamicActivationInt8WeightConfig,
        PerRow,
    )
    from torchao.quantization.quantize_.common import KernelPreference  # noqa: PLC0415
    from torchao.utils import should_reduce_range  # noqa: PLC0415

    if linears == "int8":
        return Int8DynamicActivationInt8WeightConfig(
            granularity=PerRow(), set_inductor_config=False, reduce_range=should_reduce_range(device)
        )
    if device.type != "cuda" or torch.cuda.get_device_capability(device) < FP8_CAPABILITY:
        raise _unsupported(f"Device {device_name(device)} cannot multiply fp8 numbers.")
    if dtype != torch.bfloat16:
        raise _unsupported(f"fp8 linears need a plan in bfloat16, not in {dtype}.")
    return Float8DynamicActivationFloat8WeightConfig(
        granularity=PerRow(), set_inductor_config=False, kernel_preference=KernelPreference.TORCH
    )


def device_name(device: torch.device) -> str:
    """The card's own name, or the kind of device, e.g. ``cpu``."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def _unsupported(message: str) -> RequestError:
    return RequestError(
        "execution-unsupported", message, "Plan again with `--linears int8`, or with profile resident."
    )
