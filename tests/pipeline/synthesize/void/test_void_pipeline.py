"""The pipeline as a whole, and the golden runs of the reference (spec/void section 8, E10 to E16)."""

from __future__ import annotations

import golden
import numpy as np
import pytest
import tiny_void
import torch
from diffusers import AutoencoderKLCogVideoX, CogVideoXTransformer3DModel
from safetensors.torch import load_file
from transformers import T5EncoderModel, T5Tokenizer

from void_audit.errors import ClipError, MaskError, WeightsError
from void_audit.pipeline.synthesize.void.noise import normal
from void_audit.pipeline.synthesize.void.pipeline import VoidPipeline

CASES = list(golden.CASES["cases"])
PASS1, PASS2, LONG = CASES


@pytest.fixture(autouse=True)
def _quiet():
    for name in golden.SCHEDULERS:
        golden.pipeline(name).set_progress_bar_config(disable=True)


def called(case: golden.Case, pipe: VoidPipeline | None = None, **changes):
    """The whole run of a golden case in one call."""
    set_ = case.settings
    arguments = {
        "video": case.pictures,
        "mask": case.masks,
        "num_inference_steps": set_["steps"],
        "guidance_scale": set_["guidance_scale"],
        "mask_levels": set_["mask_levels"],
        "window_frames": 21,  # golden clips are not padded
        "overlap_frames": set_["overlap_frames"],
        "latents": case["initial_latents"],
        "augmentation_noise": case.augmentation_noise,
        "prompt_embeds": case["prompt_embeds"],
        "negative_prompt_embeds": case["negative_prompt_embeds"],
    }
    pipe = pipe or golden.pipeline(set_["scheduler"])
    return pipe(**arguments | changes).frames


def small(frames: int = 21, side: int = 32, seed: int = 0):
    """A clip of random pictures, its mask, and embeddings."""
    numbers = torch.Generator().manual_seed(seed)
    video = torch.randint(0, 256, (frames, 3, side, side), generator=numbers, dtype=torch.uint8)
    classes = torch.tensor([0, 63, 127, 255], dtype=torch.uint8)
    mask = classes[torch.randint(0, 4, (frames, side, side), generator=numbers)]
    return {"video": video, "mask": mask, "prompt_embeds": torch.randn(1, 226, 64, generator=numbers)}


def run(pipe: VoidPipeline | None = None, **changes):
    arguments = small() | {
        "num_inference_steps": 2,
        "window_frames": 21,
        "generator": torch.Generator().manual_seed(0),
    }
    return (pipe or golden.pipeline())(**arguments | changes).frames


def test_of_a_clip_to_decode_no_more_than_a_chunk_is_made_ready():
    pipe, seen = golden.pipeline(), []
    decoder = pipe.decoder

    def watching(vae):
        coder = decoder(vae)

        def call(chunk):
            seen.append(chunk.untyped_storage().nbytes() // chunk.element_size())
            return coder(chunk)

        return call

    pipe.decoder = watching
    try:
        made = torch.stack(list(pipe.decode(torch.randn(1, 8, 16, 4, 4).bfloat16())))
    finally:
        pipe.decoder = decoder
    assert made.shape == (29, 3, 32, 32)
    assert max(seen) == 2 * 16 * 4 * 4  # latents of a chunk, in the VAE's type: not of the clip


def test_this_machine_can_prove_equality():
    if not golden.same_kernels():
        pytest.skip("this CPU rounds differently: the golden tests here ask for 1e-5, not for equal bits")


@pytest.mark.parametrize("name", CASES)
def test_e10_condition_latents_are_golden(name):
    case = golden.case(name)
    made = golden.pipeline().encode_conditions(
        iter(case.pictures),
        iter(case.masks),
        case.frames,
        mask_levels=case.settings["mask_levels"],
        generator=torch.Generator().manual_seed(case.settings["augmentation_seed"]),
        window_frames=21,
    )
    golden.assert_golden(made, case["condition_latents"])


@pytest.mark.parametrize("name", CASES, ids=["e11-pass1", "e12-pass2-guided", "e13-windows"])
def test_every_step_and_the_video_are_golden(name):
    case, steps = golden.case(name), []

    def told(_pipe, step, timestep, tensors):
        golden.assert_golden(tensors["latents"], case[f"latents_after_step_{step}"])
        steps.append(int(timestep))
        return tensors

    frames = called(case, callback_on_step_end=told)
    assert len(steps) == case.settings["steps"]
    golden.assert_golden_video(case, frames[0])


def test_e13_stages_by_hand_give_the_golden_windows():
    case = golden.case(LONG)
    pipe, settings = golden.pipeline(), case.settings
    latents = pipe.denoise(
        case["initial_latents"],
        case["condition_latents"],
        case["prompt_embeds"],
        steps=settings["steps"],
        guidance_scale=1.0,
        window_frames=settings["window_frames"],
        overlap_frames=settings["overlap_frames"],
        start_step=1,
    )
    assert not torch.equal(latents, case["latents_after_step_2"])  # a step was left out
    latents = pipe.denoise(
        case["latents_after_step_0"],
        case["condition_latents"],
        case["prompt_embeds"],
        steps=settings["steps"],
        guidance_scale=1.0,
        window_frames=settings["window_frames"],
        overlap_frames=settings["overlap_frames"],
        start_step=1,
    )
    golden.assert_golden(latents, case["latents_after_step_2"])
    golden.assert_golden_video(case, torch.stack(list(pipe.decode(latents))))


def replaced(masks: torch.Tensor, old: int) -> torch.Tensor:
    assert (masks == old).any()
    return torch.where(masks == old, 0, masks)


@pytest.mark.parametrize("name", [PASS1, PASS2])
def test_e16_63_is_the_object_itself(name):
    case = golden.case(name)
    golden.assert_golden_video(case, called(case, mask=replaced(case.masks, 63))[0])


def test_e16_the_references_pass_2_takes_127_for_the_object():
    case = golden.case(PASS2)
    golden.assert_golden_video(case, called(case, mask=replaced(case.masks, 127))[0])


@pytest.mark.parametrize(
    "change", ["affected", "levels", "augmentation", "start", "prompt", "mask-and-video"]
)
def test_e15_what_must_matter_does(change):
    case = golden.case(PASS1)
    other = torch.Generator().manual_seed(98)
    changes = {
        "affected": {"mask": replaced(case.masks, 127)},
        "levels": {"mask_levels": 2},
        "augmentation": {"augmentation_noise": None, "generator": other},
        "start": {"latents": normal((1, 6, 16, 8, 12), other)},
        "prompt": {"prompt_embeds": case["negative_prompt_embeds"]},
        "mask-and-video": {"video": case.pictures.flip(0)},
    }[change]
    latents = called(case, output_type="latent", **changes)
    assert (latents - case["latents_after_step_4"]).abs().max() > 1e-5


def test_e15_the_base_models_33_channels_are_refused():
    pipe = VoidPipeline(
        None, None, golden.vae(), golden.transformer(in_channels=33), golden.scheduler("DDIMScheduler")
    )
    pipe.set_progress_bar_config(disable=True)
    with pytest.raises(WeightsError, match="takes 33 channels") as caught:
        run(pipe)
    assert caught.value.code == "wrong-transformer"


@pytest.mark.parametrize(
    "frames", [1, 5, 85, 86, 93, *(pytest.param(n, marks=pytest.mark.slow) for n in (197, 400))]
)
def test_any_length_comes_back_as_it_was(frames):
    made = run(**small(frames, 16), window_frames=85, num_inference_steps=1)
    assert made.shape == (1, frames, 3, 16, 16)
    assert made.dtype == torch.float32
    assert made.min() >= 0
    assert made.max() <= 1
    assert torch.isfinite(made).all()


def test_untrimmed_video_has_the_padded_length_and_begins_alike():
    whole, cut = run(**small(22), trim=False), run(**small(22))
    assert (whole.shape[1], cut.shape[1]) == (29, 22)
    assert torch.equal(whole[:, :22], cut)


def test_padding_is_the_mirrored_clip():
    clip = small(22)
    ahead = {key: torch.cat([clip[key], clip[key][15:].flip(0)]) for key in ("video", "mask")}
    assert torch.equal(run(**clip, trim=False), run(**clip | ahead))


def test_pictures_may_be_bytes_or_floats_and_come_one_by_one():
    clip = small()
    floats = [picture.float() / 255 for picture in clip["video"]]
    assert torch.equal(run(**clip | {"video": floats}), run(**clip))


@pytest.mark.parametrize(("height", "width"), [(32, 40), (30, 32)])
def test_sizes_that_are_no_whole_patches_are_refused(height, width):
    clip = small() | {
        "video": torch.zeros(21, 3, height, width),
        "mask": torch.zeros(21, height, width, dtype=torch.uint8),
    }
    with pytest.raises(ClipError, match=f"{width}x{height}") as caught:
        run(**clip)
    assert caught.value.code == "clip-size"


def test_a_mask_of_another_size_or_length_is_refused():
    mask = small()["mask"]
    with pytest.raises(MaskError, match="differ in size") as caught:
        run(mask=mask[:, :16])
    assert caught.value.code == "mask-size"
    with pytest.raises(ClipError, match="21 frames were announced and 20 came"):
        run(mask=mask[:20])


def test_values_that_are_no_classes_are_refused():
    with pytest.raises(MaskError, match=r"\[126\]"):
        run(mask=torch.full((21, 32, 32), 126, dtype=torch.uint8))


def test_given_tensors_of_another_length_are_refused():
    with pytest.raises(ClipError, match="do not go with"):
        run(latents=torch.zeros(1, 8, 16, 4, 4))
    with pytest.raises(ValueError, match="augmentation_noise has 13 frames, the clip 21"):
        run(augmentation_noise=torch.zeros(1, 3, 13, 32, 32))


def test_guidance_without_its_other_prompt_is_refused():
    with pytest.raises(ValueError, match=r"guidance_scale 6\.0 needs"):
        golden.pipeline().denoise(
            torch.zeros(1, 6, 16, 2, 2),
            torch.zeros(1, 6, 32, 2, 2),
            torch.zeros(1, 226, 64),
            steps=1,
            guidance_scale=6.0,
        )


@pytest.mark.parametrize("name", list(golden.SCHEDULERS))
def test_bfloat16_end_to_end(name):
    pipe = VoidPipeline(
        None, None, golden.vae().bfloat16(), golden.transformer().bfloat16(), golden.scheduler(name)
    )
    pipe.set_progress_bar_config(disable=True)
    half = {"prompt_embeds": small()["prompt_embeds"].bfloat16(), "output_type": "latent"}
    kept = run(pipe, **half)
    assert kept.dtype == torch.bfloat16
    finer = run(pipe, **half, latents_dtype=torch.float32)
    assert finer.dtype == torch.float32
    exact = run(
        golden.pipeline(name), output_type="latent", latents=kept.float() * 0 + draw(torch.bfloat16).float()
    )
    assert distance(kept, exact) < 0.05
    assert torch.equal(run(pipe, **half), kept)
    video = run(pipe, **half | {"output_type": "pt"})
    assert video.dtype == torch.float32
    assert distance(video, torch.stack(list(golden.pipeline().decode(kept.float())))[None]) < 0.05


def draw(dtype: torch.dtype) -> torch.Tensor:
    return normal((1, 6, 16, 4, 4), torch.Generator().manual_seed(0), dtype)


def distance(one: torch.Tensor, other: torch.Tensor) -> float:
    return ((one.float() - other.float()).norm() / other.float().norm()).item()


def test_float32_latents_keep_more_levels_through_a_bfloat16_vae():
    pipe = VoidPipeline(None, None, golden.vae().bfloat16(), None, None)
    latents = draw(torch.float32)
    fine, coarse = (torch.stack(list(pipe.decode(x))) for x in (latents, latents.bfloat16()))
    assert not torch.equal(fine, fine.bfloat16().float())
    assert torch.equal(coarse, coarse.bfloat16().float())


def test_one_generator_draws_first_the_latents_then_the_augmentation():
    generator = torch.Generator().manual_seed(5)
    latents = normal((1, 6, 16, 4, 4), generator)
    drawn = torch.empty(1, 21, 3, 32, 32).permute(0, 2, 1, 3, 4).normal_(generator=generator)
    by_hand = run(latents=latents, augmentation_noise=drawn, generator=None)
    assert torch.equal(run(generator=torch.Generator().manual_seed(5)), by_hand)
    assert not torch.equal(run(generator=torch.Generator().manual_seed(6)), by_hand)


def test_a_run_leaves_no_trace_in_the_next():
    first = run()
    run(**small(13, 16, seed=1), guidance_scale=4.0, negative_prompt_embeds=torch.zeros(1, 226, 64))
    assert torch.equal(run(), first)


def test_output_types_are_the_same_pictures():
    tensors = run()
    arrays = run(output_type="np")
    (images,) = run(output_type="pil")
    latents = run(output_type="latent")
    assert np.array_equal(arrays, tensors.permute(0, 1, 3, 4, 2).numpy())
    assert [np.asarray(image).shape for image in images] == [(32, 32, 3)] * 21
    assert np.array_equal(np.stack(images), (arrays[0] * 255).round())
    assert latents.shape == (1, 6, 16, 4, 4)
    assert torch.equal(torch.stack(list(golden.pipeline().decode(latents)))[None], tensors)
    (frames,) = golden.pipeline()(
        **small(),
        num_inference_steps=2,
        window_frames=21,
        generator=torch.Generator().manual_seed(0),
        return_dict=False,
    )
    assert torch.equal(frames, tensors)


def test_a_callback_may_put_other_latents_in_place():
    seen = []

    def to_zero(pipe, step, timestep, tensors):
        assert isinstance(pipe, VoidPipeline)
        seen.append((step, int(timestep), float(tensors["latents"].abs().max())))
        return {"latents": torch.zeros_like(tensors["latents"])} if step == 1 else {}

    latents = run(num_inference_steps=2, output_type="latent", callback_on_step_end=to_zero)
    assert [(step, timestep) for step, timestep, _ in seen] == [(0, 999), (1, 499)]
    assert all(most > 0 for *_, most in seen)
    assert not latents.any()


def test_a_callback_is_given_only_what_it_asks_for():
    given = []

    def told(_pipe, _step, _timestep, tensors):
        given.append(dict(tensors))
        return tensors

    run(callback_on_step_end=told, callback_on_step_end_tensor_inputs=[])
    assert given == [{}, {}]


def test_decoding_is_lazy_and_stops_at_the_count():
    pipe, calls = golden.pipeline(), []
    hook = pipe.vae.decoder.register_forward_pre_hook(lambda _m, args: calls.append(args[0].shape[2]))
    stream = pipe.decode(draw(torch.float32), 6)
    assert not calls
    frames = list(stream)
    hook.remove()
    assert [frame.shape for frame in frames] == [(3, 32, 32)] * 6
    assert calls == [1, 2]


def test_conditions_are_read_chunk_by_chunk():
    pipe, read, at_chunk = golden.pipeline(), [], []
    clip = small(45)
    hook = pipe.vae.encoder.register_forward_pre_hook(lambda *_: at_chunk.append(len(read)))
    video = (read.append(0) or picture for picture in clip["video"])
    masks = (read.append(0) or mask for mask in clip["mask"])
    pipe.encode_conditions(video, masks, 45, window_frames=45)
    hook.remove()
    assert at_chunk == [13, 21, 29, 37, 45, 58, 66, 74, 82, 90]


def test_nothing_of_it_is_recorded_for_gradients():
    frames = run()
    assert not frames.requires_grad
    assert not next(iter(golden.pipeline().decode(draw(torch.float32)))).requires_grad


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A pipeline with text models too, all tiny."""
    folder = tiny_void.write_tiny_model(tmp_path_factory.mktemp("void"))
    transformer = CogVideoXTransformer3DModel(**tiny_void.TRANSFORMER)
    transformer.load_state_dict(load_file(folder / "void_pass1.safetensors"))
    pipe = VoidPipeline(
        T5Tokenizer.from_pretrained(folder / "base" / "tokenizer"),
        T5EncoderModel.from_pretrained(folder / "base" / "text_encoder"),
        AutoencoderKLCogVideoX.from_pretrained(folder / "base" / "vae"),
        transformer.float().eval(),
        golden.scheduler("DDIMScheduler"),
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


PROMPTS = {
    "prompt": "the lime falls on the table",
    "negative_prompt": "empty room",
    "guidance_scale": 3.0,
    "prompt_embeds": None,
}


def test_prompts_are_226_tokens_all_attended_to(whole):
    short, long = whole.encode_prompt("a lime"), whole.encode_prompt("lime " * 500)
    assert short.shape == long.shape == (1, 226, 64)
    tokens = whole.tokenizer("a lime", padding="max_length", max_length=226, return_tensors="pt")
    assert tokens.attention_mask.sum() < 20
    with torch.no_grad():
        unmasked = whole.text_encoder(tokens.input_ids)[0]
        masked = whole.text_encoder(tokens.input_ids, attention_mask=tokens.attention_mask)[0]
    assert torch.equal(short, unmasked)
    assert not torch.allclose(short, masked, atol=1e-4)


def test_prompts_are_encoded_when_no_embeddings_are_given(whole):
    made = run(whole, **PROMPTS)
    embeds = {
        "prompt_embeds": whole.encode_prompt("the lime falls on the table"),
        "negative_prompt_embeds": whole.encode_prompt("empty room"),
        "guidance_scale": 3.0,
    }
    assert torch.equal(made, run(whole, **embeds))
    assert not torch.equal(made, run(whole, **PROMPTS | {"prompt": "a box"}))
    assert not torch.equal(made, run(whole, **PROMPTS | {"negative_prompt": ""}))


def test_saved_and_loaded_it_gives_the_same_bits(whole, tmp_path):
    loaded = copied(whole, tmp_path)
    assert type(loaded.scheduler) is type(whole.scheduler)
    assert torch.equal(run(loaded, **PROMPTS), run(whole, **PROMPTS))


def test_e18_model_offload_gives_the_same_bits(whole, tmp_path):
    expected = run(whole, **PROMPTS)
    pipe = copied(whole, tmp_path)
    pipe.enable_model_cpu_offload(device="cpu")
    assert all(hasattr(model, "_hf_hook") for model in (pipe.text_encoder, pipe.vae, pipe.transformer))
    for _ in range(2):
        assert torch.equal(run(pipe, **PROMPTS), expected)


@pytest.mark.gpu
@pytest.mark.skipif(
    not torch.cuda.is_available(), reason="accelerate's sequential offload cannot compute on a CPU"
)
def test_e18_sequential_offload_gives_the_same_bits(whole, tmp_path):
    pipe = copied(whole, tmp_path).to("cuda")
    expected = run(pipe, **PROMPTS)
    pipe = copied(whole, tmp_path)
    pipe.enable_sequential_cpu_offload()
    for _ in range(2):
        assert torch.equal(run(pipe, **PROMPTS), expected)


def test_e18_leaves_streamed_from_disk_give_the_same_bits(whole, tmp_path):
    expected = run(whole, **PROMPTS)
    pipe = copied(whole, tmp_path / "model")
    cpu = torch.device("cpu")
    for name, model in (("vae", pipe.vae), ("transformer", pipe.transformer)):
        folder = str(tmp_path / name)
        model.enable_group_offload(cpu, cpu, "leaf_level", offload_to_disk_path=folder)
        assert list((tmp_path / name).glob("*.safetensors"))
    for _ in range(2):
        assert torch.equal(run(pipe, **PROMPTS), expected)


def copied(pipe: VoidPipeline, folder) -> VoidPipeline:
    pipe.save_pretrained(folder)
    loaded = VoidPipeline.from_pretrained(folder, dtype=torch.float32)
    loaded.set_progress_bar_config(disable=True)
    return loaded


def test_with_model_offload_each_model_is_alone_on_the_device(whole, tmp_path, monkeypatch):
    pipe = copied(whole, tmp_path)
    pipe.enable_model_cpu_offload(device="cpu")
    models = {"text": pipe.text_encoder, "vae": pipe.vae, "transformer": pipe.transformer}
    present, told = set(), []
    for name, model in models.items():
        hook = model._hf_hook
        monkeypatch.setattr(hook, "pre_forward", arriving(present, told, name, hook.pre_forward))
        monkeypatch.setattr(hook, "init_hook", leaving(present, name, hook.init_hook))
    run(pipe, **PROMPTS)
    steps = [name for i, name in enumerate(told) if i == 0 or told[i - 1] != name]
    assert steps == [("text",), ("vae",), ("transformer",), ("vae",)]


def arriving(present, told, name, original):
    def pre_forward(*args, **kwargs):
        present.add(name)
        told.append(tuple(sorted(present)))
        return original(*args, **kwargs)

    return pre_forward


def leaving(present, name, original):
    def init_hook(module):
        present.discard(name)
        return original(module)

    return init_hook


def test_tiling_is_switched_on_and_off():
    pipe = VoidPipeline(None, None, golden.vae(), None, None)
    clip, latents = small(5, 64), normal((1, 2, 16, 8, 8), torch.Generator().manual_seed(0))

    def there_and_back():
        generator = torch.Generator().manual_seed(0)
        encoded = pipe.encode_conditions(clip["video"], clip["mask"], 5, window_frames=5, generator=generator)
        return encoded, torch.stack(list(pipe.decode(latents)))

    whole = there_and_back()
    pipe.enable_vae_tiling(32)
    tiled = there_and_back()
    pipe.enable_vae_tiling(0)
    again = there_and_back()
    for one, two, three in zip(whole, tiled, again, strict=True):
        assert one.shape == two.shape
        assert not torch.equal(one, two)
        assert torch.equal(one, three)
