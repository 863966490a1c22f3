"""The segmenter's interface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from void_audit.model.clip import Clip
from void_audit.model.engine import EngineInfo, Progress, no_progress
from void_audit.model.track import Click, Track


class Segmenter(Protocol):
    """Finds the clicked object on every frame."""

    @property
    def info(self) -> EngineInfo:
        """What this engine is, with the model files it uses."""

    def segment(self, clip: Clip, clicks: Sequence[Click], progress: Progress = no_progress) -> Track:
        """Follow the object in both directions in time from the clicked frames.

        ``clip`` may be a scaled view; clicks are in *its* pixels. The masks have the clip's size.
        """
