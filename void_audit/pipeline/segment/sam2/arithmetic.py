"""PyTorch's settings that decide bits, pinned while SAM 2 computes and put back afterwards.

Whoever embeds this package may have set another default type, other kernels or less precise products; no record says
so, so none of them may reach a mask. The number of threads is left as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

KERNELS = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
"""Of attention, as PyTorch chooses among them."""


def best_device() -> torch.device:
    """The accelerator, where PyTorch has one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def best_type(device: torch.device) -> torch.dtype:
    """In what the networks compute: bfloat16 on a GPU, as SAM 2 was published to be run; float32 in full on a CPU."""
    return torch.bfloat16 if device.type == "cuda" else torch.float32


def device_name(device: torch.device) -> str:
    """``cpu``, or the GPU's name."""
    return f"cuda: {torch.cuda.get_device_name(device)}" if device.type == "cuda" else device.type


@contextmanager
def pinned(device: torch.device, dtype: torch.dtype) -> Iterator[None]:
    """Within: networks compute in ``dtype`` and float32 in full, by kernels that repeat themselves."""
    with ExitStack() as stack:
        stack.enter_context(_default_type())
        stack.enter_context(_full_precision())
        for owner, name, value in (
            (torch.backends.mkldnn, "enabled", True),
            (torch.backends.cudnn, "enabled", True),
            (torch.backends.cudnn, "benchmark", False),
            (torch.backends.cudnn, "deterministic", True),
        ):
            stack.callback(setattr, owner, name, getattr(owner, name))
            setattr(owner, name, value)
        for kind in sorted({"cpu", device.type}):
            lower = kind == device.type and dtype != torch.float32
            stack.enter_context(torch.autocast(kind, dtype=dtype if lower else None, enabled=lower))
        stack.enter_context(sdpa_kernel(KERNELS))
        yield


@contextmanager
def _default_type() -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@contextmanager
def _full_precision() -> Iterator[None]:
    """Products and convolutions of float32 in float32, neither TF32 nor bfloat16.

    What is asked for by PyTorch's older names (``allow_tf32``) cannot be answered once two of the newer ones differ, so
    the older are used as far as they go; both are put back as they were, the older first.
    """
    backends: Any = torch.backends
    parts = (
        backends.mkldnn.conv,
        backends.mkldnn.matmul,
        backends.cudnn.conv,
        backends.cudnn.rnn,
        backends.cuda.matmul,
    )
    before, products = [part.fp32_precision for part in parts], torch.get_float32_matmul_precision()
    convolutions = _tf32_convolutions()
    torch.set_float32_matmul_precision("highest")
    backends.cudnn.allow_tf32 = False
    backends.mkldnn.conv.fp32_precision = "ieee"
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(products)
        if convolutions is not None:
            backends.cudnn.allow_tf32 = convolutions
        for part, value in zip(parts, before, strict=True):
            part.fp32_precision = value


def _tf32_convolutions() -> bool | None:
    """By the older name; None if the process has spoken by the newer ones."""
    try:
        return bool(torch.backends.cudnn.allow_tf32)
    except RuntimeError:
        return None
