"""The engines of this machine, built when they are needed."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from void_audit.errors import RequestError
from void_audit.model.engine import Progress, no_progress
from void_audit.model.plan import NoRefineSettings, Pass1Settings, Pass2Settings
from void_audit.model.void import VoidRefineSettings, VoidSettings
from void_audit.pipeline.reason.base import Reasoner
from void_audit.pipeline.segment.base import Segmenter
from void_audit.pipeline.synthesize.base import Job, Refiner, Synthesizer
from void_audit.weights.registry import Registry, shipped
from void_audit.weights.store import ModelStore

if TYPE_CHECKING:
    from void_audit.weights.folders import VerifiedFolder


@dataclass(frozen=True)
class LocalEngines:
    """click, contact, propagate, flow-refine need no GPU, no key and no network; void needs its model."""

    models: Path
    registry: Registry | None = None
    """What may be loaded; default: what is shipped."""
    progress: Progress = no_progress
    _verified: dict[str, VerifiedFolder] = field(default_factory=dict, compare=False, repr=False)
    """Folders whose files were hashed: two passes of one edit need not do so twice."""

    def segmenter(self) -> Segmenter:
        """U2-Net-P with flow and background plate. Raises WeightsError if the model file is not there."""
        from void_audit.pipeline.segment.click import ClickSegmenter  # noqa: PLC0415

        return ClickSegmenter(self._store.path("u2netp"))

    def reasoner(self) -> Reasoner:
        """Rules."""
        from void_audit.pipeline.reason.contact import ContactReasoner  # noqa: PLC0415

        return ContactReasoner()

    def synthesizer(self, settings: Pass1Settings, job: Job) -> Synthesizer:
        """Fill from other frames, then by exemplar; or Netflix's model.

        Raises:
            WeightsError: files of the model are missing or are others.
            RequestError: ``engine-not-installed``.
        """
        if isinstance(settings, VoidSettings):
            folder = self._folder(settings.model)
            from void_audit.pipeline.synthesize.void.engine import VoidSynthesizer  # noqa: PLC0415

            return VoidSynthesizer(folder, settings, job)
        from void_audit.pipeline.synthesize.propagate import PropagateSynthesizer  # noqa: PLC0415

        return PropagateSynthesizer()

    def refiner(self, settings: Pass2Settings, job: Job) -> Refiner:
        """Temporal refinement along optical flow; or Netflix's pass 2; or none. Raises as ``synthesizer``."""
        if isinstance(settings, VoidRefineSettings):
            folder = self._folder(settings.model)
            from void_audit.pipeline.synthesize.void.engine import VoidRefiner  # noqa: PLC0415

            return VoidRefiner(folder, settings, job)
        if isinstance(settings, NoRefineSettings):
            from void_audit.pipeline.synthesize.hand_on import HandOn  # noqa: PLC0415

            return HandOn()
        from void_audit.pipeline.synthesize.flow_refine import FlowRefiner  # noqa: PLC0415

        return FlowRefiner()

    @property
    def _store(self) -> ModelStore:
        return ModelStore(self.models, self.registry or shipped())

    def _folder(self, name: str) -> VerifiedFolder:
        insist_on_extra()
        if name not in self._verified:
            self._verified[name] = self._store.folder(name, self.progress)
        return self._verified[name]


EXTRA = ("torch", "diffusers", "transformers", "accelerate", "safetensors", "sentencepiece", "torchao")
"""Packages of the extra, as they are imported."""


@cache
def insist_on_extra() -> None:
    """Raises RequestError ``engine-not-installed`` unless torch and diffusers are here. Loads neither."""
    from importlib.util import find_spec  # noqa: PLC0415

    missing = [name for name in EXTRA if find_spec(name) is None]
    if missing:
        raise RequestError(
            "engine-not-installed",
            f"The VOID engine needs {', '.join(missing)}, which this installation lacks.",
            "Install the extra: pip install 'void-audit[void]' (torch as your accelerator needs it).",
        )
