"""Attacks on the own attention processor: equality to the bit, and whether a backend is really obeyed."""

from __future__ import annotations

import logging

import pytest
import torch
from diffusers.models.attention_dispatch import AttentionBackendName, _AttentionBackendRegistry
from diffusers.models.embeddings import apply_rotary_emb, get_3d_rotary_pos_embed
from tiny_void import tiny_transformer

from void_audit.pipeline.synthesize.void.attention import VoidAttention, best_backend, installed, rotate

FRAMES, ROWS, COLUMNS = 4, 6, 10
"""In latents: 2 x 3 x 5 = 30 video tokens."""


@pytest.fixture(scope="module")
def transformer():
    return tiny_transformer(3)


@pytest.fixture
def calls(monkeypatch):
    """Counts, per backend, how often diffusers' dispatcher runs it."""
    counts = dict.fromkeys(("native", "_native_math"), 0)

    def counted(name, kernel):
        def run(**tensors):
            counts[name] += 1
            return kernel(**tensors)

        return run

    for name in counts:
        backend = AttentionBackendName(name)
        kernel = _AttentionBackendRegistry._backends[backend]
        monkeypatch.setitem(_AttentionBackendRegistry._backends, backend, counted(name, kernel))
    before = _AttentionBackendRegistry._active_backend
    yield counts
    _AttentionBackendRegistry.set_active_backend(before)


def rotary():
    return get_3d_rotary_pos_embed(
        64, None, (ROWS // 2, COLUMNS // 2), FRAMES // 2, grid_type="slice", max_size=(192, 340)
    )


def forward(transformer, batch: int = 1):
    draw = torch.Generator().manual_seed(1)
    dtype = transformer.dtype
    latents = torch.randn(batch, FRAMES, 48, ROWS, COLUMNS, generator=draw).to(dtype)
    text = torch.randn(batch, 226, 64, generator=draw).to(dtype)
    with torch.inference_mode():
        return transformer(latents, text, torch.full((batch,), 500), image_rotary_emb=rotary()).sample


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("batch", [1, 2])
def test_equals_the_stock_processor_to_the_bit_and_leaves_it_installed_afterwards(dtype, batch):
    transformer = tiny_transformer(3).to(dtype)
    stock = forward(transformer, batch)
    processors = transformer.attn_processors
    with installed(transformer, "native"):
        assert torch.equal(forward(transformer, batch), stock)
    assert transformer.attn_processors == processors
    assert torch.equal(forward(transformer, batch), stock)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_rotation_equals_diffusers_and_touches_nothing_else(dtype):
    whole = torch.randn(2, 7 + 30, 3, 64).to(dtype)
    tokens = whole.clone()
    rotate(tokens[:, 7:], rotary())
    expected = apply_rotary_emb(whole[:, 7:], rotary(), sequence_dim=1)
    assert torch.equal(tokens[:, 7:], expected)
    assert torch.equal(tokens[:, :7], whole[:, :7])


def test_both_channels_of_a_pair_have_one_angle():
    """What the rotation relies on when it reads every second column of the tables."""
    for table in rotary():
        assert torch.equal(table[:, ::2], table[:, 1::2])


def test_stock_ignores_the_backend_and_ours_obeys_it(transformer, calls, caplog):
    caplog.set_level(logging.ERROR)
    transformer.set_attention_backend("_native_math")
    forward(transformer)
    assert calls == {"native": 0, "_native_math": 0}, "the stock processor asks no dispatcher"

    with installed(transformer, "native"):
        forward(transformer)
        assert calls == {"native": 2, "_native_math": 0}, "ours uses its own, not the process's default"
        transformer.set_attention_backend("_native_math")
        forward(transformer)
    assert calls == {"native": 2, "_native_math": 2}, "one call per block"


def test_another_backend_is_another_kernel_with_nearly_the_same_numbers(transformer):
    with installed(transformer, "native"):
        native = forward(transformer)
    with installed(transformer, "_native_math"):
        other = forward(transformer)
    torch.testing.assert_close(other, native, rtol=1e-4, atol=1e-5)


def test_a_failure_inside_still_restores_the_stock_processor(transformer):
    processors = transformer.attn_processors
    with pytest.raises(TypeError), installed(transformer, "native"):
        transformer("not latents")
    assert transformer.attn_processors == processors


def test_a_backend_that_diffusers_does_not_know_is_refused():
    with pytest.raises(ValueError, match="warp-drive"):
        VoidAttention("warp-drive")


@pytest.mark.parametrize(
    ("capability", "dtype", "name"),
    [
        ((7, 5), torch.bfloat16, "native"),
        ((8, 0), torch.bfloat16, "_native_flash"),
        ((8, 9), torch.bfloat16, "_native_flash"),
        ((9, 0), torch.bfloat16, "_native_cudnn"),
        ((10, 0), torch.bfloat16, "_native_cudnn"),
        ((9, 0), torch.float32, "native"),
    ],
)
def test_the_best_backend_of_each_generation_exists(monkeypatch, capability, dtype, name):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: capability)
    assert best_backend(torch.device("cuda"), dtype) == name
    assert AttentionBackendName(name) in _AttentionBackendRegistry.list_backends()


def test_the_cpu_gets_what_pytorch_chooses():
    assert best_backend(torch.device("cpu")) == "native"


def test_the_processor_is_traced_into_one_graph(transformer):
    block = transformer.transformer_blocks[0]
    video, text, time = torch.randn(1, 30, 128), torch.randn(1, 226, 128), torch.randn(1, 32)
    with installed(transformer, "native"), torch.no_grad():
        eager = block(video, text, time, rotary())
        traced = torch.compile(block.forward, fullgraph=True, dynamic=False, backend="aot_eager")
        for ours, expected in zip(traced(video, text, time, rotary()), eager, strict=True):
            torch.testing.assert_close(ours, expected)
