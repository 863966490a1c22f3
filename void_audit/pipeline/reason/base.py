"""The reasoner's interface."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from void_audit.model.base import Scalar
from void_audit.model.clip import Clip
from void_audit.model.engine import EngineInfo, Progress, no_progress
from void_audit.model.reasoning import Reasoning
from void_audit.model.request import EditRequest
from void_audit.model.track import Track


class Reasoner(Protocol):
    """Says what the object caused, and where."""

    @property
    def info(self) -> EngineInfo:
        """What this engine is."""

    @property
    def settings(self) -> Mapping[str, Scalar]:
        """How it is set, for the record: whatever decides the answer, no secret."""

    def reason(
        self, clip: Clip, track: Track, request: EditRequest, progress: Progress = no_progress
    ) -> Reasoning:
        """Consequences of removing the tracked object. ``clip`` has the size of the track's masks.

        Raises:
            ReasoningError: there is no usable answer; its ``exchange`` holds what was sent and what came.
        """
