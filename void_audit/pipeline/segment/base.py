"""The segmenter's interface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from void_audit.model.clip import Clip
from void_audit.model.engine import EngineInfo, Progress, no_progress
from void_audit.model.track import Mark, Track


class Segmenter(Protocol):
    """Finds the marked objects on every frame; what belongs to several objects is joined."""

    @property
    def info(self) -> EngineInfo:
        """What this engine is, with the model files it uses."""

    def segment(self, clip: Clip, marks: Sequence[Mark], progress: Progress = no_progress) -> Track:
        """Follow the objects in both directions in time from the frames with marks (clicks, boxes).

        ``clip`` may be a scaled view; marks are in *its* pixels. The masks have the clip's size.
        """
