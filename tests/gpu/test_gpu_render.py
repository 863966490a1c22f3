"""Whole renders on a CUDA device: as on the CPU, by every profile, offloaded, interrupted, out of memory."""

from __future__ import annotations

import pytest
import torch
from synthetic_footage import texture

from void_audit.errors import RequestError
from void_audit.model.void import execution
from void_audit.pipeline.synthesize.void.checkpoint import Checkpoints, State
from void_audit.pipeline.synthesize.void.execution import arrange, memory_errors
from void_audit.pipeline.synthesize.void.noise import generator_for, normal, tensor_digest

pytestmark = pytest.mark.usefixtures("as_rendered")

FRAMES, HEIGHT, WIDTH, WINDOW = 13, 64, 96, 13
STEPS = 4
PROFILES = {
    "resident": execution("resident"),
    "small": execution("small"),
    "fast int8": execution("fast", "int8"),
    "fast fp8": execution("fast", "fp8"),
    "draft int8": execution("draft", "int8"),
}
EAGER = execution("resident").model_copy(update={"compiled": False})
MIB = 2**20


class Stopped(Exception):
    pass


def clip():
    whole = torch.from_numpy(texture(WIDTH + FRAMES, HEIGHT)).permute(2, 0, 1).byte()
    masks = torch.full((FRAMES, HEIGHT, WIDTH), 255, dtype=torch.uint8)
    masks[:, 16:32, 24:48] = 0
    masks[:, 32:48, 24:48] = 127
    return torch.stack([whole[:, :, i : i + WIDTH] for i in range(FRAMES)]), masks


def rendered(pipeline, **changes) -> torch.Tensor:
    """Pictures (F, 3, H, W) in 0..1."""
    video, mask = clip()
    return pipeline(
        "A lime falls on the table.",
        video=video,
        mask=mask,
        num_inference_steps=STEPS,
        window_frames=WINDOW,
        overlap_frames=8,
        generator=torch.Generator().manual_seed(5),
        latents_dtype=torch.float32,
        **changes,
    ).frames[0]


def denoised(pipeline, size: tuple[int, int] = (HEIGHT, WIDTH), **changes) -> torch.Tensor:
    generator = generator_for(1, "test")
    grid = (size[0] // 8, size[1] // 8)
    latents = normal((1, 4, 16, *grid), generator)
    conditions = normal((1, 4, 32, *grid), generator).to(pipeline.transformer.dtype)
    text = normal((1, 226, 64), generator).to(pipeline.transformer.dtype)
    arguments = {
        "latents": latents,
        "steps": STEPS,
        "guidance_scale": 1.0,
        "window_frames": WINDOW,
        "overlap_frames": 8,
    }
    return pipeline.denoise(conditions=conditions, prompt_embeds=text, **(arguments | changes))


def psnr(one: torch.Tensor, other: torch.Tensor) -> float:
    return float(-10 * torch.log10((one - other).square().mean()))


def devices(pipeline) -> set[str]:
    models = (pipeline.text_encoder, pipeline.vae, pipeline.transformer)
    return {parameter.device.type for model in models for parameter in model.parameters()}


@pytest.mark.parametrize("guidance", [1.0, 6.0])
def test_the_device_renders_what_the_cpu_does(make, device, guidance):
    on_cpu = rendered(make(torch.float32), guidance_scale=guidance)
    on_device = rendered(make(torch.float32).to(device), guidance_scale=guidance)
    assert psnr(on_device, on_cpu) > 60
    assert on_device.device.type == "cpu"


def test_the_same_render_twice_has_the_same_bits(make, device):
    with arrange(make(), EAGER, device) as arrangement:
        one, two = (tensor_digest(rendered(arrangement.pipeline)) for _ in range(2))
    assert one == two


@pytest.mark.slow
@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_renders_and_leaves_the_pipeline_as_it_was(make, device, name):
    if name == "fast fp8" and torch.cuda.get_device_capability(device) < (8, 9):
        pytest.skip("fp8 is multiplied from Ada on")
    pipeline = make()
    with arrange(pipeline, EAGER, device):
        expected = rendered(pipeline)
    with arrange(pipeline, PROFILES[name], device) as arrangement:
        pictures = rendered(pipeline)
        facts = dict(arrangement.facts)
    assert facts["device"] == torch.cuda.get_device_name(device)
    assert pictures.shape == (FRAMES, 3, HEIGHT, WIDTH)
    assert psnr(pictures, expected) > (30 if name in {"resident", "small"} else 15)
    assert devices(pipeline) == {"cpu"}
    with arrange(pipeline, EAGER, device):
        assert torch.equal(rendered(pipeline), expected)


def test_offloading_changes_no_bit(make, device):
    pipeline = make()
    expected = rendered(pipeline.to(device))
    pipeline.to("cpu", silence_dtype_warnings=True)
    pipeline.enable_model_cpu_offload(device=device)
    assert torch.equal(rendered(pipeline), expected)
    assert devices(pipeline) == {"cpu"}


def test_blocks_one_by_one_change_no_bit_and_need_less_memory(make, device):
    pipeline, peaks, results = make(size="large"), {}, {}
    for placement in ("model", "blocks"):
        with arrange(pipeline, EAGER.model_copy(update={"placement": placement}), device):
            results[placement] = denoised(pipeline)
            peaks[placement] = torch.cuda.max_memory_allocated(device)
    assert torch.equal(results["model"], results["blocks"])
    weights = sum(p.numel() * p.element_size() for p in pipeline.transformer.parameters())
    assert peaks["model"] > weights
    assert peaks["blocks"] < peaks["model"] - weights / 2


def test_what_to_do_when_the_memory_is_full(make, device):
    pipeline = make(size="large")
    with arrange(pipeline, EAGER, device):
        expected = denoised(pipeline)
    torch.cuda.empty_cache()
    free, _ = torch.cuda.mem_get_info(device)
    ballast = torch.empty(free - 64 * MIB, dtype=torch.uint8, device=device)
    with pytest.raises(RequestError) as caught, memory_errors(EAGER), arrange(pipeline, EAGER, device):
        denoised(pipeline)
    assert caught.value.code == "out-of-memory"
    assert "--execution small" in caught.value.hint
    assert devices(pipeline) == {"cpu"}
    del ballast, caught
    torch.cuda.empty_cache()
    with arrange(pipeline, EAGER, device):
        assert torch.equal(denoised(pipeline), expected)


@pytest.mark.parametrize("cached", [False, True])
def test_a_killed_pass_goes_on_to_the_same_bits(make, device, tmp_path, cached):
    how = EAGER.model_copy(update={"name": "draft", "cache_threshold": 1.0 if cached else 0.0})
    states = Checkpoints(tmp_path, "pass", "key")

    def run(kill_at: int | None = None, **start) -> tuple[torch.Tensor, int]:
        """Latents, and forwards that the step cache answered; states are saved every other step."""
        with arrange(make(), how, device) as arrangement:

            def on_step(step: int, latents: torch.Tensor) -> None:
                if step % 2:
                    arrangement.reset_caches()
                    states.save(State(step + 1, latents, {}))
                if step == kill_at:
                    raise Stopped

            result = denoised(arrangement.pipeline, on_step=on_step, **start)
            return result, arrangement.first.calls - arrangement.second.calls

    expected, skipped = run()
    assert skipped == (2 if cached else 0)
    for path in tmp_path.iterdir():
        path.unlink()
    with pytest.raises(Stopped):
        run(kill_at=2)
    state = Checkpoints(tmp_path, "pass", "key").latest()
    assert state.step == 2
    result, _ = run(latents=state.latents, start_step=state.step)
    assert torch.equal(result, expected)
