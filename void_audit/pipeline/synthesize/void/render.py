"""One pass of the model over one clip: from its start, by way of states it can go on from, to pictures.

Every draw has its own seed, derived from the plan's: it can be made again alone, and none moves another.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from itertools import repeat
from typing import Literal, TypeVar

import torch

from void_audit.model.clip import Clip
from void_audit.model.engine import Progress
from void_audit.model.mask import ClassSequence
from void_audit.model.plan import EditPlan
from void_audit.model.void import VoidSettings
from void_audit.pipeline.synthesize.base import FrameSink, Job, TakeReport
from void_audit.pipeline.synthesize.void.arithmetic import computed_by, pinned
from void_audit.pipeline.synthesize.void.checkpoint import Checkpoints, State, state_key
from void_audit.pipeline.synthesize.void.codec import SPATIAL_COMPRESSION
from void_audit.pipeline.synthesize.void.conditions import conditioning
from void_audit.pipeline.synthesize.void.execution import Arrangement, arrange, memory_errors, release
from void_audit.pipeline.synthesize.void.loading import load_pipeline
from void_audit.pipeline.synthesize.void.motion import FlowProvider
from void_audit.pipeline.synthesize.void.noise import generator_for, normal, seed_for, tensor_digest
from void_audit.pipeline.synthesize.void.padding import latent_length, padded, padded_length
from void_audit.pipeline.synthesize.void.pictures import (
    finished_pictures,
    model_masks,
    model_pictures,
    padded_size,
    take_pictures,
)
from void_audit.pipeline.synthesize.void.pipeline import VoidPipeline
from void_audit.pipeline.synthesize.void.warp import warped_noise
from void_audit.pipeline.synthesize.void.windows import latent_windows
from void_audit.weights.folders import VerifiedFolder

T = TypeVar("T")

CHANNELS = 16
"""Of the VAE's latents."""

FLOW_PACKAGES = {"dis": "opencv-python-headless", "raft": "torchvision"}


@dataclass(frozen=True)
class Model:
    """The model of one pass, where it computes, and for whom."""

    number: Literal[1, 2]
    folder: VerifiedFolder
    settings: VoidSettings
    job: Job
    device: torch.device


class Render:
    """One pass over one clip. The caller has checked that mask, plan and clip belong together."""

    def __init__(
        self, model: Model, clip: Clip, mask: ClassSequence, plan: EditPlan, progress: Progress
    ) -> None:
        self._model, self._clip, self._mask, self._plan = model, clip, mask, plan
        self._progress, self._seed = progress, int(plan.seed)
        self._pass = f"pass {model.number}"
        self._numerics = model.settings.numerics
        self._dtype = torch.bfloat16 if model.settings.dtype == "bfloat16" else torch.float32
        self._size = padded_size(plan.geometry)
        self._frames = padded_length(len(mask), plan.windows.length)
        self._latents = latent_length(self._frames)
        self._warnings: list[str] = []
        self._windows = latent_windows(self._latents, plan.windows.length, plan.windows.overlap)

    def drawn(self) -> State:
        """The start of pass 1: plain noise."""
        height, width = self._size.height // SPATIAL_COMPRESSION, self._size.width // SPATIAL_COMPRESSION
        shape = (1, self._latents, CHANNELS, height, width)
        generator = generator_for(self._seed, self._purpose("latents"))
        return self._start(normal(shape, generator, self._in(self._numerics.noise_dtype)))

    def warped(
        self, take: Clip, flow: FlowProvider, geometry: Literal["reference", "aligned"], fresh: float
    ) -> State:
        """The start of pass 2: noise that moves with the take. Raises RequestError ``warp-length``."""
        noise = warped_noise(
            padded(take_pictures(take, self._plan.geometry), len(self._mask), self._frames),
            self._latents,
            self._size.height,
            self._size.width,
            flow,
            seed_for(self._seed, self._purpose("latents")),
            geometry=geometry,
            fresh=fresh,
            progress=self._told,
        )
        package = FLOW_PACKAGES[flow.name]
        told = {"flow": f"{flow.name} ({package} {version(package)})"}
        return self._start(noise.to(self._in(self._numerics.noise_dtype)), told)

    def make(self, sink: FrameSink, start: Callable[[], State], origin: Mapping[str, str]) -> TakeReport:
        """Write all pictures to ``sink``: from the latest state of this very run, else from ``start``.

        ``origin`` is what decides the start besides the plan. Raises as ``VoidSynthesizer.synthesize``.
        """
        conditions = computed_by(self._model.device, self._model.settings.execution)
        key = {**conditions, **origin, "pass": self._pass, "prompt": self._model.job.prompt}
        checkpoints = Checkpoints(
            self._model.job.checkpoints,
            f"void-pass-{self._model.number}",
            state_key({**key, "plan": self._plan.model_dump_json()}),
        )
        with pinned(self._model.device), memory_errors(self._model.settings.execution):
            state = checkpoints.latest() or start()
            if state.step == 0:
                checkpoints.save(state)
            done, seconds = self._computed(state, checkpoints, sink)
        return TakeReport(
            len(self._mask),
            self._statistics(state.step, seconds),
            (*checkpoints.warnings, *self._warnings),
            {**self._described(), **conditions, **state.facts, **done},
        )

    def _computed(
        self, state: State, checkpoints: Checkpoints, sink: FrameSink
    ) -> tuple[Mapping[str, str], float]:
        """What was done, and the seconds that the diffusion took."""
        model, settings = self._model, self._model.settings
        self._told("loading the model", 0, 1)
        pipeline = load_pipeline(model.folder, model.number, self._dtype, settings.scheduler)
        try:
            with arrange(pipeline, settings.execution, model.device) as arrangement:
                embeds = self._embeds(pipeline)
                conditions = self._conditions(pipeline)
                began = time.monotonic()
                latents = self._diffused(arrangement, state, conditions, embeds, checkpoints)
                seconds = time.monotonic() - began
                made = finished_pictures(pipeline.decode(latents, len(self._mask)), self._plan.geometry)
                for picture in self._counted("decoding", made, len(self._mask)):
                    sink(picture)
                return arrangement.facts, seconds
        finally:
            release(pipeline)

    def _embeds(self, pipeline: VoidPipeline) -> list[torch.Tensor]:
        """Of the prompt and, with guidance, of what it leads away from."""
        settings = self._model.settings
        prompts = [self._model.job.prompt]
        if pipeline.cuts(self._model.job.prompt):
            self._warnings.append("The prompt is longer than the model reads: its end had no effect.")
        if settings.guidance_scale > 1:
            prompts.append(settings.negative_prompt)
        return [pipeline.encode_prompt(p) for p in self._counted("reading the prompt", prompts, len(prompts))]

    def _conditions(self, pipeline: VoidPipeline) -> torch.Tensor:
        geometry, count = self._plan.geometry, len(self._mask)
        pictures = model_pictures(self._clip, geometry, self._numerics)
        masks = model_masks(self._mask, geometry, self._numerics)
        return pipeline.encode_conditions(
            self._counted("encoding the clip", pictures, count),
            self._counted("encoding the mask", masks, count),
            count,
            mask_levels=self._model.settings.mask_levels,
            sigma=self._numerics.augmentation_sigma,
            generator=generator_for(self._seed, self._purpose("augmentation")),
            window_frames=self._plan.windows.length,
        )

    def _diffused(
        self,
        arrangement: Arrangement,
        state: State,
        conditions: torch.Tensor,
        embeds: list[torch.Tensor],
        checkpoints: Checkpoints,
    ) -> torch.Tensor:
        settings, windows = self._model.settings, self._plan.windows

        def on_window(step: int, window: int, number: int) -> None:
            self._told("denoising", step * number + window + 1, settings.steps * number)

        def on_step(step: int, latents: torch.Tensor) -> None:
            if (step + 1) % settings.checkpoint_every == 0 or step + 1 == settings.steps:
                arrangement.reset_caches()
                checkpoints.save(State(step + 1, latents, state.facts))

        return arrangement.pipeline.denoise(
            state.latents,
            conditions,
            *embeds,
            steps=settings.steps,
            guidance_scale=settings.guidance_scale,
            window_frames=windows.length,
            overlap_frames=windows.overlap,
            start_step=state.step,
            on_step=on_step,
            on_window=on_window,
        )

    def _start(self, noise: torch.Tensor, told: Mapping[str, str] | None = None) -> State:
        facts = {
            **(told or {}),
            "noise initial": tensor_digest(noise),
            "noise deviation": f"{noise.float().std():.4f}",
        }
        if self._numerics.augmentation_sigma:
            facts["noise augmentation"] = self._augmentation_digest()
        return State(0, noise.to(self._in(self._numerics.latents_dtype)), facts)

    def _augmentation_digest(self) -> str:
        """SHA-256 of the noise on the clip, float32 (frame, channel, row, column).

        It is drawn once more to be named. On mid-grey, which is 0, noise of strength 1 is all that there is.
        """
        grey = repeat(torch.full((3, self._size.height, self._size.width), 0.5), self._frames)
        digest = hashlib.sha256()
        for noise in conditioning(grey, 1.0, generator_for(self._seed, self._purpose("augmentation"))):
            digest.update(noise.numpy().tobytes())
        return digest.hexdigest()

    def _described(self) -> dict[str, str]:
        return {
            "padded size": f"{self._size.width}x{self._size.height}",
            "padded frames": str(self._frames),
            **{
                f"seed {purpose}": str(seed_for(self._seed, self._purpose(purpose)))
                for purpose in ("latents", "augmentation")
            },
        }

    def _statistics(self, resumed: int, seconds: float) -> dict[str, float]:
        forwards = (self._model.settings.steps - resumed) * len(self._windows)
        return {
            "steps": self._model.settings.steps,
            "windows": len(self._windows),
            "latent_frames": self._latents,
            "resumed_from_step": resumed,
            "seconds_per_forward": seconds / forwards if forwards else 0.0,
        }

    def _purpose(self, what: str) -> str:
        return f"{self._pass} {what}"

    def _in(self, name: Literal["compute", "float32"]) -> torch.dtype:
        return torch.float32 if name == "float32" else self._dtype

    def _told(self, what: str, done: int, total: int) -> None:
        self._progress(f"{self._pass}: {what}", done, total)

    def _counted(self, what: str, items: Iterable[T], total: int) -> Iterator[T]:
        """The items, each reported before it is used."""
        for number, item in enumerate(items, 1):
            self._told(what, number, total)
            yield item
