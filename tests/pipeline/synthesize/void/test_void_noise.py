"""Seeds, draws and digests."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from void_audit.pipeline.synthesize.void.noise import generator_for, normal, seed_for, tensor_digest


@given(st.integers(0, 2**63 - 1), st.text(max_size=20))
def test_seeds_are_usable_and_repeatable(seed, purpose):
    derived = seed_for(seed, purpose)
    assert 0 <= derived < 2**63
    assert derived == seed_for(seed, purpose)


def test_seeds_of_record_do_not_move():
    # printf latents:42 | sha256sum, first 16 digits, halved
    assert seed_for(42, "latents") == 8490704926619481019


def test_purposes_and_seeds_are_independent():
    seeds = {
        seed_for(seed, purpose) for seed in range(100) for purpose in ("latents", "augmentation", "warp")
    }
    assert len(seeds) == 300


def test_drawing_for_one_purpose_does_not_move_another():
    alone = normal((4, 4), generator_for(7, "latents"))
    other = generator_for(7, "augmentation")
    normal((100,), other)
    assert torch.equal(normal((4, 4), generator_for(7, "latents")), alone)
    assert not torch.equal(normal((4, 4), generator_for(7, "augmentation")), alone)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_draws_are_normal_in_their_dtype_on_the_cpu(dtype):
    draw = normal((200, 200), generator_for(0, "latents"), dtype)
    assert (draw.dtype, draw.device.type) == (dtype, "cpu")
    assert abs(draw.float().mean()) < 0.02
    assert abs(draw.float().std() - 1) < 0.02


def test_digest_of_record_does_not_move():
    values = torch.tensor([[1.0, -2.0], [0.5, 3.0]])
    # printf 'float32[2, 2]\x00\x00\x80\x3f\x00\x00\x00\xc0\x00\x00\x00\x3f\x00\x00\x40\x40' | sha256sum
    assert tensor_digest(values) == "593e8d19454ecc7e89dda371bd928329b106681ee59e374766ee1ca1fcb33105"


def test_digest_is_of_values_not_of_memory():
    values = torch.arange(12.0).reshape(3, 4)
    assert tensor_digest(values.t().contiguous().t()) == tensor_digest(values)


def test_digest_tells_value_type_and_shape_apart():
    values = torch.arange(12.0)
    others = [values + 1, values.reshape(3, 4), values.bfloat16(), values.int(), -values, values.flip(0)]
    assert len({tensor_digest(x) for x in [values, *others]}) == 7
