"""Both passes of a clip by every execution profile, through the engine's own ``arrange``.

Stock eager is the same loop with diffusers' own processor, modules and PyTorch's settings as they come, one model at
a time on the device: the reference's arithmetic without its waste (it also builds rotary tables at every step, loads
each pass's weights twice and runs the flow in another process). Loading and flow are not part of any figure.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Literal

import torch

from benchmarks.void.forwards import CHECK, forward_operations
from benchmarks.void.sizes import Scale, clip, random_pipeline, scheduler, transformer_inputs
from benchmarks.void.timing import Row, kept_apart, peak, psnr, relative_error
from void_audit.model.void import VoidExecution, VoidSettings, execution, void_pass1, void_pass2
from void_audit.pipeline.synthesize.void.arithmetic import pinned
from void_audit.pipeline.synthesize.void.execution import Arrangement, arrange, release
from void_audit.pipeline.synthesize.void.noise import generator_for, normal
from void_audit.pipeline.synthesize.void.pipeline import VoidPipeline

STOCK = execution("resident").model_copy(update={"compiled": False, "attention": "stock"})
PROFILES: dict[str, VoidExecution] = {
    "stock": STOCK,
    "resident": execution("resident"),
    "small": execution("small"),
    "fast int8": execution("fast", "int8"),
    "fast fp8": execution("fast", "fp8"),
    "draft int8": execution("draft", "int8"),
    "draft fp8": execution("draft", "fp8"),
    "stock again": STOCK,
}
LEAST = 3
"""Steps that are measured even when the time is up."""


class Enough(Exception):
    """Stops a diffusion of which enough was measured."""


@dataclass
class Taken:
    """Seconds of one pass."""

    text: float = 0.0
    encode: float = 0.0
    first_step: float = 0.0
    """With compilation and whatever else happens once; not part of ``total``."""
    steps: list[float] = field(default_factory=list)
    wanted: int = 0
    decode: float = 0.0
    pictures: torch.Tensor | None = None
    """What was made, uint8 on the CPU; None if not all steps were run."""

    @property
    def diffusion(self) -> float:
        """All steps: measured, or the median of those that were times their number."""
        if len(self.steps) == self.wanted:
            return sum(self.steps)
        return statistics.median(self.steps) * self.wanted

    @property
    def total(self) -> float:
        """The whole pass once it is warm."""
        return self.text + self.encode + self.diffusion + self.decode


def measure(
    scale: Scale, device: torch.device, ceiling: float, names: list[str], minutes: float | None
) -> Iterator[Row]:
    """A row for each named profile. ``minutes`` is for the diffusion of all; what is cut off is multiplied."""
    each = None if minutes is None else 60 * minutes / len(names) / 2
    work = forward_operations(scale, 1)
    pipeline: VoidPipeline | None = None
    results: dict[str, tuple[torch.Tensor, list[Taken]]] = {}
    for name in names:
        row: Row = {"profile": name}
        with kept_apart(row, device):
            pipeline = pipeline or _warm_pipeline(scale, device)
            forward, passes = _profile(pipeline, scale, device, PROFILES[name], each, row)
            results[name] = forward, passes
            row |= _figures(passes, work, ceiling)
            row |= _against(results.get("stock"), forward, passes)
        if "failed" in row and pipeline is not None:
            release(pipeline)
            pipeline = None
        yield row


def _warm_pipeline(scale: Scale, device: torch.device) -> VoidPipeline:
    """All components, and libraries that start with the first call started."""
    pipeline = random_pipeline(scale, device)
    with arrange(pipeline, STOCK, device) as arrangement:
        _one_pass(arrangement, scale, void_pass1(how=STOCK), 1, limit=0)
    return pipeline


def _profile(
    pipeline: VoidPipeline,
    scale: Scale,
    device: torch.device,
    how: VoidExecution,
    limit: float | None,
    row: Row,
) -> tuple[torch.Tensor, list[Taken]]:
    """One forward of it, and both passes."""
    settings = nullcontext() if how is STOCK else pinned(device)
    with settings, arrange(pipeline, how, device) as arrangement:
        passes = [
            _one_pass(arrangement, scale, settings, number, limit)
            for number, settings in ((1, void_pass1(how=how)), (2, void_pass2(how=how)))
        ]
        row |= {"peak": peak(device), "facts": dict(arrangement.facts)}
        return _forward(arrangement, scale), passes


def _one_pass(
    arrangement: Arrangement,
    scale: Scale,
    settings: VoidSettings,
    number: Literal[1, 2],
    limit: float | None,
) -> Taken:
    """Text, clip and mask in; pictures out; timed by the host's clock, since each ends with data on the CPU."""
    pipeline, taken = arrangement.pipeline, Taken(wanted=scale.steps or settings.steps)
    pipeline.register_modules(scheduler=scheduler(settings.scheduler))
    pictures, masks = clip(scale)

    start = time.perf_counter()
    prompts = ["A room."] if settings.guidance_scale <= 1 else ["A room.", ""]
    embeds = [pipeline.encode_prompt(prompt) for prompt in prompts]
    taken.text = _lap(start)

    start = time.perf_counter()
    conditions = pipeline.encode_conditions(
        pictures, masks, scale.frames, mask_levels=settings.mask_levels,
        generator=generator_for(number, "augmentation"), window_frames=scale.frames,
    )  # fmt: skip
    taken.encode = _lap(start)

    shape = (1, scale.latents, 16, scale.height // 8, scale.width // 8)
    latents = normal(shape, generator_for(number, "latents"))

    def diffused(clock: Clock) -> torch.Tensor | None:
        arrangement.reset_caches()
        try:
            return pipeline.denoise(
                latents, conditions, *embeds, steps=taken.wanted, guidance_scale=settings.guidance_scale,
                window_frames=scale.frames, overlap_frames=0, on_step=clock.on_step,
            )  # fmt: skip
        except Enough:
            return None

    first = Clock(arrangement, settings.checkpoint_every, at_most=1)
    diffused(first)
    [taken.first_step] = first.steps
    clock = Clock(arrangement, settings.checkpoint_every, limit=limit)
    result = diffused(clock)
    taken.steps = clock.steps

    start = time.perf_counter()
    made = pipeline.decode(clock.latents, scale.frames)
    decoded = torch.stack([(255 * picture).round().byte() for picture in made])
    taken.decode = _lap(start)
    taken.pictures = None if result is None else decoded
    return taken


class Clock:
    """Takes the time of each step, clears step caches where a render would, and stops when it is enough."""

    def __init__(
        self, arrangement: Arrangement, every: int, limit: float | None = None, at_most: int | None = None
    ) -> None:
        self._arrangement, self._every, self._limit, self._at_most = arrangement, every, limit, at_most
        self._last = time.perf_counter()
        self.steps: list[float] = []
        self.latents = torch.empty(0)

    def on_step(self, step: int, latents: torch.Tensor) -> None:
        """Called by the diffusion after each step."""
        self.steps.append(time.perf_counter() - self._last)
        self.latents = latents
        if (step + 1) % self._every == 0:
            self._arrangement.reset_caches()
        if len(self.steps) == self._at_most or self._over():
            raise Enough
        self._last = time.perf_counter()

    def _over(self) -> bool:
        return self._limit is not None and len(self.steps) >= LEAST and sum(self.steps) >= self._limit


def _lap(start: float) -> float:
    return time.perf_counter() - start


def _forward(arrangement: Arrangement, scale: Scale) -> torch.Tensor:
    """The profile's output on the inputs that all are compared on."""
    transformer = arrangement.pipeline.transformer
    arrangement.reset_caches()
    context = transformer.cache_context("check") if transformer.is_cache_enabled else nullcontext()
    with context, torch.no_grad():
        inputs = transformer_inputs(scale, 1, arrangement.device, CHECK)
        output: torch.Tensor = transformer(**inputs, return_dict=False)[0]
    return output.cpu()


def _figures(passes: list[Taken], work: int, ceiling: float) -> Row:
    """Seconds; and the rate that the forwards' operations would need, had none been skipped."""
    forwards = sum(taken.wanted * number for number, taken in enumerate(passes, 1))
    rate = forwards * work / sum(taken.diffusion for taken in passes) / 1e12
    row: Row = {"seconds": sum(taken.total for taken in passes), "tflops": rate, "of ceiling": rate / ceiling}
    row["measured"] = [f"{len(taken.steps)}/{taken.wanted}" for taken in passes]
    for number, taken in enumerate(passes, 1):
        row[f"pass {number}"] = {
            "total": taken.total, "text": taken.text, "encode": taken.encode, "diffusion": taken.diffusion,
            "decode": taken.decode, "first step": taken.first_step,
            "step": statistics.median(taken.steps), "step spread": _spread(taken.steps),
        }  # fmt: skip
    return row


def _spread(steps: list[float]) -> float:
    """Largest less smallest, as a part of the median."""
    return (max(steps) - min(steps)) / statistics.median(steps)


def _against(
    stock: tuple[torch.Tensor, list[Taken]] | None, forward: torch.Tensor, passes: list[Taken]
) -> Row:
    if stock is None:
        return {}
    output, theirs = stock
    row: Row = {
        "against stock": sum(t.total for t in theirs) / sum(t.total for t in passes),
        "error to stock": relative_error(forward, output),
        "psnr to stock": psnr(forward, output),
    }
    for number, (taken, other) in enumerate(zip(passes, theirs, strict=True), 1):
        if taken.pictures is not None and other.pictures is not None:
            row[f"psnr of pass {number}"] = psnr(taken.pictures, other.pictures, 255)
    return row


def aims(rows: list[Row]) -> Iterator[tuple[str, str]]:
    """Each aim, and whether the rows meet it, with the figure; ``not measured`` where a row is missing."""
    known = {row["profile"]: row for row in rows if "failed" not in row}
    fast = [name for name in known if name.startswith("fast")]
    quick = max(fast, key=lambda name: known[name].get("against stock", 0), default="fast")
    yield "resident at least 1.7 times stock", _judged(known.get("resident"), "against stock", at_least=1.7)
    yield "resident at most 12 GiB", _judged(known.get("resident"), "peak", at_most=12)
    yield f"{quick} at least 3 times stock", _judged(known.get(quick), "against stock", at_least=3)
    yield "small at most 5 GiB", _judged(known.get("small"), "peak", at_most=5)
    both = {"small", "resident"} <= known.keys()
    ratio = {"ratio": known["small"]["seconds"] / known["resident"]["seconds"]} if both else None
    yield "small at most 1.1 times resident's time", _judged(ratio, "ratio", at_most=1.1)


def _judged(row: Row | None, key: str, *, at_least: float = 0.0, at_most: float = float("inf")) -> str:
    figure = (row or {}).get(key)
    if figure is None:
        return "not measured"
    return f"{'met' if at_least <= figure <= at_most else 'MISSED'} ({figure:.2f})"
