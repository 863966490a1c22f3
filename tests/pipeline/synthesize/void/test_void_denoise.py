"""Transformer, schedules and the loop over windows (spec/void sections 1.6, 1.7, 5.1, 8)."""

from __future__ import annotations

import golden
import pytest
import torch
from diffusers import CogVideoXTransformer3DModel, FirstBlockCacheConfig
from diffusers.models.embeddings import get_3d_rotary_pos_embed

from void_audit.errors import ClipError, WeightsError
from void_audit.pipeline.synthesize.void import denoise as module
from void_audit.pipeline.synthesize.void.denoise import Denoiser, check, denoise, rotary_table

REAL = {
    "num_attention_heads": 48,
    "attention_head_dim": 64,
    "num_layers": 42,
    "in_channels": 48,
    "out_channels": 16,
    "time_embed_dim": 512,
    "text_embed_dim": 4096,
    "sample_width": 680,
    "sample_height": 384,
    "sample_frames": 85,
    "patch_size": 2,
    "patch_size_t": 2,
    "use_rotary_positional_embeddings": True,
    "patch_bias": False,
}


@pytest.fixture(autouse=True)
def _no_grad():
    with torch.no_grad():
        yield


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def denoiser(
    latents: int = 6, guidance: float = 1.0, dtype=torch.float32, model=None, name="DDIMScheduler"
) -> Denoiser:
    embeds = numbers(2 if guidance > 1 else 1, 226, 64, seed=2).to(dtype)
    conditions = numbers(1, latents, 32, 2, 4, seed=3).to(dtype)
    model = model or golden.transformer().to(dtype)
    return Denoiser(model, golden.scheduler(name), conditions, embeds, guidance, torch.device("cpu"))


def run(of: Denoiser, latents: torch.Tensor, steps: int = 3, **more):
    return denoise(of, latents, steps=steps, **{"window_frames": 21, "overlap_frames": 16} | more)


def test_e1_the_real_transformer_has_1024_tensors_and_5_571_462_784_parameters():
    with torch.device("meta"):
        model = CogVideoXTransformer3DModel(**REAL)
    assert len(model.state_dict()) == 1024
    assert sum(p.numel() for p in model.parameters()) == 5_571_462_784
    assert module.CogVideoXTransformer3DModel is CogVideoXTransformer3DModel


def test_e1_golden_weights_fit_the_stock_class_strictly():
    model = golden.transformer()
    assert len(model.state_dict()) == 64
    assert model.patch_embed.proj.weight.shape == (128, 48 * 8)


@pytest.mark.parametrize(
    ("height", "width", "latents"), [(48, 84, 22), (48, 84, 50), (48, 84, 6), (60, 104, 22), (90, 160, 22)]
)
def test_e2_rotary_tables_are_those_of_diffusers_from_zero(height, width, latents):
    grid = (height // 2, width // 2)
    tables = rotary_table(REAL, latents, height, width)
    stock = get_3d_rotary_pos_embed(
        64, None, grid, latents // 2, grid_type="slice", max_size=(384 // 2, 680 // 2)
    )
    for own, theirs in zip(tables, stock, strict=True):
        assert own.shape == (latents // 2 * grid[0] * grid[1], 64)
        assert own.dtype == torch.float32
        assert torch.equal(own, theirs)
    assert torch.equal(tables[0][0], torch.ones(64))  # position 0: no angle
    assert not tables[1][0].any()


def test_e2_tables_have_16_24_24_dimensions_for_time_height_width():
    cos, _ = rotary_table(REAL, 4, 4, 4)
    tokens = cos.reshape(2, 2, 2, 64)
    assert torch.equal(tokens[0, 0, 0], torch.ones(64))
    changed = [(tokens[i] != tokens[0, 0, 0]).nonzero().flatten() for i in [(1, 0, 0), (0, 1, 0), (0, 0, 1)]]
    # angles per unit fall with the dimension, so that the last ones' cosines are 1 again in float32
    assert [(c.min().item(), c.max().item() // 8) for c in changed] == [(0, 1), (16, 4), (40, 7)]


def test_pictures_beyond_the_trained_size_still_get_a_position_for_every_token():
    tall = {**REAL, "sample_height": 4, "sample_width": 4}
    cos, _ = rotary_table(tall, 2, 12, 16)
    assert cos.shape == (1 * 6 * 8, 64)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("latents", [4, 6, 22])
def test_e3_a_forward_is_the_same_every_time(dtype, latents):
    of = denoiser(latents, dtype=dtype)
    sample = numbers(1, latents, 16, 2, 4)
    first, second = (run(of, sample.to(dtype), 1, window_frames=85) for _ in range(2))
    assert first.dtype == dtype
    assert torch.equal(first, second)
    assert torch.isfinite(first).all()


TIMESTEPS_30 = (
    "999 966 932 899 866 832 799 766 732 699 666 632 599 566 532 "
    "499 466 432 399 366 332 299 266 232 199 166 132 99 66 32"
)


@pytest.mark.parametrize("name", list(golden.SCHEDULERS))
def test_e7_timesteps_of_30_and_50_steps(name):
    schedule = golden.scheduler(name)
    schedule.set_timesteps(30)
    assert schedule.timesteps.tolist() == [int(t) for t in TIMESTEPS_30.split()]
    schedule.set_timesteps(50)
    assert schedule.timesteps.tolist() == list(range(999, 0, -20))


def difference(one: torch.Tensor, other: torch.Tensor) -> float:
    return ((one - other).norm() / one.norm()).item()


def test_e8_both_schedulers_agree_in_float32_and_not_in_bfloat16():
    sample = numbers(1, 6, 16, 2, 4)
    one, other = (run(denoiser(name=name), sample, 30) for name in golden.SCHEDULERS)
    assert difference(one, other) < 2e-6
    half = sample.bfloat16()
    one, other = (run(denoiser(name=n, dtype=torch.bfloat16), half, 30).float() for n in golden.SCHEDULERS)
    assert difference(one, other) > 1e-3


def test_guidance_leads_away_from_the_first_embedding():
    sample = numbers(1, 6, 16, 2, 4)
    both = denoiser(guidance=6.0)
    both.scheduler.set_timesteps(1)
    guided = both.step(sample, 999, (0, 6))
    alone = [
        Denoiser(both.transformer, both.scheduler, both.conditions, row[None], 1.0, both.device)._predict(
            sample, both.conditions, 999, (0, 6)
        )
        for row in both.embeds
    ]
    outputs = [*alone, alone[0] + 6.0 * (alone[1] - alone[0])]
    without, given, mixed = (both.scheduler.step(output, 999, sample).prev_sample for output in outputs)
    torch.testing.assert_close(guided, mixed, rtol=0, atol=3e-6)
    assert (guided - given).abs().max() > 3e-5
    assert (guided - without).abs().max() > 3e-5


def test_guidance_is_one_forward_of_two():
    of, batches = denoiser(guidance=6.0), []
    of.transformer.register_forward_pre_hook(
        lambda _m, _a, given: batches.append(given["hidden_states"].shape[0]), with_kwargs=True
    )
    run(of, numbers(1, 6, 16, 2, 4), 2)
    assert batches == [2, 2]


def test_channels_are_noise_then_conditions():
    of, seen = denoiser(), []
    of.transformer.register_forward_pre_hook(
        lambda _m, _a, given: seen.append(given["hidden_states"]), with_kwargs=True
    )
    sample = numbers(1, 6, 16, 2, 4)
    run(of, sample, 1)
    assert torch.equal(seen[0], torch.cat([sample, of.conditions], dim=2))


def test_tables_are_made_once_per_window_length(monkeypatch):
    made = []
    monkeypatch.setattr(
        module,
        "rotary_table",
        lambda config, length, *size: made.append(length) or rotary_table(config, length, *size),
    )
    run(denoiser(16), numbers(1, 16, 16, 2, 4), 3, window_frames=45)
    assert made == [12, 8]


def test_windows_and_steps_are_told_in_order():
    told = []
    run(
        denoiser(14),
        numbers(1, 14, 16, 2, 4),
        2,
        on_step=lambda step, latents: told.append((step, tuple(latents.shape))),
        on_window=lambda *numbers: told.append(numbers),
    )
    one = [(0, w, 5) for w in range(5)] + [(0, (1, 14, 16, 2, 4))]
    assert told == one + [(1, *rest) for _, *rest in one]


def test_one_window_over_everything_is_plain_diffusion():
    of, latents = denoiser(14), numbers(1, 14, 16, 2, 4)
    whole = run(of, latents, 3, window_frames=85)
    of.scheduler.set_timesteps(3)
    for timestep in (999, 666, 332):
        latents = of.step(latents, timestep, (0, 14))
    assert torch.equal(whole, latents)


def test_windows_without_overlap_know_nothing_of_each_other():
    of, latents = denoiser(12), numbers(1, 12, 16, 2, 4)
    joined = run(of, latents, 2, overlap_frames=0)
    first = Denoiser(of.transformer, of.scheduler, of.conditions[:, :6], of.embeds, 1.0, of.device)
    assert torch.equal(joined[:, :6], run(first, latents[:, :6], 2))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("name", list(golden.SCHEDULERS))
def test_going_on_after_any_step_gives_the_same_bits(name, dtype):
    states = [numbers(1, 14, 16, 2, 4).to(dtype)]
    model = golden.transformer().to(dtype)
    of = denoiser(14, dtype=dtype, model=model, name=name)
    whole = run(of, states[0], 4, on_step=lambda _, latents: states.append(latents.clone()))
    for done in range(5):
        fresh = denoiser(14, dtype=dtype, model=model, name=name)
        assert torch.equal(run(fresh, states[done], 4, start_step=done), whole)


@pytest.mark.parametrize("told", ["on_step", "on_window"])
def test_whoever_is_told_may_stop_it(told):
    def stop(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(denoiser(14), numbers(1, 14, 16, 2, 4), **{told: stop})


def test_latents_given_are_not_written_to():
    latents = numbers(1, 6, 16, 2, 4)
    before = latents.clone()
    run(denoiser(), latents)
    assert torch.equal(latents, before)


def test_latents_keep_their_dtype_between_steps_whatever_is_computed_in():
    seen = []
    latents = run(
        denoiser(dtype=torch.bfloat16), numbers(1, 6, 16, 2, 4), on_step=lambda _, x: seen.append(x.dtype)
    )
    assert [latents.dtype, *seen] == [torch.float32] * 4
    assert not torch.equal(latents, latents.bfloat16().float())


def test_step_caches_keep_windows_apart_and_leave_no_trace():
    model = golden.transformer()
    latents = numbers(1, 14, 16, 2, 4)
    plain = run(denoiser(14, model=model), latents, 6)
    model.enable_cache(FirstBlockCacheConfig(threshold=0.5))
    cached = run(denoiser(14, model=model), latents, 6)
    assert not torch.equal(cached, plain)
    model.disable_cache()
    assert torch.equal(run(denoiser(14, model=model), latents, 6), plain)


def test_a_cached_window_is_as_if_it_were_alone():
    model, latents = golden.transformer(), numbers(1, 12, 16, 2, 4)
    model.enable_cache(FirstBlockCacheConfig(threshold=0.5))
    of = denoiser(12, model=model)
    joined = run(of, latents, 6, overlap_frames=0)
    for begin in (0, 6):
        model._reset_stateful_cache()
        part = slice(begin, begin + 6)
        alone = Denoiser(model, of.scheduler, of.conditions[:, part], of.embeds, 1.0, of.device)
        assert torch.equal(run(alone, latents[:, part], 6), joined[:, part])


def test_e15_a_33_channel_transformer_is_refused():
    with pytest.raises(WeightsError, match="takes 33 channels, VOID's takes 48") as caught:
        check(golden.transformer(in_channels=33), numbers(1, 6, 16, 2, 4), numbers(1, 6, 32, 2, 4))
    assert caught.value.code == "wrong-transformer"


@pytest.mark.parametrize(
    ("latents", "conditions"), [((1, 22, 16, 2, 4), (1, 24, 32, 2, 4)), ((1, 5, 16, 2, 4), (1, 5, 32, 2, 4)),
                                ((1, 6, 16, 2, 4), (1, 6, 32, 4, 4))]
)  # fmt: skip
def test_latents_of_another_clip_are_refused(latents, conditions):
    with pytest.raises(ClipError, match="do not go with") as caught:
        check(golden.transformer(), torch.zeros(latents), torch.zeros(conditions))
    assert caught.value.code == "latents-shape"
