"""Scripted twins of both passes: exact, instant, for the simulator and for tests."""

from __future__ import annotations

import numpy as np

from void_audit.model.clip import Clip
from void_audit.model.engine import EngineInfo, Progress, no_progress
from void_audit.model.geometry import Size
from void_audit.model.mask import ClassSequence
from void_audit.model.plan import EditPlan
from void_audit.pipeline.synthesize.base import FrameSink, TakeReport
from void_audit.pipeline.synthesize.footage import check_mask, opened_at


class ScriptedSynthesizer:
    """Pass 1: paints everything opened in one flat colour."""

    def __init__(self, colour: tuple[int, int, int] = (128, 128, 128)) -> None:
        self.colour = colour

    @property
    def info(self) -> EngineInfo:
        """What this engine is."""
        return EngineInfo(
            name="scripted-flat", version="1", kind="scripted", description="Paints the opened area flat."
        )

    def synthesize(
        self,
        clip: Clip,
        mask: ClassSequence,
        plan: EditPlan,
        sink: FrameSink,
        progress: Progress = no_progress,
    ) -> TakeReport:
        """Write one painted picture per frame. Raises MaskError as every synthesizer does."""
        check_mask(clip, mask)
        geometry, frames = plan.geometry, 0
        size = Size(geometry.width, geometry.height)
        for picture, classes in zip(clip.view(geometry.crop, size).frames(), mask.classes(), strict=True):
            progress("painting", frames, len(mask))
            painted = picture.copy()
            painted[opened_at(classes, geometry.crop, size)] = np.array(self.colour, np.uint8)
            sink(painted)
            frames += 1
        return TakeReport(frames, {"flat_share": 1.0})


class ScriptedRefiner:
    """Pass 2: hands the take on."""

    @property
    def info(self) -> EngineInfo:
        """What this engine is."""
        return EngineInfo(
            name="scripted-identity", version="1", kind="scripted", description="Hands the take on unchanged."
        )

    def refine(
        self,
        clip: Clip,
        take: Clip,
        mask: ClassSequence,
        plan: EditPlan,
        sink: FrameSink,
        progress: Progress = no_progress,
    ) -> TakeReport:
        """Write every picture of ``take``."""
        frames = 0
        for picture in take.frames():
            progress("handing on", frames, len(mask))
            sink(picture)
            frames += 1
        return TakeReport(frames, {"refined": 0.0})
