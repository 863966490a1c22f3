"""What decides bits besides the plan: what a pass pins, and what it cannot pin and tells.

Pinned are PyTorch's settings of the whole process. Whoever embeds this package may have set another default type,
less precise multiplications or other attention kernels: a plan says nothing of them, so none of them may reach
a pixel. Told are the machine and its libraries.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import cv2
import diffusers
import torch
import transformers
from torch.nn.attention import SDPBackend, sdpa_kernel

import void_audit
from void_audit.model.void import VoidExecution
from void_audit.pipeline.synthesize.void.linears import device_name

KERNELS = [
    SDPBackend.FLASH_ATTENTION,
    SDPBackend.EFFICIENT_ATTENTION,
    SDPBackend.CUDNN_ATTENTION,
    SDPBackend.OVERRIDEABLE,
    SDPBackend.MATH,
]
"""Of attention: PyTorch chooses among all of them, as it does by default."""

VARIABLES = (
    "ATEN_CPU_CAPABILITY", "CUBLAS_WORKSPACE_CONFIG", "DISABLE_ADDMM_CUDA_LT", "DNNL_CPU_ISA_HINTS",
    "DNNL_DEFAULT_FPMATH_MODE", "DNNL_MAX_CPU_ISA", "MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS", "NVIDIA_TF32_OVERRIDE",
    "ONEDNN_CPU_ISA_HINTS", "ONEDNN_DEFAULT_FPMATH_MODE", "ONEDNN_MAX_CPU_ISA", "OPENCV_CPU_DISABLE", "OPENCV_IPP",
    "TORCHDYNAMO_DISABLE", "TORCHINDUCTOR_EMULATE_PRECISION_CASTS", "TORCHINDUCTOR_FREEZING",
    "TORCHINDUCTOR_MAX_AUTOTUNE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE", "TORCH_BLAS_PREFER_CUBLASLT",
    "TORCH_COMPILE_DISABLE",
)  # fmt: skip
"""Variables of the environment from which libraries choose their arithmetic when they are loaded: too late to pin."""


@contextmanager
def pinned(device: torch.device) -> Iterator[None]:
    """Within: PyTorch computes in the types it is given, float32 in full, by kernels that repeat themselves."""
    with ExitStack() as stack:
        for kind in sorted({"cpu", device.type}):
            stack.enter_context(torch.autocast(kind, enabled=False))
        stack.enter_context(sdpa_kernel(KERNELS))
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
    """float32 stays float32 in products and convolutions: no TF32, no bfloat16.

    PyTorch has an older and a newer way to say so, and refuses to answer by the older one what was said by the
    newer one. What compiles asks by the older, so that is how it is said where there is one.
    """
    backends = torch.backends
    parts: tuple[Any, ...] = (
        backends.mkldnn.conv,  # type: ignore[attr-defined]
        backends.mkldnn.matmul,  # type: ignore[attr-defined]
        backends.cudnn.conv,  # type: ignore[attr-defined]
        backends.cudnn.rnn,
        backends.cuda.matmul,
    )
    before = [part.fp32_precision for part in parts]
    products, convolutions = torch.get_float32_matmul_precision(), _tf32_convolutions()
    torch.set_float32_matmul_precision("highest")
    backends.cudnn.allow_tf32 = False
    backends.mkldnn.conv.fp32_precision = "ieee"  # type: ignore[attr-defined]
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(products)
        if convolutions is not None:
            backends.cudnn.allow_tf32 = convolutions
        for part, value in zip(parts, before, strict=True):
            part.fp32_precision = value


def _tf32_convolutions() -> bool | None:
    """By the older way; None if the process has spoken by the newer one."""
    try:
        return bool(torch.backends.cudnn.allow_tf32)
    except RuntimeError:
        return None


def computed_by(device: torch.device, execution: VoidExecution) -> dict[str, str]:
    """Everything that may decide a bit and is neither in the plan nor pinned.

    It goes on record, and a saved state is gone on from only where all of it is the same.
    """
    facts = {
        "device": device_name(device),
        "void-audit": void_audit.__version__,
        "torch": torch.__version__,
        "diffusers": diffusers.__version__,
        "transformers": transformers.__version__,
        "opencv": cv2.__version__,
        "numpy": version("numpy"),
        "cpu": _cpu(),
    }
    if execution.linears != "plain":
        facts["torchao"] = version("torchao")
    if device.type == "cpu":
        facts["threads"] = str(torch.get_num_threads())
    if device.type == "cuda":
        facts["cudnn"] = str(torch.backends.cudnn.version())  # type: ignore[no-untyped-call]
        facts["triton"] = version("triton") if find_spec("triton") else "not installed"
    if told := variables(os.environ):
        facts["environment"] = told
    return facts


def _cpu() -> str:
    """What PyTorch's own kernels are chosen by, and what those for 16-bit numbers are."""
    kinds = {"avx512_bf16": torch.cpu._is_avx512_bf16_supported(), "amx": torch.cpu._is_amx_tile_supported()}
    return " ".join(
        [torch.backends.cpu.get_cpu_capability(), *(name for name, here in kinds.items() if here)]
    )


def variables(environment: Mapping[str, str]) -> str:
    """Those of ``VARIABLES`` that are set, with their values."""
    return ", ".join(f"{name}={environment[name][:100]}" for name in VARIABLES if name in environment)
