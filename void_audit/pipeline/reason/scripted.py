"""A reasoner that answers what it was told to: for tests, the simulator and answers written by hand."""

from __future__ import annotations

from collections.abc import Mapping

from void_audit.model.base import Scalar
from void_audit.model.clip import Clip
from void_audit.model.engine import EngineInfo, Progress, no_progress
from void_audit.model.reasoning import Consequences, Exchange, Reasoning
from void_audit.model.request import EditRequest
from void_audit.model.track import Track
from void_audit.pipeline.reason.check import check_consequences


class ScriptedReasoner:
    """Implements ``Reasoner``: returns the ``Consequences`` it was given, after the usual check."""

    def __init__(self, consequences: Consequences) -> None:
        self._consequences = consequences

    @property
    def info(self) -> EngineInfo:
        """Says that nothing was looked at."""
        return EngineInfo(
            name="scripted",
            version="1",
            kind="scripted",
            description="Returns an answer given beforehand; the pictures are not looked at.",
        )

    @property
    def settings(self) -> Mapping[str, Scalar]:
        """None."""
        return {}

    def reason(
        self, clip: Clip, track: Track, request: EditRequest, progress: Progress = no_progress
    ) -> Reasoning:
        """The given answer. Raises ReasoningError if it does not fit ``clip`` (see ``check_consequences``)."""
        progress("reason", 1, 1)
        return Reasoning(
            consequences=check_consequences(self._consequences, clip.info),
            exchange=Exchange(request=b"{}", reply=self._consequences.model_dump_json().encode()),
            engine=self.info,
            settings=self.settings,
        )
