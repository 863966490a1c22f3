"""Profiles: that each computes what it promises, says what it did, and leaves nothing behind (E18)."""

from __future__ import annotations

import re
import warnings
import weakref

import pytest
import torch
from diffusers import DDIMScheduler
from diffusers.hooks.first_block_cache import FirstBlockCacheConfig
from diffusers.hooks.group_offloading import ModuleGroup
from diffusers.models.attention_processor import CogVideoXAttnProcessor2_0
from tiny_void import SCHEDULER, tiny_transformer, tiny_vae, write_tiny_model
from torch._dynamo.utils import counters
from transformers import T5EncoderModel, T5Tokenizer

from void_audit.errors import RequestError
from void_audit.model.void import VoidExecution, execution
from void_audit.pipeline.synthesize.void import codec
from void_audit.pipeline.synthesize.void import execution as module
from void_audit.pipeline.synthesize.void.execution import arrange, compiled_blocks, memory_errors, release
from void_audit.pipeline.synthesize.void.linears import stored_bytes
from void_audit.pipeline.synthesize.void.pipeline import VoidPipeline

CPU = torch.device("cpu")
PLAIN = VoidExecution(
    name="resident",
    placement="model",
    linears="plain",
    compiled=False,
    attention="stock",
    tile=0,
    cache_threshold=0,
)
LENGTH, ROWS, COLUMNS = 6, 4, 6
"""In latents: 21 frames of 32 x 48 pixels."""


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    base = write_tiny_model(tmp_path_factory.mktemp("void")) / "base"
    return (
        T5Tokenizer.from_pretrained(base / "tokenizer"),
        T5EncoderModel.from_pretrained(base / "text_encoder"),
    )


@pytest.fixture(scope="module")
def pipeline(texts):
    steps = DDIMScheduler(**{name: value for name, value in SCHEDULER.items() if name != "snr_shift_scale"})
    return VoidPipeline(*texts, tiny_vae(1), tiny_transformer(3), steps)


def changed(**changes) -> VoidExecution:
    return PLAIN.model_copy(update=changes)


def inputs(dtype=torch.float32):
    draw = torch.Generator().manual_seed(0)
    latents = torch.randn(1, LENGTH, 16, ROWS, COLUMNS, generator=draw)
    conditions = torch.randn(1, LENGTH, 32, ROWS, COLUMNS, generator=draw)
    return latents.to(dtype), conditions.to(dtype), torch.randn(1, 226, 64, generator=draw).to(dtype)


def denoised(pipeline, steps: int = 2, **arguments) -> torch.Tensor:
    latents, conditions, text = inputs(pipeline.transformer.dtype)
    return pipeline.denoise(
        arguments.pop("latents", latents),
        conditions,
        text,
        **{"steps": steps, "guidance_scale": 1.0, "window_frames": 21, **arguments},
    )


def rendered(pipeline) -> tuple[torch.Tensor, ...]:
    """Everything that a pass computes: text, conditions, latents and pictures."""
    draw = torch.Generator().manual_seed(1)
    pictures = torch.rand(5, 3, 8 * ROWS, 8 * COLUMNS, generator=draw)
    masks = torch.full((5, 8 * ROWS, 8 * COLUMNS), 255, dtype=torch.uint8)
    conditions = pipeline.encode_conditions(pictures, masks, 5, sigma=0, window_frames=5)
    latents = denoised(pipeline)
    return pipeline.encode_prompt("a lime"), conditions, latents, torch.stack(list(pipeline.decode(latents)))


def same(one: tuple[torch.Tensor, ...], other: tuple[torch.Tensor, ...]) -> list[bool]:
    return [torch.equal(a, b) for a, b in zip(one, other, strict=True)]


@pytest.fixture(scope="module")
def plain(pipeline):
    """What the pipeline computes by itself."""
    return rendered(pipeline)


@pytest.fixture
def onloads(monkeypatch):
    """Counts how often a group of weights is fetched to the device."""
    counted = []
    fetch = ModuleGroup.onload_
    monkeypatch.setattr(ModuleGroup, "onload_", lambda group: (counted.append(group), fetch(group))[1])
    return counted


@pytest.fixture
def hopper(monkeypatch):
    """A Hopper card as far as arranging asks for it; nothing can be computed on it."""
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda _device: None)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda _device: 3 * 2**30)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: (9, 0))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _device: "NVIDIA H100")
    monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 91300)
    return torch.device("cuda")


@pytest.mark.parametrize("name", ["resident", "small", "fast", "draft"])
def test_every_profile_renders_on_the_cpu_and_says_what_it_did(pipeline, plain, name):
    with arrange(pipeline, execution(name), CPU) as arrangement:
        made = rendered(pipeline)
        facts = arrangement.facts
    equal = same(made, plain)
    assert facts["profile"] == name
    assert facts["device"] == "cpu"
    assert facts["torch"] == torch.__version__
    assert facts["attention"] == "own processor, backend native"
    if name in {"resident", "small"}:
        assert equal == [True, True, True, True], "the tile covers these pictures, so small is exact, too"
        assert facts["linears"] == "plain float32"
    else:
        assert equal == [True, True, False, False]
        assert re.match(r"int8 in 12 layers, 5\d% of the transformer's bytes, torchao \d", facts["linears"])
    promised = name != "small"
    assert facts["compiled"] == ("no, though planned: on cpu it is not done" if promised else "no")
    assert facts["placement"] == ("blocks one by one on cpu" if name == "small" else "all on the CPU")
    assert facts["tile"] == ("256 pixels" if name == "small" else "whole pictures")
    assert facts["cache"] == ("first block, threshold 0.1" if name == "draft" else "no")
    assert ("skipped" in facts) == (name == "draft")
    assert re.fullmatch(r"\d+\.\d\d GiB of the process", facts["peak memory"])


@pytest.mark.parametrize("name", ["small", "draft"])
def test_everything_is_undone_afterwards(pipeline, plain, name):
    size, filters = stored_bytes(pipeline.transformer), list(warnings.filters)
    with arrange(pipeline, execution(name), CPU):
        rendered(pipeline)
    assert same(rendered(pipeline), plain) == [True] * 4
    processors = pipeline.transformer.attn_processors.values()
    assert all(isinstance(processor, CogVideoXAttnProcessor2_0) for processor in processors)
    assert stored_bytes(pipeline.transformer) == size
    assert not pipeline.transformer.is_cache_enabled
    assert pipeline.encoder is codec.Encoder
    assert pipeline.decoder is codec.Decoder
    assert warnings.filters == filters
    assert not hooks(pipeline)


def hooks(pipeline) -> list[str]:
    """Names of diffusers' hooks anywhere in the pipeline's models."""
    parts = (pipeline.transformer, pipeline.text_encoder, pipeline.vae)
    modules = [child for part in parts for child in part.modules() if hasattr(child, "_diffusers_hook")]
    return [name for child in modules for name in child._diffusers_hook.hooks]


def test_a_failure_inside_undoes_everything_too(pipeline, plain):
    with pytest.raises(TypeError), arrange(pipeline, execution("draft"), CPU):
        pipeline.transformer("not latents")
    assert same(rendered(pipeline), plain) == [True] * 4


def test_streamed_blocks_compute_the_same_bits(pipeline, plain, onloads):
    with arrange(pipeline, changed(placement="blocks"), CPU):
        assert not onloads
        assert same(rendered(pipeline), plain) == [True] * 4
    fetched = {type(group.modules[0]).__name__ for group in onloads}
    assert {"CogVideoXBlock", "T5Block"} <= fetched, "both large models go block by block"
    blocks = [group for group in onloads if type(group.modules[0]).__name__ == "CogVideoXBlock"]
    assert len(blocks) == 2 * 2, "two blocks, two steps"


def test_own_attention_computes_the_same_bits(pipeline, plain):
    with arrange(pipeline, changed(attention="best"), CPU):
        assert same(rendered(pipeline), plain) == [True] * 4


def test_tiles_change_pictures_and_nothing_else(pipeline, plain):
    with arrange(pipeline, changed(tile=32), CPU) as arrangement:
        assert same(rendered(pipeline), plain) == [True, False, True, False]
        assert arrangement.facts["tile"] == "32 pixels"


def test_the_cache_skips_what_it_says_and_is_gone_afterwards(pipeline):
    plain, computed = denoised(pipeline, 4), []
    feed_forward = pipeline.transformer.transformer_blocks[1].ff
    watch = feed_forward.register_forward_hook(lambda *_: computed.append(1))
    with arrange(pipeline, changed(cache_threshold=1.0), CPU) as arrangement:
        assert "skipped" not in arrangement.facts, "nothing ran yet"
        assert not torch.equal(denoised(pipeline, 4), plain)
    watch.remove()
    assert 0 < len(computed) < 4
    said = f"{4 - len(computed)} of 4 forwards, answered from the step cache"
    assert arrangement.facts["skipped"] == said, "facts outlive the arrangement"
    assert torch.equal(denoised(pipeline, 4), plain)


def test_a_cache_that_never_answers_changes_nothing(pipeline):
    plain = denoised(pipeline, 4)
    with arrange(pipeline, changed(cache_threshold=1e-6), CPU) as arrangement:
        assert torch.equal(denoised(pipeline, 4), plain)
        assert arrangement.facts["skipped"].startswith("0 of 4")


def test_what_the_cache_remembers_of_a_window_is_on_the_device_only_while_it_is_computed(
    pipeline, hopper, monkeypatch
):
    moves = []
    monkeypatch.setattr(
        module,
        "_move_state",
        lambda state, device: moves.append((device.type, state.head_block_output is None)),
    )
    pipeline.transformer.enable_cache(FirstBlockCacheConfig(threshold=1.0))
    module._park_states(pipeline.transformer, hopper)
    denoised(pipeline, 2)
    del pipeline.transformer.cache_context
    pipeline.transformer.disable_cache()
    assert moves == [("cuda", True), ("cpu", True)] * 2, "and the first block's output is forgotten"


def test_a_resumed_render_equals_one_that_forgot_at_the_same_checkpoint(pipeline):
    """And differs from one that went on remembering: that is why forgetting belongs to a checkpoint."""
    how, kept = changed(cache_threshold=1.0), {}

    with arrange(pipeline, how, CPU) as arrangement:

        def checkpoint(step: int, latents: torch.Tensor) -> None:
            if step == 0:
                kept["latents"] = latents.clone()
                arrangement.reset_caches()

        uninterrupted = denoised(pipeline, 4, on_step=checkpoint)
    with arrange(pipeline, how, CPU):
        resumed = denoised(pipeline, 4, latents=kept["latents"], start_step=1)
    assert torch.equal(resumed, uninterrupted)
    with arrange(pipeline, how, CPU):
        assert not torch.equal(denoised(pipeline, 4), uninterrupted)


def test_cache_streams_and_8_bits_go_together(pipeline, onloads):
    """No profile asks for all of these at once; a plan may."""
    plain = denoised(pipeline, 3)
    how = changed(placement="blocks", linears="int8", cache_threshold=1.0, attention="best", compiled=True)
    with arrange(pipeline, how, CPU) as arrangement:
        both = denoised(pipeline, 3)
        assert not arrangement.facts["skipped"].startswith("0")
    assert onloads
    with arrange(pipeline, changed(linears="int8", cache_threshold=1.0), CPU):
        assert torch.equal(denoised(pipeline, 3), both)
    assert torch.equal(denoised(pipeline, 3), plain)


def test_fp8_on_the_cpu_is_refused_and_nothing_stays_changed(pipeline, plain):
    with pytest.raises(RequestError, match="Device cpu") as refusal:
        arrange(pipeline, execution("fast", linears="fp8"), CPU).__enter__()
    assert refusal.value.code == "execution-unsupported"
    assert same(rendered(pipeline), plain) == [True] * 4
    processors = pipeline.transformer.attn_processors.values()
    assert all(isinstance(processor, CogVideoXAttnProcessor2_0) for processor in processors)


def test_a_card_gets_one_model_at_a_time_its_best_kernel_and_compiled_blocks(texts, hopper, monkeypatch):
    steps = DDIMScheduler()
    pipeline = VoidPipeline(*texts, tiny_vae(1), tiny_transformer(3).bfloat16(), steps)
    calls = []
    monkeypatch.setattr(pipeline, "enable_model_cpu_offload", lambda **how: calls.append(how))
    monkeypatch.setattr(module, "find_spec", lambda name: object() if name == "triton" else None)
    with arrange(pipeline, execution("resident"), hopper) as arrangement:
        facts = arrangement.facts
        assert all("forward" in vars(block) for block in pipeline.transformer.transformer_blocks)
    assert calls == [{"device": hopper}]
    assert facts == {
        "profile": "resident",
        "device": "NVIDIA H100",
        "torch": f"{torch.__version__}, cuDNN 91300",
        "attention": "own processor, backend _native_cudnn",
        "linears": "plain bfloat16",
        "compiled": "2 blocks",
        "cache": "no",
        "placement": "one model at a time on cuda",
        "tile": "whole pictures",
        "peak memory": "3.00 GiB of the device's",
    }
    assert not any("forward" in vars(block) for block in pipeline.transformer.transformer_blocks)


def test_a_card_without_triton_computes_uncompiled_and_says_so(pipeline, hopper, monkeypatch):
    monkeypatch.setattr(pipeline, "enable_model_cpu_offload", lambda **_how: None)
    monkeypatch.setattr(module, "find_spec", lambda _name: None)
    with arrange(pipeline, execution("resident"), hopper) as arrangement:
        assert arrangement.facts["compiled"] == "no, though planned: Triton is not installed"
        assert arrangement.facts["attention"].endswith("native"), "float32 is nothing for cuDNN's attention"


@pytest.mark.parametrize("off", ["variable", "setting"])
def test_where_compiling_is_switched_off_it_is_not_said_to_be_done(pipeline, hopper, monkeypatch, off):
    monkeypatch.setattr(pipeline, "enable_model_cpu_offload", lambda **_how: None)
    monkeypatch.setattr(module, "find_spec", lambda _name: object())
    if off == "variable":
        monkeypatch.setenv("TORCH_COMPILE_DISABLE", "1")
    else:
        monkeypatch.setattr(torch._dynamo.config, "disable", True)
    with arrange(pipeline, execution("resident"), hopper) as arrangement:
        assert arrangement.facts["compiled"].startswith("no, though planned: compiling is switched off")


def test_streaming_to_a_card_overlaps_and_pins_the_transformer_only(pipeline, hopper, monkeypatch):
    calls = {}
    monkeypatch.setattr(module, "apply_group_offloading", lambda model, **how: calls.update({model: how}))
    monkeypatch.setattr(pipeline.vae, "to", lambda *_args, **_kwargs: pipeline.vae)
    with arrange(pipeline, execution("small"), hopper) as arrangement:
        assert arrangement.facts["placement"] == "blocks one by one on cuda"
    transformer, text = calls[pipeline.transformer], calls[pipeline.text_encoder.encoder]
    assert transformer["use_stream"]
    assert text["use_stream"]
    assert (transformer["low_cpu_mem_usage"], text["low_cpu_mem_usage"]) == (False, True)
    assert transformer["num_blocks_per_group"] == 1
    assert not transformer.get("record_stream"), "freed at once: the device holds two blocks, not twenty"


def test_streamed_8_bit_blocks_are_not_compiled_and_it_is_said(pipeline, hopper, monkeypatch):
    """diffusers exchanges such weights in place, which PyTorch refuses where compiled code refers to them."""
    monkeypatch.setattr(module, "apply_group_offloading", lambda _model, **_how: None)
    monkeypatch.setattr(pipeline.vae, "to", lambda *_args, **_kwargs: pipeline.vae)
    monkeypatch.setattr(module, "find_spec", lambda _name: object())
    monkeypatch.setattr(module.linears, "_convert", lambda *_: None)
    how = changed(placement="blocks", linears="int8", compiled=True)
    with arrange(pipeline, how, hopper) as arrangement:
        assert arrangement.facts["compiled"] == "no, though planned: 8-bit blocks that are streamed cannot be"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*script_method.*:DeprecationWarning")
def test_compiled_8_bit_blocks_compute_nearly_the_same_and_can_be_moved(pipeline):
    """Moving is what offloading does; it must not cost another compilation."""
    with arrange(pipeline, changed(linears="int8", attention="best"), CPU):
        eager = denoised(pipeline)
        graphs = counters["stats"]["unique_graphs"] + 2
        with compiled_blocks(pipeline.transformer):
            compiled = denoised(pipeline)
            assert counters["stats"]["unique_graphs"] == graphs, (
                "one for the first block, whose inputs are cut from one tensor, one for the rest"
            )
            pipeline.transformer._apply(lambda tensor: tensor.clone())
            assert torch.equal(denoised(pipeline), compiled)
            assert counters["stats"]["unique_graphs"] == graphs
        assert torch.equal(denoised(pipeline), eager)
    assert float((compiled - eager).norm() / eager.norm()) < 1e-2


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("resident", "--execution small"),
        ("fast", "--execution small"),
        ("draft", "--execution small"),
        ("small", "--model-pixels"),
    ],
)
@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB."),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        MemoryError(),
    ],
    ids=["allocator", "driver", "cublas", "host"],
)
def test_running_out_of_memory_says_what_to_plan_instead(name, advice, error):
    with pytest.raises(RequestError, match=advice) as refusal, memory_errors(execution(name)):
        raise error
    assert refusal.value.code == "out-of-memory"
    assert name in refusal.value.message
    assert refusal.value.__cause__ is error


def test_the_cpus_allocator_is_understood():
    with pytest.raises(RequestError, match="not enough memory"), memory_errors(execution("resident")):
        torch.empty(2**47, dtype=torch.uint8)


@pytest.mark.parametrize(
    "error", [RuntimeError("CUDA error: an illegal memory access was encountered"), KeyError("memory")]
)
def test_other_errors_pass_as_they_are(error):
    with pytest.raises(type(error)) as passed, memory_errors(execution("resident")):
        raise error
    assert passed.value is error


def test_release_gives_the_networks_back():
    pipeline = VoidPipeline(None, None, tiny_vae(1), tiny_transformer(3), DDIMScheduler())
    kept = [weakref.ref(pipeline.transformer), weakref.ref(pipeline.vae)]
    with arrange(pipeline, execution("small"), CPU):
        denoised(pipeline, 1)
    release(pipeline)
    assert [reference() for reference in kept] == [None, None]
