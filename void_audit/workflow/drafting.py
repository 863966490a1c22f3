"""Drafts the ``EditPlan`` from the records and a person's choices."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from void_audit.canon import jcs
from void_audit.canon.hashing import sha256_hex
from void_audit.canon.mask import schema_digest
from void_audit.errors import MaskError, RequestError
from void_audit.model.engine import EngineInfo
from void_audit.model.geometry import Rect, Size
from void_audit.model.mask import ClassSequence, MaskClass
from void_audit.model.mask_schema import MaskSchema, Operation
from void_audit.model.plan import (
    CompositeSettings,
    DeemphasizeSettings,
    EditPlan,
    EncoderSettings,
    FlowRefineSettings,
    Geometry,
    NoRefineSettings,
    Pass1Settings,
    Pass2Settings,
    PropagateSettings,
    SchemaRef,
    SizeProfile,
    SuppliedSettings,
    Windows,
)
from void_audit.model.void import TRAINED_AREA, TRAINED_WINDOW, VoidRefineSettings, VoidSettings
from void_audit.pipeline.synthesize.base import Job
from void_audit.pipeline.synthesize.geometry import choose_geometry, model_geometry, reference_geometry
from void_audit.workflow.masking import engine_mask
from void_audit.workflow.material import recorded_request, source_clip, supplied_clip
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
    pass1: Pass1Settings | None = None
    """None: as the operation and the mask schema need (see ``suited``)."""
    pass2: Pass2Settings | None = None
    composite: CompositeSettings = field(default_factory=CompositeSettings)
    encoder: EncoderSettings = field(default_factory=EncoderSettings)


def suited(choices: Choices, schema: MaskSchema, operation: Operation, supplied: str | None) -> Choices:
    """The choices with engines that can do what is asked; ``supplied`` is the SHA-256 of a clip to be put in.

    Raises:
        RequestError: ``engine-schema`` if the engine that was chosen cannot.
    """
    needed = _needed(schema, operation, supplied)
    pass1 = choices.pass1 or needed or PropagateSettings()
    special = {"de-emphasize", "supplied"}
    if (needed.engine if needed else pass1.engine) != pass1.engine or (
        not needed and pass1.engine in special
    ):
        raise RequestError(
            "engine-schema",
            f"Engine {pass1.engine!r} cannot do what {operation!r} with mask schema {schema.name} asks for.",
            f"Leave `--engine` out, or use `{needed.engine if needed else 'propagate'}`.",
        )
    if isinstance(pass1, SuppliedSettings) and supplied:
        pass1 = SuppliedSettings(clip=supplied)
    plain = FlowRefineSettings() if not needed else NoRefineSettings()
    return replace(choices, pass1=pass1, pass2=choices.pass2 or plain)


def _needed(schema: MaskSchema, operation: Operation, supplied: str | None) -> Pass1Settings | None:
    """What alone can do it: pictures are put in, or something keeps its place and looks otherwise."""
    if operation == "replace":
        return SuppliedSettings(clip=supplied or "0" * 64)
    toned = any(c.change == "appearance" for c in schema.classes)
    return DeemphasizeSettings() if toned else None


def draft_plan(recorder: Recorder, choices: Choices) -> EditPlan:
    """Everything that decides the finished pixels. Deterministic in the records and the choices."""
    state, studio = recorder.state, recorder.studio
    if state.mask is None or state.intent is None or state.prompt is None:
        raise AssertionError("a plan before its mask")
    schema, supplied = state.mask.mask_schema, state.intent.supplied
    choices = suited(
        choices, schema, recorded_request(recorder).operation, supplied.sha256 if supplied else None
    )
    pass1, pass2 = _passes(choices)
    engine, refiner = engines_of(studio, choices, supplied_clip(recorder))
    source = source_clip(recorder).info
    check_length(choices, source.frames)
    opened = opened_box(engine_mask(recorder))
    return EditPlan(
        edit=recorder.edit,
        source=recorder.subject("source", "source"),
        request=state.intent.request.sha256,
        prompt=state.prompt.sha256,
        mask_schema=SchemaRef(name=schema.name, sha256=schema_digest(schema)),
        mask=state.mask.identity,
        engine=engine,
        refiner=refiner,
        profile=choices.profile,
        geometry=_geometry(opened, source.size, choices),
        windows=choices.windows,
        pass1=pass1,
        pass2=pass2,
        seed=str(choices.seed),
        composite=choices.composite,
        encoder=choices.encoder,
    )


def _passes(choices: Choices) -> tuple[Pass1Settings, Pass2Settings]:
    if choices.pass1 is None or choices.pass2 is None:
        raise AssertionError("choices that were not suited")
    return choices.pass1, choices.pass2


def engines_of(
    studio: Studio, choices: Choices, supplied: Path | None = None
) -> tuple[EngineInfo, EngineInfo]:
    """What makes pass 1 and pass 2; asked before long work, it says at once what is missing here.

    Raises:
        RequestError: ``profile-engine`` if the size profile is not one of theirs, ``engine-not-installed``.
        WeightsError: files of a model are missing or are others.
    """
    pass1, pass2 = _passes(choices)
    if ("void" in {pass1.engine, pass2.engine}) != (choices.profile == "model"):
        raise RequestError(
            "profile-engine",
            f"Size profile {choices.profile!r} does not go with engines {pass1.engine!r} and {pass2.engine!r}.",
            "A diffusion model works at size profile `model`; the others at `native` or `384p`.",
        )
    engine = studio.engines.synthesizer(pass1, Job(supplied=supplied)).info
    return engine, studio.engines.refiner(pass2, Job()).info


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
