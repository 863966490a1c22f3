"""Drafts the ``EditPlan`` from the records and a person's choices."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from void_audit.canon import jcs
from void_audit.canon.hashing import sha256_hex
from void_audit.errors import MaskError, RequestError
from void_audit.model.engine import EngineInfo
from void_audit.model.geometry import Rect, Size
from void_audit.model.mask import ClassSequence, MaskClass
from void_audit.model.plan import (
    CompositeSettings,
    EditPlan,
    EncoderSettings,
    FlowRefineSettings,
    Geometry,
    Pass1Settings,
    Pass2Settings,
    PropagateSettings,
    SizeProfile,
    Windows,
)
from void_audit.model.void import TRAINED_AREA, TRAINED_WINDOW, VoidRefineSettings, VoidSettings
from void_audit.pipeline.synthesize.base import Job
from void_audit.pipeline.synthesize.geometry import choose_geometry, model_geometry, reference_geometry
from void_audit.workflow.masking import source_clip, stored_mask
from void_audit.workflow.recorder import Recorder
from void_audit.workflow.studio import Studio


@dataclass(frozen=True)
class Choices:
    """What a person may choose of a plan; all of it ends up in the plan and nowhere else."""

    profile: SizeProfile = "native"
    model_area: int = TRAINED_AREA
    """Pixels at which a diffusion model works, with profile ``model``."""
    seed: int = 42
    windows: Windows = field(default_factory=Windows)
    pass1: Pass1Settings = field(default_factory=PropagateSettings)
    pass2: Pass2Settings = field(default_factory=FlowRefineSettings)
    composite: CompositeSettings = field(default_factory=CompositeSettings)
    encoder: EncoderSettings = field(default_factory=EncoderSettings)


def draft_plan(recorder: Recorder, choices: Choices) -> EditPlan:
    """Everything that decides the finished pixels. Deterministic in the records and the choices."""
    state, studio = recorder.state, recorder.studio
    if state.mask is None or state.intent is None:
        raise AssertionError("a plan before its mask")
    engine, refiner = engines_of(studio, choices)
    source = source_clip(recorder).info
    check_length(choices, source.frames)
    opened = opened_box(stored_mask(recorder))
    return EditPlan(
        edit=recorder.edit,
        source=recorder.subject("source", "source"),
        request=state.intent.request.sha256,
        mask=state.mask.identity,
        engine=engine,
        refiner=refiner,
        profile=choices.profile,
        geometry=_geometry(opened, source.size, choices),
        windows=choices.windows,
        pass1=choices.pass1,
        pass2=choices.pass2,
        seed=str(choices.seed),
        composite=choices.composite,
        encoder=choices.encoder,
    )


def engines_of(studio: Studio, choices: Choices) -> tuple[EngineInfo, EngineInfo]:
    """What makes pass 1 and pass 2; asked before long work, it says at once what is missing here.

    Raises:
        RequestError: ``profile-engine`` if the size profile is not one of theirs, ``engine-not-installed``.
        WeightsError: files of a model are missing or are others.
    """
    if ("void" in {choices.pass1.engine, choices.pass2.engine}) != (choices.profile == "model"):
        raise RequestError(
            "profile-engine",
            f"Size profile {choices.profile!r} does not go with engines {choices.pass1.engine!r} and "
            f"{choices.pass2.engine!r}.",
            "A diffusion model works at size profile `model`; the others at `native` or `384p`.",
        )
    engine = studio.engines.synthesizer(choices.pass1, Job()).info
    return engine, studio.engines.refiner(choices.pass2, Job()).info


def check_length(choices: Choices, frames: int) -> None:
    """Refuse what pass 2 could not make once pass 1 is made and the plan stands.

    Raises:
        RequestError: ``warp-length`` if the reference's noise is asked for more frames than it has.
    """
    pass2 = choices.pass2
    reference = isinstance(pass2, VoidRefineSettings) and pass2.warp == "reference"
    if reference and frames > TRAINED_WINDOW:
        raise RequestError(
            "warp-length",
            f"The reference's pass 2 works on at most {TRAINED_WINDOW} frames, and here are {frames}.",
            "Plan with `--numerics corrected`, or without a second pass: `--refiner none`.",
        )


def _geometry(opened: Rect, source: Size, choices: Choices) -> Geometry:
    """Where and at which size both passes work."""
    models = [p for p in (choices.pass1, choices.pass2) if isinstance(p, VoidSettings)]
    if choices.profile != "model":
        return choose_geometry(opened, source, choices.profile)
    if any(m.numerics.name == "reference" for m in models):
        return reference_geometry(source)
    return model_geometry(opened, source, choices.model_area)


def plan_digest(plan: EditPlan) -> str:
    """SHA-256 of the plan's RFC 8785 bytes: what people approve."""
    return sha256_hex(jcs.canonical(plan.model_dump(mode="json")))


def opened_box(mask: ClassSequence) -> Rect:
    """Bounding box of everything that is not KEEP on any frame.

    Raises:
        MaskError: ``mask-empty`` if there is nothing.
    """
    rows = np.zeros(mask.size.height, bool)
    columns = np.zeros(mask.size.width, bool)
    for classes in mask.classes():
        opened = classes != MaskClass.KEEP
        rows |= opened.any(axis=1)
        columns |= opened.any(axis=0)
    if not rows.any():
        raise MaskError("mask-empty", "The mask opens no pixel on any frame.", "Mark what is to be removed.")
    top, bottom = np.flatnonzero(rows)[[0, -1]]
    left, right = np.flatnonzero(columns)[[0, -1]]
    return Rect(x=int(left), y=int(top), width=int(right - left) + 1, height=int(bottom - top) + 1)
