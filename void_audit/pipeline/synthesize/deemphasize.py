"""Pass 1 for masks in which something stays in its place and is only to draw less attention: blurred, or grey.

Where the mask says "affected" the source itself is toned down; where it says "remove" or "overlap" it is filled
by the embedded engine, from footage that is toned down already. Two things follow from how it is done:

- A blurred pixel is a mean of *affected* pixels of its frame alone. Nothing of a removed object, nor of what is
  around the area, is smeared into it, and the area cannot show where a removed object was.
- What is uncovered by a removal is filled from other frames' *toned* pixels. Filled from the source, the blurred
  logo would be sharp exactly in the outline of whatever passed in front of it.

A blur is no redaction: part of what was there can be computed back from it.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt

from void_audit.media.views import FittedClip, backwards
from void_audit.model.clip import RGB, Clip, ClipInfo
from void_audit.model.engine import EngineInfo, Progress, no_progress
from void_audit.model.geometry import Rect, Size
from void_audit.model.mask import Bitmap, Classes, ClassSequence, MaskClass, Translated
from void_audit.model.plan import DeemphasizeSettings, EditPlan
from void_audit.pipeline.synthesize.base import FrameSink, TakeReport, settings_of
from void_audit.pipeline.synthesize.difference import DifferenceMeter, interior
from void_audit.pipeline.synthesize.flow import part_around
from void_audit.pipeline.synthesize.footage import check_mask, opened_at
from void_audit.pipeline.synthesize.propagate import PropagateSynthesizer

LARGEST_SIGMA = 0.1
"""Sigma of the blur at strength 1, as a part of the source frame's short side."""

FINE_SIGMA = 4.0
"""Larger blurs are computed on a smaller picture, at a sigma of 4 to 8 pixels there."""

LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Rec. ITU-R BT.709, on R'G'B' as it is coded, whatever matrix the clip has."""

LEFT_WARNING = 0.5
"""Share of the detail (blur) or of the colour (desaturate) above which the report warns that it is still there."""

_FILLED = np.array([MaskClass.REMOVE, MaskClass.OVERLAP, MaskClass.KEEP, MaskClass.KEEP], np.uint8)
"""What the embedded engine is given: affected pixels stay as they are, toned down."""

_ONLY_AFFECTED = np.array([MaskClass.REMOVE, MaskClass.REMOVE, MaskClass.KEEP, MaskClass.REMOVE], np.uint8)

Weights = npt.NDArray[np.float32]


class DeemphasizeSynthesizer:
    """Implements ``base.Synthesizer`` deterministically on one CPU. Memory: as the embedded engine, or one frame."""

    def __init__(self) -> None:
        self._fill = PropagateSynthesizer()

    @property
    def info(self) -> EngineInfo:
        """What this engine is."""
        return EngineInfo(
            name="de-emphasize",
            version=f"{self._fill.info.version} (opencv {cv2.__version__})",
            kind="classical",
            description=(
                "Blurs or desaturates affected areas of the source itself, and fills removed ones as the engine "
                "`propagate` does. Not a redaction: what was blurred can partly be computed back."
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
        """Write one picture of ``plan.geometry`` per frame; pixels of "keep" are the clip's own.

        Statistics, over pixels that are affected as a whole: ``toned_levels`` (mean absolute difference from the
        source), ``seam_levels`` (the same along the border of the area), ``detail_kept`` and ``colour_kept``
        (their mean absolute Laplacian and mean saturation, after / before; 1 where there was none), and, if
        anything was removed, those of ``propagate`` with ``fill_`` before their names.

        Raises:
            MaskError: ``mask-size``, ``mask-frames`` if the mask is not of this clip.
            RequestError: ``windows-overlap``.
        """
        check_mask(clip, mask)
        settings = settings_of(plan.pass1, DeemphasizeSettings)
        toned, meter = TonedClip(clip, mask, settings), _Meter(clip, mask, plan)

        def handed_on(picture: RGB) -> None:
            meter.add(picture)
            sink(picture)

        if _removes(mask):
            filling = plan.model_copy(update={"pass1": settings.fill})
            filled = self._fill.synthesize(toned, Translated(mask, _FILLED), filling, handed_on, progress)
            fill = {f"fill_{name}": value for name, value in filled.statistics.items()}
            warnings = (*meter.warnings(settings.treatment), *filled.warnings)
            return TakeReport(len(mask), {**meter.statistics, **fill}, warnings)
        size = Size(plan.geometry.width, plan.geometry.height)
        for number, picture in enumerate(toned.view(plan.geometry.crop, size).frames()):
            progress("toning down", number, len(mask))
            handed_on(picture)
        progress("toning down", len(mask), len(mask))
        return TakeReport(len(mask), meter.statistics, meter.warnings(settings.treatment))


class TonedClip:
    """Implements ``model.clip.Clip``: another clip with the affected pixels of ``mask`` toned down."""

    def __init__(self, clip: Clip, mask: ClassSequence, settings: DeemphasizeSettings) -> None:
        self._clip, self._mask, self._settings = clip, mask, settings

    @property
    def info(self) -> ClipInfo:
        """Facts of the clip."""
        return self._clip.info

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[RGB]:
        """Pictures ``start`` to ``stop`` (excluded)."""
        classes = self._mask.classes(start, stop)
        for picture, here in zip(self._clip.frames(start, stop), classes, strict=True):
            yield toned(picture, here == MaskClass.AFFECTED, self._settings)

    def frames_backwards(self, stop: int | None = None, start: int = 0) -> Iterator[RGB]:
        """Pictures ``stop - 1`` down to ``start``."""
        return backwards(self, stop, start)

    def view(self, crop: Rect | None = None, size: Size | None = None) -> Clip:
        """Toned down at the clip's own size, then cropped and scaled: strength does not depend on the profile."""
        return FittedClip(self, crop, size)


def toned(picture: RGB, area: Bitmap, settings: DeemphasizeSettings) -> RGB:
    """The picture with ``area`` toned down; outside it is the same. ``picture`` is a whole frame."""
    if not area.any():
        return picture
    part = part_around(area)
    within, own = area[part], picture[part]
    result = picture.copy()
    if settings.treatment == "blur":
        sigma = settings.strength * LARGEST_SIGMA * min(picture.shape[:2])
        new = blurred(own, within, sigma)
    else:
        new = desaturated(own, settings.strength)
    result[part][within] = new[within]
    return result


def desaturated(picture: RGB, strength: float) -> RGB:
    """Moved towards its luma by ``strength`` (0 to 1) of the way."""
    grey = picture.astype(np.float32) @ LUMA
    return np.asarray(np.rint(picture + strength * (grey[..., None] - picture)), np.uint8)


def blurred(picture: RGB, area: Bitmap, sigma: float) -> RGB:
    """Gaussian mean, ``sigma`` in pixels, of those neighbours that lie in ``area``; it counts only there.

    It is a normalised convolution (Knutsson and Westin, 1993) with the area as certainty.
    """
    weights = area.astype(np.float32)
    weighted = picture.astype(np.float32) * weights[..., None]
    shrink = max(1, int(sigma / FINE_SIGMA))
    total, share = (_smooth(values, sigma / shrink, shrink) for values in (weighted, weights))
    mean = total / np.maximum(share, np.finfo(np.float32).tiny)[..., None]
    return np.asarray(np.clip(np.rint(mean), 0, 255), np.uint8)


def _smooth(values: Weights, sigma: float, shrink: int) -> Weights:
    """Gaussian of ``values`` with nothing around them, at ``1 / shrink`` of their size and ``sigma`` of that size."""
    height, width = values.shape[:2]
    small = cv2.resize(values, (-(-width // shrink), -(-height // shrink)), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def _removes(mask: ClassSequence) -> bool:
    """Whether any pixel is to be filled."""
    return any(bool((classes <= MaskClass.OVERLAP).any()) for classes in mask.classes())


class _Meter:
    """Holds the pictures that are handed on against the source's."""

    def __init__(self, clip: Clip, mask: ClassSequence, plan: EditPlan) -> None:
        self._crop = plan.geometry.crop
        self._size = Size(plan.geometry.width, plan.geometry.height)
        self._sources = clip.view(self._crop, self._size).frames()
        self._classes = mask.classes()
        self.difference = DifferenceMeter()
        self._sums = np.zeros(4)

    def add(self, picture: RGB) -> None:
        """The take's next picture."""
        source, area = next(self._sources), self._affected(next(self._classes))
        self.difference.add(source, picture, area)
        if area.any():
            part = part_around(area)
            inner = interior(area)[part]
            before, after = source[part], picture[part]
            self._sums[:2] += _detail(before)[inner].sum(), _detail(after)[inner].sum()
            self._sums[2:] += [float(np.ptp(p, axis=2)[area[part]].sum()) for p in (before, after)]

    def _affected(self, classes: Classes) -> Bitmap:
        return ~opened_at(_ONLY_AFFECTED[classes], self._crop, self._size)

    @property
    def statistics(self) -> dict[str, float]:
        """As ``DeemphasizeSynthesizer.synthesize`` says."""
        detail, detail_after, colour, colour_after = self._sums
        return {
            "toned_levels": self.difference.inside,
            "seam_levels": self.difference.seam,
            "detail_kept": float(detail_after / detail) if detail else 1.0,
            "colour_kept": float(colour_after / colour) if colour else 1.0,
        }

    def warnings(self, treatment: str) -> tuple[str, ...]:
        """What was to be taken away and is still there."""
        what, place = ("detail", 0) if treatment == "blur" else ("colour", 2)
        left = self.statistics[f"{what}_kept"]
        if not self._sums[place] or left <= LEFT_WARNING:
            return ()
        return (f"{left:.0%} of the {what} in what was toned down is still there: raise the strength.",)


def _detail(picture: RGB) -> Weights:
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return np.asarray(np.abs(cv2.Laplacian(grey, cv2.CV_32F)), np.float32)
