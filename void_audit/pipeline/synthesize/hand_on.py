"""No pass 2: the take of pass 1 is handed on as it is."""

from __future__ import annotations

import void_audit
from void_audit.model.clip import Clip
from void_audit.model.engine import EngineInfo, Progress, no_progress
from void_audit.model.mask import ClassSequence
from void_audit.model.plan import EditPlan, NoRefineSettings
from void_audit.pipeline.synthesize.base import FrameSink, TakeReport, settings_of
from void_audit.pipeline.synthesize.footage import check_mask, check_take


class HandOn:
    """Implements ``base.Refiner`` for a plan without a second pass."""

    @property
    def info(self) -> EngineInfo:
        """What this engine is."""
        return EngineInfo(
            name="none",
            version=void_audit.__version__,
            kind="rules",
            description="Hands the take of pass 1 on, bit for bit: there is no second pass.",
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
        """Write the take's own pictures.

        Raises:
            MaskError: ``mask-size``, ``mask-frames``.
            ClipError: ``take-size``, ``take-frames`` if the take is not of this plan and clip.
        """
        settings_of(plan.pass2, NoRefineSettings)
        check_mask(clip, mask)
        check_take(take, plan, len(mask))
        for index, picture in enumerate(take.frames()):
            progress("handing the take on", index, len(mask))
            sink(picture)
        progress("handing the take on", len(mask), len(mask))
        return TakeReport(len(mask))
