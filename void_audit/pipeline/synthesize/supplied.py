"""Pass 1 that makes nothing itself: the pictures of a clip that came with the request, such as a dubbed mouth."""

from __future__ import annotations

from pathlib import Path

import void_audit
from void_audit.canon.hashing import sha256_file
from void_audit.errors import MaskError, OrderError, RequestError
from void_audit.media.reader import VideoClip
from void_audit.model.clip import Clip, ClipInfo
from void_audit.model.engine import EngineInfo, Progress, no_progress
from void_audit.model.geometry import Size
from void_audit.model.mask import ClassSequence, MaskClass
from void_audit.model.plan import EditPlan, SuppliedSettings
from void_audit.pipeline.synthesize.base import FrameSink, TakeReport, settings_of
from void_audit.pipeline.synthesize.difference import DifferenceMeter
from void_audit.pipeline.synthesize.footage import check_mask, opened_at
from void_audit.pipeline.synthesize.supplied_fit import check_fit, fit_warnings

SEAM_WARNING = 16.0
"""Levels along the border of what is put in, above which it will be seen."""


class SuppliedSynthesizer:
    """Implements ``base.Synthesizer``: picture ``i`` of the take is picture ``i`` of the clip at ``path``.

    The compositor shows it where the mask says "remove" or "overlap"; everywhere else the source's own pixels
    stay. What the supplied clip shows there is measured, and never used.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path

    @property
    def info(self) -> EngineInfo:
        """What this engine is."""
        return EngineInfo(
            name="supplied",
            version=void_audit.__version__,
            kind="classical",
            description=(
                "Puts in pictures of a clip that came with the request, by its digest. It makes none itself and "
                "does not know who or what made them."
            ),
        )

    def synthesize(
        self,
        clip: Clip,
        mask: ClassSequence,
        plan: EditPlan,
        sink: FrameSink,
        progress: Progress = no_progress,
    ) -> TakeReport:
        """Write one picture of ``plan.geometry`` per frame.

        Statistics, mean absolute differences of the supplied clip from the source in levels: ``replaced_levels``
        where it is put in, ``seam_levels`` along the border of that, ``unused_levels`` in the rest of the crop.

        Raises:
            MaskError: ``mask-size``, ``mask-frames``; ``mask-supplied`` if the mask opens pixels that are not to
                be replaced: there is nothing to show there.
            RequestError: ``supplied-missing``, ``supplied-size``, ``supplied-frames``.
            OrderError: ``supplied-other`` if it is not the clip that the plan names.
            ClipError: it cannot be read.
        """
        check_mask(clip, mask)
        supplied = self._checked(clip.info, settings_of(plan.pass1, SuppliedSettings))
        crop, size = plan.geometry.crop, Size(plan.geometry.width, plan.geometry.height)
        inside, outside = DifferenceMeter(), DifferenceMeter()
        sources, pictures = clip.view(crop, size).frames(), supplied.view(crop, size).frames()
        for number, (source, picture, classes) in enumerate(
            zip(sources, pictures, mask.classes(), strict=True)
        ):
            progress("taking the supplied pictures", number, len(mask))
            if (classes == MaskClass.AFFECTED).any():
                raise _not_replaced(number)
            opened = opened_at(classes, crop, size)
            inside.add(source, picture, opened)
            outside.add(source, picture, ~opened)
            sink(picture)
        progress("taking the supplied pictures", len(mask), len(mask))
        statistics = {
            "replaced_levels": inside.inside,
            "seam_levels": inside.seam,
            "unused_levels": outside.inside,
        }
        warnings = (*fit_warnings(supplied.info, clip.info), *_difference_warnings(inside))
        return TakeReport(len(mask), statistics, warnings)

    def _checked(self, source: ClipInfo, settings: SuppliedSettings) -> VideoClip:
        if self._path is None or not self._path.is_file():
            raise RequestError(
                "supplied-missing",
                "There is no clip whose pictures could be put in.",
                "Name it under `supplied:` in edit.yaml.",
            )
        digest = sha256_file(self._path)
        if digest != settings.clip:
            raise OrderError(
                "supplied-other",
                f"The supplied clip has SHA-256 {digest[:12]}..., the plan names {settings.clip[:12]}...",
                "Plan again with this clip, or give the one that was planned.",
            )
        supplied = VideoClip(self._path)
        check_fit(supplied.info, source)
        return supplied


def _not_replaced(frame: int) -> MaskError:
    return MaskError(
        "mask-supplied",
        f"Frame {frame} of the mask opens pixels that are not to be replaced.",
        "Use a mask schema whose changing classes count as `replaced`, such as `localization`.",
    )


def _difference_warnings(inside: DifferenceMeter) -> tuple[str, ...]:
    if inside.inside == 0:
        return ("The supplied clip shows what the source shows wherever it is put in: nothing changes.",)
    if inside.seam > SEAM_WARNING:
        return (
            f"Along its border the supplied clip is {inside.seam:.0f} levels from the source: it will be seen.",
        )
    return ()
