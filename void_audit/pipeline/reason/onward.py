"""Where a thing that met the object would have been without it: a path straight on.

That is the law of inertia and no foresight: pace and direction are those from before the meeting. Friction,
walls and edges are not known. One thing is: what comes down on an object that stands somewhere finds the
ground where the object stands, so a fall ends at the object's foot.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from void_audit.model.mask import Bitmap
from void_audit.pipeline.reason.camera import Homography, project
from void_audit.pipeline.reason.deflection import Meeting

_FALLS = 2.0
"""Down against sideways, from which on it is a fall."""


class Onward:
    """One meeting's path through the frames from the meeting on."""

    def __init__(self, meeting: Meeting, poses: Sequence[Homography], stands: Bitmap | None) -> None:
        """``poses``: of the segment's frames. ``stands``: the object at the meeting if it rests, else None."""
        self._meeting, self._poses = meeting, poses
        self._pose = poses[meeting.offset - 1]
        self._farthest = np.inf
        across, down = meeting.velocity
        if stands is not None and down > _FALLS * abs(across):
            foot, lowest = _lowest(stands, poses[meeting.offset]), _lowest(meeting.coming, self._pose)
            self._farthest = max(0.0, foot - lowest) / down

    def at(self, offset: int) -> Bitmap:
        """Where it would be on frame ``offset`` of the segment; nothing before the meeting or out of the picture."""
        coming = self._meeting.coming
        if offset < self._meeting.offset:
            return np.zeros_like(coming)
        frames = min(offset - self._meeting.offset + 1, self._farthest)
        across, down = (frames * pace for pace in self._meeting.velocity)
        moved = np.array([[1, 0, across], [0, 1, down], [0, 0, 1]], np.float64)
        pose = np.linalg.inv(self._poses[offset]) @ moved @ self._pose
        height, width = coming.shape
        picture = cv2.warpPerspective(coming.astype(np.uint8), pose, (width, height), flags=cv2.INTER_NEAREST)
        return np.asarray(picture > 0, bool)


def _lowest(bitmap: Bitmap, pose: Homography) -> float:
    """The lowest row that is set, in the segment's coordinates."""
    return float(project(pose, np.argwhere(bitmap)[:, ::-1].astype(np.float64))[:, 1].max())
