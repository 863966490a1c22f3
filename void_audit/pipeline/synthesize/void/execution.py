"""How a plan is computed on this device: what a profile asks for, what was done, and all of it undone.

What would give other pixels than the plan promises is refused; what only takes longer is said in ``facts``.
"""

from __future__ import annotations

import gc
import os
import resource
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import wraps
from importlib import metadata
from importlib.util import find_spec
from typing import Any

import torch
from diffusers.hooks.first_block_cache import FirstBlockCacheConfig
from diffusers.hooks.group_offloading import apply_group_offloading
from diffusers.hooks.hooks import HookRegistry
from diffusers.models.transformers.cogvideox_transformer_3d import CogVideoXTransformer3DModel
from torch.utils._pytree import tree_map_only

from void_audit.errors import RequestError
from void_audit.model.void import VoidExecution
from void_audit.pipeline.synthesize.void import attention, linears
from void_audit.pipeline.synthesize.void.pipeline import VoidPipeline

OFFLOADING_HOOKS = ("group_offloading", "layer_execution_tracker", "lazy_prefetch_group_offloading")
"""diffusers' names of what ``apply_group_offloading`` hangs into a model; it has no call that takes them out."""

CACHE_HOOK = "fbc_leader_block_hook"
"""diffusers' name of the hook that holds what its first-block cache remembers."""

OUT_OF_MEMORY = ("can't allocate memory", "out of memory", "ALLOC_FAILED")
"""What errors without a class of their own say: of the CPU's allocator, of CUDA, of its libraries."""

GIB = 2**30


@dataclass
class Counter:
    """Counts calls."""

    calls: int = 0

    def counted(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, each of whose calls is counted."""

        @wraps(function)
        def call(*args: object, **kwargs: object) -> object:
            self.calls += 1
            return function(*args, **kwargs)

        return call


@dataclass
class Arrangement:
    """A pipeline that is ready to compute as its plan says."""

    pipeline: VoidPipeline
    device: torch.device
    done: dict[str, str] = field(default_factory=dict)
    first: Counter = field(default_factory=Counter)
    """Forwards of the transformer's first block, which the step cache always computes."""
    second: Counter = field(default_factory=Counter)
    """Forwards of its second block: those of the first that were not answered from the cache."""

    @property
    def facts(self) -> Mapping[str, str]:
        """What was done, in words; where it is not what the plan asked for, why. Outcomes: so far."""
        facts = {**self.done, "peak memory": self._peak()}
        if self.first.calls:
            skipped = self.first.calls - self.second.calls
            facts["skipped"] = f"{skipped} of {self.first.calls} forwards, answered from the step cache"
        return facts

    def reset_caches(self) -> None:
        """Forget earlier steps, as at the start: done at each checkpoint, what is resumed has equal pixels."""
        self.pipeline.transformer._reset_stateful_cache()

    def _peak(self) -> str:
        if self.device.type == "cuda":
            return f"{torch.cuda.max_memory_allocated(self.device) / GIB:.2f} GiB of the device's"
        unit = 1 if sys.platform == "darwin" else 1024
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
        return f"{peak / GIB:.2f} GiB of the process"


@contextmanager
def arrange(pipeline: VoidPipeline, execution: VoidExecution, device: torch.device) -> Iterator[Arrangement]:
    """Make the pipeline compute as ``execution`` says on ``device``; afterwards it is as before, on the CPU.

    Args:
        pipeline: on the CPU.
        execution: of the plan.
        device: the CPU or an accelerator.

    Raises:
        RequestError: ``execution-unsupported`` if the device cannot compute what the plan promises.
    """
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    arrangement = Arrangement(pipeline, device)
    done = arrangement.done
    done |= {"profile": execution.name, "device": linears.device_name(device), "torch": _torch(device)}
    with ExitStack() as stack:
        done["attention"] = stack.enter_context(_attention(pipeline, execution, device))
        done["linears"] = stack.enter_context(_linears(pipeline, execution, device))
        done["compiled"] = stack.enter_context(_compiled(pipeline, execution, device))
        done["cache"] = stack.enter_context(_cache(arrangement, execution))
        done["placement"] = stack.enter_context(_placement(pipeline, execution, device))
        done["tile"] = stack.enter_context(_tiles(pipeline, execution))
        yield arrangement


@contextmanager
def memory_errors(execution: VoidExecution) -> Iterator[None]:
    """Say what to plan instead when memory runs out inside.

    Raises:
        RequestError: ``out-of-memory``.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        known = isinstance(error, MemoryError | torch.OutOfMemoryError)
        if not known and not any(said in str(error) for said in OUT_OF_MEMORY):
            raise
        raise RequestError(
            "out-of-memory",
            f"There is not enough memory for profile {execution.name}.",
            "Plan again with fewer `--model-pixels`."
            if execution.name == "small"
            else "Plan again with `--execution small`.",
        ) from error


def release(pipeline: VoidPipeline) -> None:
    """Give the memory of the pipeline's networks back. It has none afterwards."""
    pipeline.remove_all_hooks()  # type: ignore[no-untyped-call]
    for name, part in pipeline.components.items():
        if isinstance(part, torch.nn.Module):
            setattr(pipeline, name, None)
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _torch(device: torch.device) -> str:
    if device.type != "cuda":
        return torch.__version__
    return f"{torch.__version__}, cuDNN {torch.backends.cudnn.version()}"  # type: ignore[no-untyped-call]


@contextmanager
def _attention(pipeline: VoidPipeline, execution: VoidExecution, device: torch.device) -> Iterator[str]:
    if execution.attention == "stock":
        yield "diffusers' own processor"
        return
    backend = attention.best_backend(device, pipeline.transformer.dtype)
    with attention.installed(pipeline.transformer, backend):
        yield f"own processor, backend {backend}"


@contextmanager
def _linears(pipeline: VoidPipeline, execution: VoidExecution, device: torch.device) -> Iterator[str]:
    before = linears.stored_bytes(pipeline.transformer)
    with linears.quantised(pipeline.transformer, execution.linears, device) as names:
        if not names:
            yield f"plain {str(pipeline.transformer.dtype).removeprefix('torch.')}"
            return
        share = linears.stored_bytes(pipeline.transformer) / before
        maker = f"torchao {metadata.version('torchao')}"
        yield f"{execution.linears} in {len(names)} layers, {share:.0%} of the transformer's bytes, {maker}"


@contextmanager
def _compiled(pipeline: VoidPipeline, execution: VoidExecution, device: torch.device) -> Iterator[str]:
    if not execution.compiled:
        yield "no"
    elif device.type != "cuda":
        yield f"no, though planned: on {device.type} it is not done"
    elif execution.placement == "blocks" and execution.linears != "plain":
        yield "no, though planned: 8-bit blocks that are streamed cannot be"
    elif not find_spec("triton"):
        yield "no, though planned: Triton is not installed"
    elif torch._dynamo.config.disable or os.environ.get("TORCH_COMPILE_DISABLE") == "1":
        yield "no, though planned: compiling is switched off in the environment"
    else:
        with compiled_blocks(pipeline.transformer):
            yield f"{len(pipeline.transformer.transformer_blocks)} blocks"


@contextmanager
def compiled_blocks(transformer: CogVideoXTransformer3DModel) -> Iterator[None]:
    """Compile what each block computes, for the shapes that it meets; hooks stay outside and uncompiled.

    Blocks share their code: about two compilations for each shape, not one for each of 42 blocks.
    """
    blocks = list(transformer.transformer_blocks)
    for block in blocks:
        block.forward = torch.compile(block.forward, fullgraph=True, dynamic=False)
    try:
        with warnings.catch_warnings():
            # torchao's weights keep compiled code out of the cache on disk: nothing that anybody can change
            warnings.filterwarnings("ignore", message=r"\w+ does not implement _stable_hash_for_caching")
            yield
    finally:
        for block in blocks:
            del block.forward
        torch.compiler.reset()  # its limit of shapes is one for the whole process


@contextmanager
def _cache(arrangement: Arrangement, execution: VoidExecution) -> Iterator[str]:
    if not execution.cache_threshold:
        yield "no"
        return
    transformer = arrangement.pipeline.transformer
    blocks = transformer.transformer_blocks[:2]
    forwards = [block.forward for block in blocks]
    counters = (arrangement.first, arrangement.second)
    for block, counter, forward in zip(blocks, counters, forwards, strict=True):
        block.forward = counter.counted(forward)
    transformer.enable_cache(FirstBlockCacheConfig(threshold=execution.cache_threshold))
    _park_states(transformer, arrangement.device)
    try:
        yield f"first block, threshold {execution.cache_threshold:g}"
    finally:
        del transformer.cache_context
        transformer.disable_cache()
        for block, forward in zip(blocks, forwards, strict=True):
            block.forward = forward


def _park_states(transformer: CogVideoXTransformer3DModel, device: torch.device) -> None:
    """What the step cache remembers of a window waits on the CPU while other windows are computed.

    diffusers keeps it on the device, so that memory there would grow with the clip; the first block's output it
    keeps, too, although nothing reads it again.
    """
    leader = HookRegistry.check_if_exists_or_initialize(transformer.transformer_blocks[0])
    states = leader.get_hook(CACHE_HOOK).state_manager  # type: ignore[union-attr]
    enter = transformer.cache_context

    @contextmanager
    def visit(name: str, **place: Any) -> Iterator[None]:  # noqa: ANN401
        with enter(name, **place):
            state = states.get_state()
            _move_state(state, device)
            yield
            state.head_block_output = None
            _move_state(state, torch.device("cpu"))

    transformer.cache_context = visit  # type: ignore[method-assign]


def _move_state(state: Any, device: torch.device) -> None:  # noqa: ANN401
    for name in ("head_block_residual", "tail_block_residuals"):
        setattr(state, name, tree_map_only(torch.Tensor, lambda kept: kept.to(device), getattr(state, name)))


@contextmanager
def _placement(pipeline: VoidPipeline, execution: VoidExecution, device: torch.device) -> Iterator[str]:
    try:
        if execution.placement == "blocks":
            _stream_blocks(pipeline, device)
            yield f"blocks one by one on {device.type}"
        elif device.type == "cpu":
            yield "all on the CPU"
        else:
            pipeline.enable_model_cpu_offload(device=device)
            yield f"one model at a time on {device.type}"
    finally:
        pipeline.remove_all_hooks()  # type: ignore[no-untyped-call]
        for model in _streamed(pipeline):
            for name in OFFLOADING_HOOKS:
                HookRegistry.check_if_exists_or_initialize(model).remove_hook(name, recurse=True)
        pipeline.to("cpu", silence_dtype_warnings=True)


def _stream_blocks(pipeline: VoidPipeline, device: torch.device) -> None:
    """Hang hooks in that fetch each block before it computes, while the one before it still does.

    The transformer's blocks wait in pinned memory. The text encoder, called once or twice, is pinned as it goes,
    which leaves its weights mapped from their file. The VAE is small beside what it computes: it stays.
    """
    streams = device.type == "cuda"
    for model in _streamed(pipeline):
        apply_group_offloading(
            model,
            onload_device=device,
            offload_device=torch.device("cpu"),
            offload_type="block_level",
            num_blocks_per_group=1,
            use_stream=streams,
            low_cpu_mem_usage=streams and model is not pipeline.transformer,
        )
    pipeline.vae.to(device)


def _streamed(pipeline: VoidPipeline) -> list[torch.nn.Module]:
    """The models whose children are blocks. T5's blocks are one level down; without T5, prompts are embedded."""
    return [pipeline.transformer, *([pipeline.text_encoder.encoder] if pipeline.text_encoder else [])]


@contextmanager
def _tiles(pipeline: VoidPipeline, execution: VoidExecution) -> Iterator[str]:
    pipeline.enable_vae_tiling(execution.tile)
    try:
        yield f"{execution.tile} pixels" if execution.tile else "whole pictures"
    finally:
        pipeline.enable_vae_tiling(0)
