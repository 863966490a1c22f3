"""A small clip with its mask, the tiny VOID model, and plans for both passes."""

from __future__ import annotations

from pathlib import Path

from synthetic_footage import Scene, make_plan, scene
from tiny_void import write_tiny_model

from void_audit.model.geometry import Rect, Size
from void_audit.model.plan import EditPlan, Windows
from void_audit.model.void import NUMERICS, VoidExecution, VoidRefineSettings, VoidSettings
from void_audit.weights.folders import VerifiedFolder, scan, verified
from void_audit.weights.registry import ModelFolder

PROMPT = "A lime falls on the table."
EXECUTION = VoidExecution(
    name="resident",
    placement="model",
    linears="plain",
    compiled=False,
    attention="best",
    tile=0,
    cache_threshold=0.0,
)
WINDOWS = Windows(length=13, overlap=8)
SIZE = Size(48, 32)


def tiny_folder(root: Path, *, dynamics: bool = True, seed: int = 0) -> VerifiedFolder:
    """The tiny model in ``root``, registered as it is."""
    write_tiny_model(root, seed)
    words = {"purpose": "random numbers for tests", "licence": "CC0-1.0", "origin": "made here"}
    return verified(root, ModelFolder(name="void", dynamics=dynamics, file=scan(root), **words))


def footage(frames: int = 5, size: Size = SIZE) -> Scene:
    """Something passes over a texture."""
    return scene(frames, lambda index: (12 + 3 * index % 24, 16), radius=6, size=tuple(size))


def settings(kind=VoidSettings, numerics="corrected", execution=EXECUTION, **changes) -> VoidSettings:
    defaults = {"steps": 2, "dtype": "float32", "checkpoint_every": 1}
    if kind is VoidRefineSettings:
        defaults |= {"warp": "aligned", "guidance_scale": 3.0}
    return kind(numerics=NUMERICS[numerics], execution=execution, **(defaults | changes))


def plan_for(
    given: VoidSettings,
    size: Size = SIZE,
    crop: Rect | None = None,
    scaled: Size | None = None,
    windows: Windows = WINDOWS,
    seed: int = 7,
) -> EditPlan:
    """A plan whose pass 1, or pass 2, has the settings given."""
    name = "pass2" if isinstance(given, VoidRefineSettings) else "pass1"
    plan = make_plan(size=size, crop=crop, scaled=scaled, windows=windows, seed=seed)
    return plan.model_copy(update={name: given})
