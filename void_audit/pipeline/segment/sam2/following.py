"""All marked objects through a whole clip, once forwards and once backwards, one frame in memory at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from void_audit.model.clip import RGB, Clip, ClipInfo
from void_audit.model.engine import Progress
from void_audit.model.mask import PackedBitmaps
from void_audit.pipeline.segment.sam2.pictures import Screen
from void_audit.pipeline.segment.sam2.session import Seen, Session

WHAT = "SAM 2"


class Found:
    """Masks of all objects joined, and of every frame the confidence in the object that is least sure."""

    def __init__(self, info: ClipInfo) -> None:
        self.masks = PackedBitmaps.empty(info.size, info.frames)
        self._confidence: list[float | None] = [None] * info.frames

    def add(self, frame: int, seen: Seen) -> None:
        """Join what one object's session saw."""
        before = self._confidence[frame]
        if before is None:
            self.masks[frame], self._confidence[frame] = seen.mask, seen.confidence
            return
        self.masks[frame] = self.masks[frame] | seen.mask
        self._confidence[frame] = min(before, seen.confidence)

    @property
    def confidence(self) -> tuple[float, ...]:
        """Per frame, 0 to 1."""
        return tuple(0.0 if value is None else value for value in self._confidence)


class Following:
    """One pass of all objects over a clip. Use once.

    Args:
        clip: the clip, or a scaled view.
        sessions: one for each object, new.
        screen: where they look.
        progress: told before every look at a frame and after the last; it may raise ``Cancelled``.
    """

    def __init__(self, clip: Clip, sessions: Sequence[Session], screen: Screen, progress: Progress) -> None:
        self._clip, self._sessions, self._screen, self._progress = clip, sessions, screen, progress
        self._first = min(session.start for session in sessions)
        self._last = max(session.start for session in sessions)
        self._beginnings = sorted({frame for session in sessions for frame in session.beginnings})
        self._done, self._total = 0, len(self._beginnings) + clip.info.frames - self._first + self._last
        self._found = Found(clip.info)

    def run(self) -> Found:
        """Every object on every frame: from its first beginning to the end, then from there to frame 0.

        Where objects begin on different frames, the frames between are looked at in both directions, each object
        in its own.
        """
        for frame in self._beginnings:
            self._show(frame, next(iter(self._clip.frames(frame, frame + 1))))
            for session in self._sessions:
                if frame in session.beginnings:
                    session.begin(frame)
        self._follow(enumerate(self._clip.frames(self._first), self._first), backwards=False)
        before = range(self._last - 1, -1, -1)
        self._follow(zip(before, self._clip.frames_backwards(self._last), strict=True), backwards=True)
        self._progress(WHAT, self._total, self._total)
        return self._found

    def _follow(self, pictures: Iterable[tuple[int, RGB]], backwards: bool) -> None:
        for frame, picture in pictures:
            self._show(frame, picture)
            for session in self._sessions:
                if (frame < session.start) == backwards:
                    self._found.add(frame, session.follow(frame, backwards))

    def _show(self, frame: int, picture: RGB) -> None:
        self._progress(WHAT, self._done, self._total)
        self._done += 1
        self._screen.show(frame, picture)
