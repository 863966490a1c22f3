"""Settings of the VOID engine: every knob that can change one of its pixels (spec/void sections 1 and 2)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from void_audit.model.base import Name, Value

NumericsName = Literal["reference", "corrected"]
ExecutionName = Literal["resident", "small", "fast", "draft"]
Linears = Literal["plain", "fp8", "int8"]
FlowName = Literal["raft", "dis"]

TRAINED_AREA = 384 * 672
"""Pixels of a frame that the published model was trained for."""

TRAINED_WINDOW, TRAINED_OVERLAP = 85, 16
"""Temporal windows of the published model, frames."""


class VoidNumerics(Value):
    """Which arithmetic. ``reference`` repeats the published code, faults and all; ``corrected`` mends them."""

    name: NumericsName
    mask_resize: Literal["area", "class-safe"]
    """How classes are brought to the model's size. ``area`` invents a rim of affected pixels."""
    augmentation_sigma: Annotated[float, Field(ge=0, le=1)] = 0.0563
    """Standard deviation of the noise added to the conditioning video, whose range is -1 to 1."""
    noise_dtype: Literal["compute", "float32"]
    """In which type the starting noise is drawn, always on the CPU."""
    latents_dtype: Literal["compute", "float32"]
    """In which type latents are kept between steps."""

    @model_validator(mode="after")
    def _is_what_its_name_says(self) -> VoidNumerics:
        mended = self.name == "corrected"
        knobs = (
            self.mask_resize == "class-safe",
            self.noise_dtype == "float32",
            self.latents_dtype == "float32",
        )
        if set(knobs) != {mended}:
            raise ValueError(f"these are not the numerics called {self.name!r}")
        return self


class VoidExecution(Value):
    """How it is computed. ``resident`` and ``small`` compute the same; ``fast`` and ``draft`` something near it."""

    name: ExecutionName
    placement: Literal["model", "blocks"]
    """One model at a time on the device, or its blocks streamed one by one."""
    linears: Linears
    """Arithmetic of the transformer's linear layers."""
    compiled: bool
    """Whether the transformer's blocks are compiled, which fuses norms and rotary embedding."""
    attention: Literal["stock", "best"]
    """The processor that diffusers brings, or our own with the device's best kernel (recorded which)."""
    tile: Annotated[int, Field(ge=0, multiple_of=16)]
    """Side of the VAE's tiles in pixels; 0 is the whole picture at once."""
    cache_threshold: Annotated[float, Field(ge=0, le=1)]
    """First-block cache: a step is skipped where the residual changed less than this part; 0 is no cache."""

    @model_validator(mode="after")
    def _is_what_its_name_says(self) -> VoidExecution:
        """Policy goes by the name, so a name must not cover what it does not stand for."""
        if (self.cache_threshold and self.name != "draft") or (
            self.linears != "plain" and self.name in {"resident", "small"}
        ):
            raise ValueError(f"profile {self.name!r} neither skips steps nor computes in 8 bits")
        return self


class VoidSettings(Value):
    """Pass 1: diffusion from noise, conditioned on the clip and the quadmask."""

    engine: Literal["void"] = "void"
    model: Name = "void"
    """Folder of the model store that holds its files."""
    steps: Annotated[int, Field(ge=1, le=1000)] = 30
    guidance_scale: Annotated[float, Field(ge=1, le=30)] = 1.0
    """Classifier-free guidance; 1 is none."""
    negative_prompt: Annotated[str, Field(max_length=2000)] = ""
    scheduler: Literal["DDIMScheduler", "CogVideoXDDIMScheduler"] = "DDIMScheduler"
    mask_levels: Literal[2, 3] = 3
    """3: remove, affected, keep. 2 takes the affected area for the object itself."""
    dtype: Literal["bfloat16", "float32"] = "bfloat16"
    numerics: VoidNumerics
    execution: VoidExecution
    checkpoint_every: Annotated[int, Field(ge=1, le=1000)] = 5
    """Steps between two saved states of the latents. Step caches start anew there, so it decides pixels, too."""


class VoidRefineSettings(VoidSettings):
    """Pass 2: the same diffusion from noise that moves with pass 1's pictures (arXiv 2501.08331)."""

    steps: Annotated[int, Field(ge=1, le=1000)] = 50
    guidance_scale: Annotated[float, Field(ge=1, le=30)] = 6.0
    scheduler: Literal["DDIMScheduler", "CogVideoXDDIMScheduler"] = "CogVideoXDDIMScheduler"
    flow: FlowName = "dis"
    """Optical flow: RAFT (needs torchvision and its weights), or OpenCV's DIS."""
    warp: Literal["reference", "aligned"]
    """Noise at a fixed 480x720x72 and stretched (standard deviation 0.66), or at the clip's own geometry."""
    fresh_noise: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of unmoved noise mixed in, at constant variance."""


REFERENCE = VoidNumerics(name="reference", mask_resize="area", noise_dtype="compute", latents_dtype="compute")
CORRECTED = VoidNumerics(
    name="corrected", mask_resize="class-safe", noise_dtype="float32", latents_dtype="float32"
)
NUMERICS: dict[NumericsName, VoidNumerics] = {"reference": REFERENCE, "corrected": CORRECTED}

DRAFT_STEPS = 12
"""Steps of both passes in profile ``draft``."""


def execution(name: ExecutionName, linears: Linears = "int8") -> VoidExecution:
    """The named profile. ``linears`` is what ``fast`` and ``draft`` use: fp8 needs a GPU that has it."""
    quick = name in {"fast", "draft"}
    return VoidExecution(
        name=name,
        placement="blocks" if name == "small" else "model",
        linears=linears if quick else "plain",
        compiled=name != "small",
        attention="best",
        tile=256 if name == "small" else 0,
        cache_threshold=0.1 if name == "draft" else 0.0,
    )


def void_pass1(numerics: NumericsName = "corrected", how: VoidExecution | None = None) -> VoidSettings:
    """Pass 1 with everything as the named numerics and profile (default ``resident``) have it."""
    how = how or execution("resident")
    steps = DRAFT_STEPS if how.name == "draft" else 30
    return VoidSettings(steps=steps, numerics=NUMERICS[numerics], execution=how)


def void_pass2(
    numerics: NumericsName = "corrected",
    how: VoidExecution | None = None,
    flow: FlowName = "dis",
) -> VoidRefineSettings:
    """Pass 2 likewise. The reference's pass 2 takes the affected area for the object; ``corrected`` does not."""
    how = how or execution("resident")
    return VoidRefineSettings(
        steps=DRAFT_STEPS if how.name == "draft" else 50,
        mask_levels=2 if numerics == "reference" else 3,
        numerics=NUMERICS[numerics],
        execution=how,
        flow=flow,
        warp="reference" if numerics == "reference" else "aligned",
    )
