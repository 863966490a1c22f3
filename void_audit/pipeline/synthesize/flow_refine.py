"""Pass 2 without a trained model: temporal refinement along optical flow.

Every opened pixel becomes the average of what its flow-aligned neighbours in time show, each weighted by how
like it is: flicker drops, and nothing that differs is smeared. Flow is DIS (Kroeger et al., "Fast Optical Flow
using Dense Inverse Search", 2016). The refined pixels wait in a temporary file until the flicker of the whole
clip is known; if it did not drop, the take is handed on as it is.
"""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO

import cv2
import numpy as np

import void_audit
from void_audit.model.clip import RGB, Clip
from void_audit.model.engine import EngineInfo, Progress, no_progress
from void_audit.model.geometry import Size
from void_audit.model.mask import Bitmap, ClassSequence
from void_audit.model.plan import EditPlan, FlowRefineSettings
from void_audit.pipeline.synthesize.base import FrameSink, TakeReport, settings_of
from void_audit.pipeline.synthesize.flow import (
    Flow,
    Part,
    flicker,
    flow_between,
    follow,
    likeness,
    part_around,
)
from void_audit.pipeline.synthesize.footage import check_mask, check_take, opened_at


@dataclass(frozen=True)
class _Frame:
    picture: RGB
    opened: Bitmap


class FlowRefiner:
    """Implements ``base.Refiner`` deterministically on one CPU; memory holds ``2 * radius + 1`` frames."""

    @property
    def info(self) -> EngineInfo:
        """What this engine is."""
        return EngineInfo(
            name="flow-refine",
            version=f"{void_audit.__version__} (opencv {cv2.__version__})",
            kind="classical",
            description=(
                "Averages opened pixels along optical flow over neighbouring frames where they are alike. "
                "It reduces flicker and adds nothing."
            ),
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
        """Write one picture of ``plan.geometry`` per frame; pixels outside opened areas are the take's.

        Statistics: ``flicker_before`` and ``flicker_after`` (mean absolute difference, levels, along the flow
        inside opened areas), ``sharpness_kept`` (their mean absolute Laplacian, after / before), and
        ``refined`` (1, or 0 where the take was kept).

        Raises:
            MaskError: ``mask-size``, ``mask-frames``.
            ClipError: ``take-size``, ``take-frames`` if the take is not of this plan and clip.
        """
        settings = settings_of(plan.pass2, FlowRefineSettings)
        check_mask(clip, mask)
        check_take(take, plan, len(mask))
        meter = _Meter()
        with tempfile.TemporaryFile() as spool:
            for index, (window, centre) in enumerate(_windows(take, mask, plan, settings.radius)):
                progress("refining along the flow", index, len(mask))
                refined = _refined(window, centre, settings.sigma, meter)
                spool.write(refined[window[centre].opened].tobytes())
            spool.seek(0)
            better = meter.after < meter.before
            for frame in _frames(take, mask, plan):
                sink(_laid(frame, spool) if better else frame.picture)
        progress("refining along the flow", len(mask), len(mask))
        return _report(meter, better, len(mask))


def _report(meter: _Meter, better: bool, frames: int) -> TakeReport:
    statistics = {
        "flicker_before": meter.before,
        "flicker_after": meter.after if better else meter.before,
        "sharpness_kept": meter.sharpness if better else 1.0,
        "refined": float(better),
    }
    kept = (
        f"Refinement would not have reduced the flicker ({meter.before:.2f} to {meter.after:.2f} levels): "
        "the take was kept as it is.",
    )
    return TakeReport(frames, statistics, () if better or meter.before == 0 else kept)


def _frames(take: Clip, mask: ClassSequence, plan: EditPlan) -> Iterator[_Frame]:
    crop, size = plan.geometry.crop, Size(plan.geometry.width, plan.geometry.height)
    for picture, classes in zip(take.frames(), mask.classes(), strict=True):
        yield _Frame(picture, opened_at(classes, crop, size))


def _windows(
    take: Clip, mask: ClassSequence, plan: EditPlan, radius: int
) -> Iterator[tuple[Sequence[_Frame], int]]:
    """Each frame with its neighbours, and its place among them."""
    held: deque[_Frame] = deque()
    before = 0
    for frame in _frames(take, mask, plan):
        held.append(frame)
        if len(held) > before + radius:
            yield held, before
            before += 1
            if before > radius:
                held.popleft()
                before -= 1
    while before < len(held):
        yield held, before
        before += 1
        if before > radius:
            held.popleft()
            before -= 1


def _laid(frame: _Frame, spool: IO[bytes]) -> RGB:
    count = int(np.count_nonzero(frame.opened))
    picture = frame.picture.copy()
    picture[frame.opened] = np.frombuffer(spool.read(count * 3), np.uint8).reshape(count, 3)
    return picture


class _Meter:
    """Flicker and sharpness inside the opened areas, before and after, frame by frame."""

    def __init__(self) -> None:
        self._last: RGB | None = None
        self._sums = np.zeros(5)

    def add(self, frame: _Frame, refined: RGB, before: _Frame | None, flow: Flow | None, part: Part) -> None:
        """One refined frame, the take's frame before it, and the flow to that."""
        area = frame.opened[part]
        if before is not None and flow is not None and self._last is not None:
            was, count = flicker(frame.picture[part], before.picture[part], flow, area)
            now, _ = flicker(refined[part], self._last[part], flow, area)
            self._sums[:3] += was, now, count
        self._sums[3:] += _detail(frame.picture[part], area), _detail(refined[part], area)
        self._last = refined

    def skip(self, picture: RGB) -> None:
        """A frame in which nothing is opened."""
        self._last = picture

    @property
    def before(self) -> float:
        """Flicker of the take, levels."""
        return float(self._sums[0] / max(self._sums[2], 1))

    @property
    def after(self) -> float:
        """Flicker of the refined take, levels."""
        return float(self._sums[1] / max(self._sums[2], 1))

    @property
    def sharpness(self) -> float:
        """Detail after refinement as a part of the detail before."""
        return float(self._sums[4] / self._sums[3]) if self._sums[3] else 1.0


def _detail(picture: RGB, area: Bitmap) -> float:
    edges = np.abs(cv2.Laplacian(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.CV_32F))
    return float(edges[area].sum())


def _refined(window: Sequence[_Frame], centre: int, sigma: float, meter: _Meter) -> RGB:
    frame = window[centre]
    result = frame.picture.copy()
    if not frame.opened.any():
        meter.skip(result)
        return result
    part = part_around(frame.opened)
    own, opened = frame.picture[part], frame.opened[part]
    flows = {i: flow_between(own, w.picture[part]) for i, w in enumerate(window) if i != centre}
    total, weight = own.astype(np.float32), np.ones(opened.shape, np.float32)
    for index, flow in flows.items():
        moved, inside = follow(window[index].picture[part], flow)
        like = np.where(inside, likeness(own, moved, sigma), np.float32(0))
        total += like[..., None] * moved
        weight += like
    mean = np.rint(total / weight[..., None]).astype(np.uint8)
    result[part] = np.where(opened[..., None], mean, own)
    before = window[centre - 1] if centre else None
    meter.add(frame, result, before, flows.get(centre - 1), part)
    return result
