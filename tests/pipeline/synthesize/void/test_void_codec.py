"""The VAE chunk by chunk: stock encoding bits, exact decoding length (spec/void section 5.3)."""

from __future__ import annotations

from contextlib import contextmanager

import golden
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from diffusers.models.upsampling import CogVideoXUpsample3D

from void_audit.pipeline.synthesize.void.codec import (
    Decoder,
    Encoder,
    decode,
    decode_sizes,
    encode,
    encode_sizes,
)

DTYPES = [torch.float32, torch.bfloat16]


@pytest.fixture(scope="module", params=DTYPES, ids=str)
def vae(request):
    return golden.vae().to(request.param)


@pytest.fixture(autouse=True)
def _no_grad():
    with torch.no_grad():
        yield


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@contextmanager
def explicit_upsampling(vae):
    """The reference's rule, written out: the clip's first frame is not doubled in time, every other is."""
    modules = [m for m in vae.modules() if isinstance(m, CogVideoXUpsample3D)]
    state = {"first": True}

    def forward_of(module):
        def forward(inputs):
            if module.compress_time and not state["first"]:
                inputs = torch.stack([inputs, inputs], dim=3).flatten(2, 3)
            frames = [F.interpolate(inputs[:, :, t], scale_factor=2.0) for t in range(inputs.shape[2])]
            return torch.stack(frames, dim=2).transpose(1, 2).flatten(0, 1)

        def convolved(inputs):
            batch = inputs.shape[0]
            return module.conv(forward(inputs)).unflatten(0, (batch, -1)).transpose(1, 2)

        return convolved

    for module in modules:
        module.forward = forward_of(module)
    try:
        yield state
    finally:
        for module in modules:
            del module.forward


def by_the_rule(vae, latents: torch.Tensor) -> torch.Tensor:
    past, parts = None, []
    with explicit_upsampling(vae) as state:
        for begin in [0, *range(1, latents.shape[2], 2)]:
            chunk = latents[:, :, begin : begin + 2] if begin else latents[:, :, :1]
            part, past = vae.decoder(chunk, conv_cache=past)
            parts.append(part)
            state["first"] = False
    return torch.cat(parts, dim=2)


def decoded(vae, latents: torch.Tensor) -> torch.Tensor:
    return torch.cat(list(decode(Decoder(vae), latents)), dim=2)


@pytest.mark.parametrize("frames", [1, 5, 13, 21, 45, 85, 93])
def test_e4_streamed_encoding_equals_the_stock_model(vae, frames):
    clip = (2 * numbers(1, 3, frames, 16, 32) - 1).to(vae.dtype)
    stock = vae.encode(clip).latent_dist.mode()
    streamed = torch.cat(list(encode(Encoder(vae), clip[0].transpose(0, 1), frames)), dim=2)
    assert streamed.dtype == vae.dtype
    assert torch.equal(streamed, stock)


def test_encoding_reads_no_further_than_the_chunk_it_gives(vae):
    read = []
    clip = (read.append(i) or numbers(3, 16, 16, seed=i).to(vae.dtype) for i in range(29))
    stream = encode(Encoder(vae), clip, 29)
    lengths = []
    for part in stream:
        lengths.append((len(read), part.shape[2]))
    assert lengths == [(13, 4), (21, 2), (29, 2)]


def test_e5_stock_decoding_makes_88_frames_of_22_latents():
    vae = golden.vae()
    latents = numbers(1, 16, 22, 2, 2)
    assert vae.decode(latents).sample.shape[2] == 88
    assert decoded(vae, latents).shape[2] == 85


def test_e5_stock_decoding_of_an_odd_number_has_other_values():
    vae = golden.vae()
    latents = numbers(1, 16, 5, 2, 4)
    stock, own = vae.decode(latents).sample, decoded(vae, latents)
    assert stock.shape == own.shape
    assert not torch.allclose(stock, own, rtol=0, atol=1e-4)


@pytest.mark.parametrize("latents", [1, 2, 3, 4, 6, 12, 22, 24, 50])
def test_e6_decoding_follows_the_rule_and_has_4t_minus_3_frames(vae, latents):
    given = numbers(1, 16, latents, 2, 4).to(vae.dtype)
    made = decoded(vae, given)
    assert made.shape == (1, 3, 4 * latents - 3, 16, 32)
    assert made.dtype == vae.dtype
    assert torch.equal(made, by_the_rule(vae, given))


def test_what_comes_later_does_not_change_what_came_before(vae):
    latents = numbers(1, 16, 9, 2, 4).to(vae.dtype)
    assert torch.equal(decoded(vae, latents)[:, :, :17], decoded(vae, latents[:, :, :5]))


def test_decoding_gives_each_chunk_before_the_next_is_computed():
    vae = golden.vae()
    calls = []
    hook = vae.decoder.register_forward_pre_hook(lambda _m, args: calls.append(args[0].shape[2]))
    stream = decode(Decoder(vae), numbers(1, 16, 6, 2, 2))
    lengths = [(part.shape[2], len(calls)) for part in stream]
    hook.remove()
    assert lengths == [(1, 1), (8, 2), (8, 3), (4, 4)]
    assert calls == [1, 2, 2, 1]


def test_two_clips_do_not_know_of_each_other(vae):
    one, other = (numbers(1, 16, 4, 2, 2, seed=s).to(vae.dtype) for s in (1, 2))
    mixed = [decode(Decoder(vae), one), decode(Decoder(vae), other)]
    parts = list(zip(*mixed, strict=True))
    assert torch.equal(torch.cat([a for a, _ in parts], 2), decoded(vae, one))
    assert torch.equal(torch.cat([b for _, b in parts], 2), decoded(vae, other))


def test_the_users_vae_is_as_it_was_even_after_a_failure():
    vae = golden.vae()
    before = state_of(vae)
    decoder = Decoder(vae)
    decoder(numbers(1, 16, 1, 2, 2))
    with pytest.raises(RuntimeError):
        decoder(numbers(1, 15, 1, 2, 2))
    assert state_of(vae) == before
    assert vae.decode(numbers(1, 16, 22, 2, 2)).sample.shape[2] == 88


def state_of(vae):
    hooks = [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in vae.modules()]
    return [
        hooks,
        [m.compress_time for m in vae.modules() if isinstance(m, CogVideoXUpsample3D)],
        ["forward" in vars(m) for m in vae.modules()],
    ]


def tensors(past):
    for part in past.values():
        yield from tensors(part) if isinstance(part, dict) else [] if part is None else [part]


def test_a_decoders_memory_holds_only_what_the_next_chunk_reads():
    vae = golden.vae()
    latents = numbers(1, 16, 3, 4, 4)
    stock, past = vae.decoder(latents[:, :, :1])
    _, stock_past = vae.decoder(latents[:, :, 1:], conv_cache=past)
    decoder = Decoder(vae)
    assert torch.equal(decoder(latents[:, :, :1]), stock)
    decoder(latents[:, :, 1:])
    held = sum(t.numel() for t in tensors(decoder._cache))
    assert all(t.shape[2] == 2 for t in tensors(decoder._cache))
    assert held < 0.5 * sum(t.numel() for t in tensors(stock_past))


def test_chunk_sizes():
    assert [encode_sizes(n) for n in (1, 5, 8, 13, 21, 29)] == [[1], [5], [8], [13], [13, 8], [13, 8, 8]]
    assert [decode_sizes(n) for n in (1, 2, 3, 4, 5)] == [[1], [1, 1], [1, 2], [1, 2, 1], [1, 2, 2]]
    assert sum(encode_sizes(197)) == 197
    assert decode_sizes(22) == [1] + [2] * 10 + [1]
