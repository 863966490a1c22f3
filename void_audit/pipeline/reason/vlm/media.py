"""What a model is shown: the object tinted, sampled frames with the grid, and the clip, within a bound on bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

import cv2
import numpy as np

from void_audit.errors import ReasoningError
from void_audit.media.memory import fit
from void_audit.media.small_clip import MOST_PICTURES_PER_SECOND, small_clip
from void_audit.model.clip import RGB, Clip, ClipInfo
from void_audit.model.engine import Progress, no_progress
from void_audit.model.grid import grid_for
from void_audit.model.reasoning import Exchange, Grid
from void_audit.model.seeing import VlmSettings
from void_audit.model.track import Track
from void_audit.pipeline.reason.check import check_track
from void_audit.pipeline.reason.vlm.base import Medium
from void_audit.pipeline.reason.vlm.gridded import gridded, shown_size, tinted

STEPS = ((1.0, 85), (0.75, 80), (0.5, 70), (0.375, 55))
"""Part of the full size and JPEG quality, from best to smallest."""


MOST_LOOKS = 300
"""Pictures of the clip that a service is asked to look at: some 20,000 tokens at 70 each."""


@dataclass(frozen=True)
class Shown:
    """What goes with a question, and what must be known to read the answer."""

    media: tuple[Medium, ...]
    grid: Grid
    marked: tuple[int, ...]
    """Frames that are shown with the object tinted: the first on which it is visible, then its largest."""
    sampled: tuple[int, ...]
    """Frames that are shown with the grid alone, rising."""
    video: bool
    """Whether the clip itself is there."""
    warnings: tuple[str, ...] = ()
    """What had to be sent smaller, or was left out."""


def gather(clip: Clip, track: Track, settings: VlmSettings, progress: Progress = no_progress) -> Shown:
    """Everything that a model is shown, of at most ``settings.max_media_bytes`` together.

    In order: the first frame on which the object is visible, with the object tinted, and the one on which it is
    largest, if it is twice as large there (it may enter the picture by a sliver); ``settings.frames`` frames
    from first to last; the clip, where ``settings.video`` is set. What does not fit is sent with smaller
    pictures, then without the clip, then with fewer frames, and said in ``warnings``. Equal input gives equal
    bytes with the same encoders.

    Raises:
        MaskError: ``track-mismatch`` if the track is not of the clip's size and length.
        ReasoningError: ``reasoner-failed`` if the object is visible on no frame (a question about nothing would
            still show the footage to a model), or if not even the smallest pictures fit.
    """
    check_track(clip.info, track)
    grid, most = grid_for(clip.info.size, settings.grid), settings.max_media_bytes
    sources = _sources(clip, track, sample(clip.info.frames, settings.frames), grid)
    video, warnings = _video(clip, sources, grid, settings, progress)
    pictures, said = _within(sources, grid, most - len(video))
    if not pictures and video:
        video, warnings = b"", ["The clip was left out: the pictures would not fit beside it."]
        pictures, said = _within(sources, grid, most)
    while not pictures:
        sources = _thinned(sources)
        pictures, smaller = _within(sources, grid, most)
        said = [*smaller, f"Only {len(_frames(sources, False))} frames were sent: more do not fit."]
    return Shown(
        media=(*pictures, *([_video_medium(video, clip.info)] if video else [])),
        grid=grid,
        marked=_frames(sources, True),
        sampled=_frames(sources, False),
        video=bool(video),
        warnings=(*warnings, *said),
    )


def sample(length: int, count: int) -> tuple[int, ...]:
    """Up to ``count`` frame numbers from the first to the last, evenly spread, rising."""
    count = min(count, length)
    return tuple(round(i * (length - 1) / max(1, count - 1)) for i in range(count))


@dataclass(frozen=True)
class _Source:
    """A picture at full size before the grid is drawn; ``marked`` if the object is tinted in it."""

    frame: int
    marked: bool
    caption: str
    picture: RGB


def _sources(clip: Clip, track: Track, frames: Sequence[int], grid: Grid) -> list[_Source]:
    size = shown_size(clip.info.size, grid)

    def source(frame: int, marked: bool) -> _Source:
        picture = fit(next(clip.frames(frame, frame + 1)), None, size)
        picture = tinted(picture, track.masks[frame]) if marked else picture
        also = ", with the object tinted magenta" if marked else ""
        return _Source(
            frame, marked, f"Frame {frame} ({float(frame / clip.info.rate):.2f} s){also}.", picture
        )

    return [*(source(f, True) for f in _telling(track)), *(source(f, False) for f in frames)]


def _telling(track: Track) -> list[int]:
    """The first frame on which the object is visible; the one where it is largest, if twice as large there."""
    areas = [int(mask.sum()) for mask in track.masks]
    first = next((frame for frame, area in enumerate(areas) if area), None)
    if first is None:
        raise _unasked("The object is visible on no frame.", "Click on it again, then ask.")
    largest = areas.index(max(areas))
    return [first, largest] if areas[largest] >= 2 * areas[first] else [first]


def _frames(sources: list[_Source], marked: bool) -> tuple[int, ...]:
    return tuple(source.frame for source in sources if source.marked == marked)


def _video(
    clip: Clip, sources: list[_Source], grid: Grid, settings: VlmSettings, progress: Progress
) -> tuple[bytes, list[str]]:
    """The clip in what the pictures leave, or in half of everything, whichever is more."""
    if not settings.video:
        return b"", []
    pictures = sum(len(medium.data) for medium in _drawn(sources, grid, *STEPS[0]))
    room = max(settings.max_media_bytes - pictures, settings.max_media_bytes // 2)
    video = small_clip(clip, room, progress)
    if video is None:
        return b"", [f"The clip was left out: it does not fit into {room} bytes."]
    return video, []


def _within(sources: list[_Source], grid: Grid, room: int) -> tuple[tuple[Medium, ...], list[str]]:
    """The pictures, as large as fits into ``room`` bytes; none if none fit."""
    for part, quality in STEPS:
        media = tuple(_drawn(sources, grid, part, quality))
        if sum(len(medium.data) for medium in media) <= room:
            smaller = [f"Pictures were sent at {part:.3g} of their size, quality {quality}."]
            return media, [] if part == 1.0 else smaller
    return (), []


def _drawn(sources: list[_Source], grid: Grid, part: float, quality: int) -> Iterator[Medium]:
    for source in sources:
        height, width = source.picture.shape[:2]
        small = (max(grid.cols, round(width * part)), max(grid.rows, round(height * part)))
        picture = np.asarray(cv2.resize(source.picture, small, interpolation=cv2.INTER_AREA), np.uint8)
        title = f"frame {source.frame}" + (", object tinted" if source.marked else "")
        yield Medium("image/jpeg", _jpeg(gridded(picture, grid, title), quality), source.caption)


def _jpeg(picture: RGB, quality: int) -> bytes:
    done, data = cv2.imencode(".jpg", picture[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise AssertionError("OpenCV cannot encode JPEG")
    return data.tobytes()


def _thinned(sources: list[_Source]) -> list[_Source]:
    """The tinted pictures and half of the frames."""
    marked, frames = [s for s in sources if s.marked], [s for s in sources if not s.marked]
    if len(frames) == 1:
        raise _unasked("Not even the smallest pictures fit.", "Set max_media_bytes higher.")
    return [*marked, *(frames[i] for i in sample(len(frames), len(frames) // 2))]


def _video_medium(video: bytes, info: ClipInfo) -> Medium:
    caption = (
        f"The whole clip without sound and without the grid; frame f is seen at f / {info.rate} seconds."
    )
    return Medium("video/mp4", video, caption, looks(info))


def looks(info: ClipInfo) -> float:
    """Pictures per second of the clip that are worth looking at: all that ``small_clip`` keeps, or ``MOST_LOOKS``."""
    kept = float(info.rate / ceil(info.rate / MOST_PICTURES_PER_SECOND))
    return max(0.01, round(min(kept, MOST_LOOKS * float(info.rate / info.frames)), 3))


def _unasked(message: str, hint: str) -> ReasoningError:
    return ReasoningError(
        "reasoner-failed", f"{message} The model was not asked.", hint, Exchange(attempts=0)
    )
