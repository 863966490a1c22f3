"""8-bit linears: that they are really 8 bits, that the error is small and there, and that all goes back."""

from __future__ import annotations

import weakref

import pytest
import torch
import torch._inductor.config as inductor
from diffusers import CogVideoXTransformer3DModel
from diffusers.models.embeddings import get_3d_rotary_pos_embed
from tiny_void import TRANSFORMER, randomised, tiny_transformer
from torchao.quantization import quant_api

from void_audit.errors import RequestError
from void_audit.pipeline.synthesize.void.linears import LAYERS, quantised, stored_bytes

CPU = torch.device("cpu")
HIGH_PRECISION = ("patch_embed", "time_embedding", "norm1", "norm2", "norm_out", "proj_out")


def forward(transformer) -> torch.Tensor:
    draw = torch.Generator().manual_seed(1)
    latents = torch.randn(1, 4, 48, 6, 10, generator=draw).to(transformer.dtype)
    text = torch.randn(1, 226, 64, generator=draw).to(transformer.dtype)
    rotary = get_3d_rotary_pos_embed(64, None, (3, 5), 2, grid_type="slice", max_size=(192, 340))
    with torch.inference_mode():
        return transformer(latents, text, torch.tensor([500]), image_rotary_emb=rotary).sample.float()


def error(output: torch.Tensor, expected: torch.Tensor) -> float:
    return float((output - expected).norm() / expected.norm())


def linears(transformer) -> dict[str, torch.nn.Linear]:
    return {name: m for name, m in transformer.named_modules() if isinstance(m, torch.nn.Linear)}


@pytest.fixture
def fp8_everywhere(monkeypatch):
    """As if this were an Ada card. PyTorch's CPU kernels can in truth multiply fp8 numbers, slowly."""
    monkeypatch.setattr(quant_api, "_check_hardware_support", lambda _granularity: None)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: (8, 9))

    class Card:
        type = "cuda"

    return Card()


@pytest.mark.parametrize(
    ("dtype", "least", "most"), [(torch.float32, 1e-3, 1e-2), (torch.bfloat16, 1e-3, 2e-2)]
)
def test_int8_is_near_and_not_the_same(dtype, least, most):
    """Measured: 5.5e-3 in float32, 7.9e-3 in bfloat16, whose own rounding is 7.5e-3."""
    transformer = tiny_transformer(3).to(dtype)
    plain = forward(transformer)
    with quantised(transformer, "int8", CPU):
        assert least < error(forward(transformer), plain) < most


def test_every_intended_layer_is_converted_and_takes_a_byte_per_weight():
    transformer = tiny_transformer(3)
    before = {name: stored_bytes(layer) for name, layer in linears(transformer).items()}
    with quantised(transformer, "int8", CPU) as names:
        after = {name: stored_bytes(layer) for name, layer in linears(transformer).items()}
    shrunk = {name for name in before if after[name] < before[name]}
    assert shrunk == set(names)
    assert shrunk == {f"transformer_blocks.{block}.{layer}" for block in (0, 1) for layer in LAYERS}
    assert all(after[name] < 0.3 * before[name] for name in names), "float32 weights become a quarter"
    assert any(part in name for part in HIGH_PRECISION for name in before), "the list names real layers"
    assert not [name for name in shrunk if any(part in name for part in HIGH_PRECISION)]


def test_the_model_is_what_it_was_afterwards():
    transformer = tiny_transformer(3)
    plain, size, state = forward(transformer), stored_bytes(transformer), transformer.state_dict()
    text = repr(transformer)
    with quantised(transformer, "int8", CPU):
        assert stored_bytes(transformer) < 0.6 * size
    assert stored_bytes(transformer) == size
    assert torch.equal(forward(transformer), plain)
    assert repr(transformer) == text
    for name, tensor in transformer.state_dict().items():
        assert tensor.data_ptr() == state[name].data_ptr(), "no copy was made of what was kept"


def test_weights_that_others_refer_to_can_be_moved():
    """Compiled code refers to them so; PyTorch's own way of moving 8-bit weights refuses then."""
    transformer = tiny_transformer(3)
    with quantised(transformer, "int8", CPU):
        output = forward(transformer)
        weight = transformer.transformer_blocks[0].ff.net[2].weight
        reference = weakref.ref(weight)
        with pytest.raises(RuntimeError, match="weakref"):
            torch.utils.swap_tensors(weight, torch.nn.Parameter(weight.clone(), requires_grad=False))
        transformer._apply(lambda tensor: tensor.clone())
        assert transformer.transformer_blocks[0].ff.net[2].weight is not reference()
        assert torch.equal(forward(transformer), output)
        assert list(transformer.transformer_blocks[0].ff.net[2].state_dict()) == ["weight", "bias"]


def test_plain_converts_nothing():
    transformer = tiny_transformer(3)
    plain = forward(transformer)
    with quantised(transformer, "plain", CPU) as names:
        assert names == ()
        assert torch.equal(forward(transformer), plain)


def test_fp8_on_a_device_without_it_is_refused_before_anything_changes():
    transformer = tiny_transformer(3).to(torch.bfloat16)
    size = stored_bytes(transformer)
    with pytest.raises(RequestError, match=r"Device cpu cannot multiply fp8.*--linears int8") as refusal:
        quantised(transformer, "fp8", CPU).__enter__()
    assert refusal.value.code == "execution-unsupported"
    assert stored_bytes(transformer) == size


def test_fp8_on_a_card_that_is_too_old_is_refused_by_name(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: (8, 6))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _device: "NVIDIA A40")
    with pytest.raises(RequestError, match="Device NVIDIA A40 cannot"):
        quantised(tiny_transformer(3), "fp8", torch.device("cuda")).__enter__()


def test_fp8_needs_bfloat16_weights(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: (9, 0))
    with pytest.raises(RequestError, match=r"bfloat16, not in torch\.float32"):
        quantised(tiny_transformer(3), "fp8", torch.device("cuda")).__enter__()


def test_fp8_itself_is_near(fp8_everywhere, monkeypatch):
    """Measured through PyTorch's CPU kernels: 2.0e-2. Three bits of mantissa are fewer than int8's seven."""
    monkeypatch.setattr(torch.nn.Module, "to", lambda module, *_args, **_kwargs: module)
    transformer = tiny_transformer(3)
    for parameter in transformer.parameters():
        parameter.data = parameter.data.bfloat16()
    plain, size = forward(transformer), stored_bytes(transformer)
    with quantised(transformer, "fp8", fp8_everywhere) as names:
        assert len(names) == 2 * len(LAYERS)
        assert stored_bytes(transformer) < 0.7 * size
        assert 1e-3 < error(forward(transformer), plain) < 4e-2
    assert torch.equal(forward(transformer), plain)


def test_a_layer_that_would_be_passed_over_in_silence_is_an_error(fp8_everywhere, monkeypatch):
    """torchao leaves sides that are no multiple of 16 as they are, and says nothing."""
    monkeypatch.setattr(torch.nn.Module, "to", lambda module, *_args, **_kwargs: module)
    odd = randomised(CogVideoXTransformer3DModel(**TRANSFORMER | {"num_layers": 1}), 0)
    for parameter in odd.parameters():
        parameter.data = parameter.data.bfloat16()
    odd.transformer_blocks[0].ff.net[2] = torch.nn.Linear(504, 128, dtype=torch.bfloat16)
    kept = odd.transformer_blocks[0].attn1.to_q.weight.clone()
    with pytest.raises(RequestError, match=r"blocks\.0\.ff\.net\.2 of shape \(128, 504\)"):
        quantised(odd, "fp8", fp8_everywhere).__enter__()
    assert torch.equal(odd.transformer_blocks[0].attn1.to_q.weight, kept), "what was converted before is back"


def test_settings_of_the_whole_process_are_left_alone():
    before = inductor.save_config()
    precision = torch.get_float32_matmul_precision()
    with quantised(tiny_transformer(3), "int8", CPU):
        pass
    assert inductor.save_config() == before
    assert torch.get_float32_matmul_precision() == precision
