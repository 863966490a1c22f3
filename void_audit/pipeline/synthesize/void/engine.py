"""VOID behind the interfaces of pass 1 and pass 2: clip, mask and plan in, pictures of the plan's geometry out.

Both passes are the same diffusion with other weights and another start: pass 1 starts from noise, pass 2 from
noise that moves with the pictures of pass 1.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import version

import torch

import void_audit
from void_audit.errors import OrderError, RequestError
from void_audit.model.clip import Clip
from void_audit.model.engine import EngineInfo, Progress, WeightsRef, no_progress
from void_audit.model.mask import ClassSequence
from void_audit.model.plan import EditPlan, Windows
from void_audit.model.void import VoidRefineSettings, VoidSettings
from void_audit.pipeline.synthesize.base import FrameSink, Job, TakeReport, settings_of
from void_audit.pipeline.synthesize.footage import check_mask, check_take
from void_audit.pipeline.synthesize.void.loading import refs_of_pass
from void_audit.pipeline.synthesize.void.motion import provider
from void_audit.pipeline.synthesize.void.render import Model, Render
from void_audit.weights.folders import VerifiedFolder

RAFT = "raft_large.safetensors"
LIBRARIES = ("torch", "diffusers", "transformers")

SYNTHESIZES = (
    "Video diffusion: makes the clip anew without the object, from the clip, the quadmask and a description of "
    "the scene. Only what it makes of opened pixels is used."
)
REFINES = (
    "Video diffusion as in pass 1, started from noise that moves with the pictures of pass 1, so that shapes "
    "hold together. It is not asked to move anything that pass 1 did not move."
)


class VoidSynthesizer:
    """Implements ``base.Synthesizer``.

    Args:
        folder: the model's files, verified.
        settings: of pass 1; the plan must have the same.
        job: the prompt, and where states are kept.
        device: torch's name of it; default a CUDA device if there is one, else the CPU.
    """

    def __init__(
        self, folder: VerifiedFolder, settings: VoidSettings, job: Job, device: str | None = None
    ) -> None:
        self._model = Model(1, folder, settings, job, _device(device))

    @property
    def info(self) -> EngineInfo:
        """What this engine is. Whether it is a world model is for those to say who registered its weights."""
        folder = self._model.folder
        return _info(folder, SYNTHESIZES, refs_of_pass(folder, 1), folder.dynamics)

    def synthesize(
        self,
        clip: Clip,
        mask: ClassSequence,
        plan: EditPlan,
        sink: FrameSink,
        progress: Progress = no_progress,
    ) -> TakeReport:
        """Write one picture of ``plan.geometry`` per frame; a killed run goes on from its latest state.

        The report's ``execution`` names what computed it, seeds and digests of the noise drawn. Statistics:
        ``steps``, ``windows``, ``latent_frames``, ``resumed_from_step`` and ``seconds_per_forward``.

        Raises:
            MaskError: ``mask-size``, ``mask-frames``.
            RequestError: ``windows-void``, ``execution-unsupported``, ``out-of-memory``.
            OrderError: ``engine-mismatch`` if the plan is for other settings.
            WeightsError: the folder does not hold VOID.
            Cancelled: if ``progress`` does; the latest state is kept.
        """
        _check(clip, mask, plan, self._model.settings, settings_of(plan.pass1, VoidSettings))
        render = Render(self._model, clip, mask, plan, progress)
        return render.make(sink, render.drawn, {})


class VoidRefiner:
    """Implements ``base.Refiner``. Arguments as ``VoidSynthesizer``."""

    def __init__(
        self, folder: VerifiedFolder, settings: VoidRefineSettings, job: Job, device: str | None = None
    ) -> None:
        self._model = Model(2, folder, settings, job, _device(device))
        self._settings = settings

    @property
    def info(self) -> EngineInfo:
        """What this engine is. Raises WeightsError if it is to use RAFT, whose weights are not registered."""
        folder, raft = self._model.folder, self._settings.flow == "raft"
        if raft:
            folder.path(RAFT)  # said when it is planned: after pass 1 the plan stands
        flow = [ref for ref, path in zip(folder.refs, folder.paths, strict=True) if raft and path == RAFT]
        refs = (*refs_of_pass(folder, 2), *flow)
        return _info(folder, REFINES, refs, dynamics=False)

    def refine(
        self,
        clip: Clip,
        take: Clip,
        mask: ClassSequence,
        plan: EditPlan,
        sink: FrameSink,
        progress: Progress = no_progress,
    ) -> TakeReport:
        """Write one picture of ``plan.geometry`` per frame, as ``VoidSynthesizer.synthesize`` does.

        Raises, besides what that raises:
            ClipError: ``take-size``, ``take-frames`` if the take is not of this plan and clip.
            RequestError: ``warp-length`` (reference noise for more than 85 frames), ``flow-unavailable``.
            WeightsError: RAFT's are missing or are another's.
        """
        settings = settings_of(plan.pass2, VoidRefineSettings)
        _check(clip, mask, plan, self._model.settings, settings)
        check_take(take, plan, len(mask))
        raft = self._model.folder.path(RAFT) if settings.flow == "raft" else None
        flow = provider(settings.flow, raft)
        render = Render(self._model, clip, mask, plan, progress)
        return render.make(
            sink,
            lambda: render.warped(take, flow, settings.warp, settings.fresh_noise),
            {"take": _pictures_digest(take)},
        )


def _info(folder: VerifiedFolder, does: str, refs: tuple[WeightsRef, ...], dynamics: bool) -> EngineInfo:
    # A build's local label (+cpu, +cu130) is left to the pass's record: plans made at a desk run on another machine.
    libraries = ", ".join(f"{name} {version(name).partition('+')[0]}" for name in LIBRARIES)
    return EngineInfo(
        name="void",
        version=f"{void_audit.__version__} ({libraries})",
        kind="model",
        description=f"{does} Weights: {folder.purpose[:3000]}",
        weights=refs,
        counterfactual_dynamics=dynamics,
    )


def _check(
    clip: Clip, mask: ClassSequence, plan: EditPlan, mine: VoidSettings, planned: VoidSettings
) -> None:
    check_mask(clip, mask)
    if planned != mine:
        raise OrderError(
            "engine-mismatch",
            "The plan has other settings than this engine was made for.",
            "Make the engine with the plan's own settings.",
        )
    _check_windows(plan.windows)


def _check_windows(windows: Windows) -> None:
    if windows.length % 8 != 5 or windows.overlap % 8 or windows.overlap >= windows.length:
        raise RequestError(
            "windows-void",
            f"VOID cannot work in windows of {windows.length} frames that overlap by {windows.overlap}.",
            "Plan with windows of 85 frames (or another number that is 5 more than a multiple of 8), overlapping "
            "by 16 (or another multiple of 8, shorter than the window).",
        )


def _device(name: str | None) -> torch.device:
    return torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))


def _pictures_digest(clip: Clip) -> str:
    digest = hashlib.sha256()
    for picture in clip.frames():
        digest.update(picture.tobytes())
    return digest.hexdigest()
