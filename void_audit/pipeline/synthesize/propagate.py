"""Pass 1 without a trained model: the background is taken from other frames, the rest invented by example.

What it can do: remove something in front of a background that other frames show, seen by a still or a turning
camera. What it cannot: know what would have moved differently. A ball that bounced off the removed thing still
bounces, wherever the mask keeps it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version

import cv2
import numpy as np
import numpy.typing as npt

import void_audit
from void_audit.model.clip import RGB, Clip
from void_audit.model.engine import EngineInfo, Progress, no_progress
from void_audit.model.geometry import FrameRange
from void_audit.model.mask import Bitmap, ClassSequence
from void_audit.model.plan import EditPlan, PropagateSettings
from void_audit.pipeline.synthesize.base import FrameSink, TakeReport, settings_of
from void_audit.pipeline.synthesize.camera import Points, is_identity
from void_audit.pipeline.synthesize.exemplar import smooth
from void_audit.pipeline.synthesize.footage import FootageReader, check_mask
from void_audit.pipeline.synthesize.lighting import correction, ring
from void_audit.pipeline.synthesize.plate import Plate, build_plates
from void_audit.pipeline.synthesize.samples import Colours, Footage, look_up, nearest_first
from void_audit.pipeline.synthesize.windows import CrossFade, spans

NEVER_SEEN_WARNING = 0.1
"""Share of the opened pixels above which the report warns."""

SMOOTH_WARNING = 0.01
"""Share filled without background or examples above which the report warns."""

LEAST_ISLAND = 40
"""Smaller groups of seen pixels in the middle of unseen ones are chance agreement, not background."""


@dataclass
class _Tally:
    """Counts per frame, so that frames in two windows count once: opened, unseen, smooth, moved."""

    counts: dict[int, tuple[int, int, int, bool]] = field(default_factory=dict)

    def statistics(self) -> dict[str, float]:
        rows = list(self.counts.values())
        opened, unseen, smoothed = (sum(int(r[k]) for r in rows) for k in range(3))
        whole = max(opened, 1)
        shares = [r[1] / r[0] for r in rows if r[0]]
        return {
            "never_seen_share_mean": float(np.mean(shares)) if shares else 0.0,
            "never_seen_share_max": max(shares, default=0.0),
            "from_other_frames_share": (opened - unseen) / whole,
            "from_examples_share": (unseen - smoothed) / whole,
            "from_smooth_share": smoothed / whole,
            "camera_moves_share": sum(r[3] for r in rows) / max(len(rows), 1),
        }


@dataclass
class _Fill:
    """Fill of one frame: its opened pixels in row-major order, their colours, and which were never seen."""

    points: Points
    colours: Colours
    unseen: Bitmap


class PropagateSynthesizer:
    """Implements ``base.Synthesizer`` on one CPU, deterministically: every random choice comes from the seed."""

    @property
    def info(self) -> EngineInfo:
        """What this engine is."""
        return EngineInfo(
            name="propagate",
            version=f"{void_audit.__version__} (pypatchmatch {version('pypatchmatch')})",
            kind="classical",
            description=(
                "Fills the opened areas with background seen in other frames, and what no frame shows with "
                "patches of its surroundings. Not a physics model: it cannot predict what would have moved "
                "differently without the object."
            ),
            counterfactual_dynamics=False,
        )

    def synthesize(
        self,
        clip: Clip,
        mask: ClassSequence,
        plan: EditPlan,
        sink: FrameSink,
        progress: Progress = no_progress,
    ) -> TakeReport:
        """Write one picture of ``plan.geometry`` per frame; pixels outside opened areas are the clip's own.

        Raises:
            MaskError: ``mask-size``, ``mask-frames`` if the mask is not of this clip.
            RequestError: ``windows-overlap``.
        """
        check_mask(clip, mask)
        settings = settings_of(plan.pass1, PropagateSettings)
        windows = spans(len(mask), plan.windows)
        reader, fades, tally = FootageReader(clip, mask, plan), CrossFade(), _Tally()
        plates: list[Plate] = []
        for number, span in enumerate(windows):
            footage = reader.window(span)
            fills = list(_look(footage, settings, span, len(mask), progress))
            unseen = [f.unseen for f in fills]
            plates = build_plates(footage, unseen, settings, int(plan.seed) + number, plates)
            pictures = _finish(footage, fills, plates, span, settings, tally)
            following = windows[number + 1].start if number + 1 < len(windows) else span.stop
            for picture in fades.join(pictures, span.stop - following):
                sink(picture)
        statistics = tally.statistics()
        return TakeReport(len(mask), statistics, _warnings(statistics))


def _warnings(statistics: dict[str, float]) -> tuple[str, ...]:
    warnings = []
    share, smoothed = statistics["never_seen_share_mean"], statistics["from_smooth_share"]
    if share > NEVER_SEEN_WARNING:
        warnings.append(
            f"{share:.0%} of the opened area is never seen in any frame of its window "
            f"(up to {statistics['never_seen_share_max']:.0%} of a frame): it is invented from its surroundings."
        )
    if smoothed > SMOOTH_WARNING:
        warnings.append(
            f"{smoothed:.0%} of the opened area is only a smooth surface: there were no examples."
        )
    return tuple(warnings)


def _look(
    footage: Footage, settings: PropagateSettings, span: FrameRange, total: int, progress: Progress
) -> Iterator[_Fill]:
    for index in range(len(footage)):
        progress("looking for the background", span.start + index, total)
        yield _from_other_frames(footage, index, settings)
    progress("looking for the background", span.stop, total)


def _pixels(area: Bitmap) -> Points:
    y, x = np.nonzero(area)
    return np.stack([x, y], axis=1).astype(np.float32)


def _from_other_frames(footage: Footage, index: int, settings: PropagateSettings) -> _Fill:
    opened = footage.opened[index]
    points = _pixels(opened)
    order = nearest_first(index, len(footage))
    found = look_up(footage, points, index, order, settings)
    colours = found.colours
    if found.seen.any():
        around = ring(opened, footage.trusted[index], settings.guard * footage.unit, footage.unit)
        # Compared over the same stretch of time, so that light that changes locally is seen to change.
        order = nearest_first(index, len(footage), max(1, found.lag))
        known = look_up(footage, around.astype(np.float32), index, order, settings)
        at = around[known.seen]
        own = footage.frames[index][at[:, 1], at[:, 0]]
        colours = _relight(footage, at, own, known.colours[known.seen], settings, points, colours)
    unseen = np.zeros(opened.shape, bool)
    unseen[opened] = ~found.seen
    return _Fill(points, colours, _without_islands(unseen, opened, LEAST_ISLAND * footage.unit**2))


def _relight(
    footage: Footage,
    at: npt.NDArray[np.intp],
    own: Colours,
    filled: Colours,
    settings: PropagateSettings,
    points: Points,
    colours: Colours,
) -> Colours:
    height, width = footage.frames[0].shape[:2]
    wanted = points.astype(np.intp)
    change = correction((height, width), footage.unit, at, own, filled, 2 * settings.consistency, wanted)
    return np.asarray(np.clip(np.rint(colours + change), 0, 255), np.uint8)


def _without_islands(unseen: Bitmap, opened: Bitmap, least: int) -> Bitmap:
    """Also mark small groups of seen pixels that touch nothing but unseen ones."""
    if not unseen.any():
        return unseen
    _, labels, stats, _ = cv2.connectedComponentsWithStats((~unseen).astype(np.uint8), connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] < least
    small[0] = False
    return np.asarray(unseen | (small[labels] & opened), np.bool_)


def _finish(
    footage: Footage,
    fills: Sequence[_Fill],
    plates: Sequence[Plate],
    span: FrameRange,
    settings: PropagateSettings,
    tally: _Tally,
) -> Iterator[RGB]:
    for index, made in enumerate(fills):
        picture = footage.frames[index].copy()
        opened = footage.opened[index]
        picture[opened] = made.colours
        smoothed = _invent(picture, footage, index, made.unseen, plates, settings) if made.unseen.any() else 0
        moved = not is_identity(footage.poses[index].matrix)
        tally.counts[span.start + index] = (int(opened.sum()), int(made.unseen.sum()), smoothed, moved)
        yield picture


def _invent(
    picture: RGB,
    footage: Footage,
    index: int,
    unseen: Bitmap,
    plates: Sequence[Plate],
    settings: PropagateSettings,
) -> int:
    """Fill ``unseen`` in place from the plate; how many pixels even that does not know."""
    pose, points = footage.poses[index], _pixels(unseen)
    plate = next((p for p in plates if p.pose.shot == pose.shot), None)
    if plate is None:
        picture[:] = smooth(picture, unseen)
        return len(points)
    colours, known = plate.look(pose, points)
    around = ring(unseen, footage.trusted[index] | (footage.opened[index] & ~unseen), 1, footage.unit)
    there, valid = plate.look(pose, around.astype(np.float32))
    at = around[valid]
    own = picture[at[:, 1], at[:, 0]]
    picture[unseen] = _relight(footage, at, own, there[valid], settings, points, colours)
    if known.all():
        return 0
    left = np.zeros(unseen.shape, bool)
    left[unseen] = ~known
    picture[:] = smooth(picture, left)
    return int(left.sum())
