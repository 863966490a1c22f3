"""One forward on a CUDA device: near the CPU's, on the kernel that was asked for, compiled, and in 8 bits."""

from __future__ import annotations

import pytest
import torch
from diffusers import CogVideoXTransformer3DModel
from tiny_void import TRANSFORMER, tiny_transformer

from void_audit.pipeline.synthesize.void.attention import best_backend, installed
from void_audit.pipeline.synthesize.void.denoise import rotary_table
from void_audit.pipeline.synthesize.void.execution import compiled_blocks
from void_audit.pipeline.synthesize.void.linears import quantised

LENGTH, ROWS, COLUMNS = 6, 8, 12
KERNELS = {
    "_native_cudnn": "aten::_scaled_dot_product_cudnn_attention",
    "_native_flash": "aten::_scaled_dot_product_flash_attention",
}
"""By the name of diffusers' backend, what PyTorch's profiler calls it."""


def forward(transformer: CogVideoXTransformer3DModel, batch: int = 1) -> torch.Tensor:
    draw = torch.Generator().manual_seed(1)
    latents = torch.randn(batch, LENGTH, 48, ROWS, COLUMNS, generator=draw)
    text = torch.randn(batch, 226, 64, generator=draw)
    device, dtype = transformer.device, transformer.dtype
    cos, sin = rotary_table(TRANSFORMER, LENGTH, ROWS, COLUMNS)
    with torch.no_grad():
        output = transformer(
            latents.to(device, dtype),
            text.to(device, dtype),
            torch.full((batch,), 500, device=device),
            image_rotary_emb=(cos.to(device), sin.to(device)),
            return_dict=False,
        )[0]
    return output.float().cpu()


def error(output: torch.Tensor, reference: torch.Tensor) -> float:
    return float((output - reference).norm() / reference.norm())


@pytest.fixture(scope="module")
def reference():
    """float32 on the CPU, for batches of 1 and 2."""
    return {batch: forward(tiny_transformer(3), batch) for batch in (1, 2)}


def on(device, dtype) -> CogVideoXTransformer3DModel:
    return tiny_transformer(3).to(dtype).to(device)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.bfloat16, 2e-2)])
@pytest.mark.parametrize("batch", [1, 2])
def test_the_device_computes_what_the_cpu_does(device, reference, dtype, tolerance, batch):
    output = forward(on(device, dtype), batch)
    assert error(output, reference[batch]) < tolerance


@pytest.mark.parametrize("backend", KERNELS)
def test_attention_runs_on_the_kernel_that_was_asked_for(device, reference, backend):
    if backend == "_native_cudnn" and torch.cuda.get_device_capability(device)[0] < 9:
        pytest.skip("cuDNN's attention is chosen from Hopper on")
    transformer = on(device, torch.bfloat16)
    activities = [torch.profiler.ProfilerActivity.CPU]  # the side that calls kernels
    with installed(transformer, backend), torch.profiler.profile(activities=activities) as profile:
        output = forward(transformer)
    ran = {event.key for event in profile.key_averages()}
    assert KERNELS[backend] in ran
    assert not (set(KERNELS.values()) - {KERNELS[backend]}) & ran
    assert error(output, reference[1]) < 2e-2


def test_hopper_gets_cudnn_and_float32_is_left_to_pytorch(device):
    generation, _ = torch.cuda.get_device_capability(device)
    if generation >= 9:
        assert best_backend(device, torch.bfloat16) == "_native_cudnn"
    assert best_backend(device, torch.float32) == "native"


@pytest.mark.slow
def test_compiled_blocks_are_as_near_to_the_truth_as_eager_ones(device, reference):
    transformer = on(device, torch.bfloat16)
    with installed(transformer, best_backend(device)):
        eager = {batch: error(forward(transformer, batch), reference[batch]) for batch in (1, 2)}
        with compiled_blocks(transformer):
            for batch in (1, 2):
                assert error(forward(transformer, batch), reference[batch]) < 1.5 * eager[batch]
        assert error(forward(transformer), reference[1]) == eager[1]


@pytest.mark.parametrize("linears", ["int8", "fp8"])
def test_8_bit_linears_are_near_and_leave_nothing_behind(device, reference, linears):
    if linears == "fp8" and torch.cuda.get_device_capability(device) < (8, 9):
        pytest.skip("fp8 is multiplied from Ada on")
    transformer = on(device, torch.bfloat16)
    before = forward(transformer)
    with quantised(transformer, linears, device) as converted:
        assert len(converted) == 12
        output = forward(transformer)
    assert error(output, before) > 0
    assert error(output, reference[1]) < 0.1
    assert torch.equal(forward(transformer), before)
