"""The engines of this machine, built when they are needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from void_audit.errors import ReasoningError, RequestError, WeightsError
from void_audit.model.engine import Progress, no_progress
from void_audit.model.plan import (
    DeemphasizeSettings,
    NoRefineSettings,
    Pass1Settings,
    Pass2Settings,
    SuppliedSettings,
)
from void_audit.model.seeing import (
    GeminiSettings,
    OpenAiSettings,
    ReasonerSettings,
    Sam2Settings,
    SegmenterSettings,
)
from void_audit.model.void import VoidRefineSettings, VoidSettings
from void_audit.pipeline.reason.base import Reasoner
from void_audit.pipeline.segment.base import Segmenter
from void_audit.pipeline.synthesize.base import Job, Refiner, Synthesizer
from void_audit.settings import Environment
from void_audit.weights.registry import Registry, shipped
from void_audit.weights.store import ModelStore

if TYPE_CHECKING:
    from void_audit.pipeline.reason.vlm.base import Transport
    from void_audit.weights.folders import VerifiedFolder


@dataclass(frozen=True)
class LocalEngines:
    """The embedded engines need no GPU, no key and no network; void, sam2 and the models that reason need theirs."""

    models: Path
    registry: Registry | None = None
    """What may be loaded; default: what is shipped."""
    progress: Progress = no_progress
    _verified: dict[str, VerifiedFolder] = field(default_factory=dict, compare=False, repr=False)
    """Folders whose files were hashed: two passes of one edit need not do so twice."""

    def segmenter(self, settings: SegmenterSettings) -> Segmenter:
        """U2-Net-P with flow and background plate; or SAM 2.

        Raises:
            WeightsError: files of the model are missing or are others.
            RequestError: ``engine-not-installed``.
        """
        if isinstance(settings, Sam2Settings):
            from void_audit.pipeline.segment.sam2 import packages  # noqa: PLC0415

            insist_on("The SAM 2 segmenter", packages.missing_packages(), packages.RECIPE)
            from void_audit.pipeline.segment.sam2.engine import Sam2Segmenter  # noqa: PLC0415

            return Sam2Segmenter(self._sam2_folder(settings), settings)
        from void_audit.pipeline.segment.click import ClickSegmenter  # noqa: PLC0415

        return ClickSegmenter(self._store.path("u2netp"))

    def _sam2_folder(self, settings: Sam2Settings) -> VerifiedFolder:
        """The model folder; where it is not approved, the error says which file goes where."""
        try:
            return self._folder(settings.folder)
        except WeightsError as error:
            if error.code == "weights-unknown":
                from void_audit.pipeline.segment.sam2.packages import CHECKPOINTS  # noqa: PLC0415

                error.hint = (
                    f"Put SAM 2.1's {CHECKPOINTS[settings.size]}.pt into {self._store.root / settings.folder}, then "
                    f"approve it: `void-audit models add {settings.folder} --licence Apache-2.0 --origin TEXT` "
                    "(docs/sam2.md has the digests)."
                )
            raise

    def reasoner(self, settings: ReasonerSettings) -> Reasoner:
        """Rules; or a vision-language model.

        Raises:
            RequestError: ``engine-not-installed``; ``reasoner-key`` if the service wants one and none is given, or
                what is given cannot be one; ``reasoner-failed`` if the model's name cannot be one.
        """
        if isinstance(settings, GeminiSettings | OpenAiSettings):
            from void_audit.pipeline.reason.vlm.asking import VlmReasoner  # noqa: PLC0415

            try:
                return VlmReasoner(self._transport(settings))
            except ReasoningError as error:  # nothing was asked: it is the command that is wrong
                raise RequestError(error.code, error.message, error.hint) from None
        from void_audit.pipeline.reason.contact import ContactReasoner  # noqa: PLC0415

        return ContactReasoner()

    def _transport(self, settings: GeminiSettings | OpenAiSettings) -> Transport:
        environment = Environment()
        if isinstance(settings, OpenAiSettings):
            from void_audit.pipeline.reason.openai_compatible import (  # noqa: PLC0415
                OpenAiTransport,
                missing_packages,
            )

            insist_on("The reasoner", missing_packages(), _recipe("gemini"))
            return OpenAiTransport(settings, environment.reasoner_key())
        from void_audit.pipeline.reason.gemini import GeminiTransport  # noqa: PLC0415
        from void_audit.pipeline.reason.gemini import missing_packages as missing  # noqa: PLC0415

        insist_on("The Gemini reasoner", missing(), _recipe("gemini"))
        key = environment.gemini_key()
        if key is None:
            raise RequestError(
                "reasoner-key",
                "Gemini needs a key, and none is given.",
                "Set GEMINI_API_KEY in the environment.",
            )
        return GeminiTransport(settings, key)

    def synthesizer(self, settings: Pass1Settings, job: Job) -> Synthesizer:
        """Fill from other frames, then by exemplar; tone down; put another clip in; or Netflix's model.

        Raises:
            WeightsError: files of the model are missing or are others.
            RequestError: ``engine-not-installed``.
        """
        if isinstance(settings, VoidSettings):
            insist_on_extra()
            folder = self._folder(settings.model)
            from void_audit.pipeline.synthesize.void.engine import VoidSynthesizer  # noqa: PLC0415

            return VoidSynthesizer(folder, settings, job)
        if isinstance(settings, DeemphasizeSettings):
            from void_audit.pipeline.synthesize.deemphasize import DeemphasizeSynthesizer  # noqa: PLC0415

            return DeemphasizeSynthesizer()
        if isinstance(settings, SuppliedSettings):
            from void_audit.pipeline.synthesize.supplied import SuppliedSynthesizer  # noqa: PLC0415

            return SuppliedSynthesizer(job.supplied)
        from void_audit.pipeline.synthesize.propagate import PropagateSynthesizer  # noqa: PLC0415

        return PropagateSynthesizer()

    def refiner(self, settings: Pass2Settings, job: Job) -> Refiner:
        """Temporal refinement along optical flow; or Netflix's pass 2; or none. Raises as ``synthesizer``."""
        if isinstance(settings, VoidRefineSettings):
            insist_on_extra()
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
        if name not in self._verified:
            self._verified[name] = self._store.folder(name, self.progress)
        return self._verified[name]


VOID_RECIPE = "Install the extra: pip install 'void-audit[void]' (torch as your accelerator needs it)."
EXTRA = ("torch", "diffusers", "transformers", "accelerate", "safetensors", "sentencepiece", "torchao")
"""Packages of the extra, as they are imported."""


@cache
def insist_on_extra() -> None:
    """Raises RequestError ``engine-not-installed`` unless torch and diffusers are here. Loads neither."""
    from importlib.util import find_spec  # noqa: PLC0415

    insist_on("The VOID engine", [name for name in EXTRA if find_spec(name) is None], VOID_RECIPE)


def _recipe(extra: str) -> str:
    return f"Install the extra: pip install 'void-audit[{extra}]'."


def insist_on(what: str, missing: Sequence[str], recipe: str) -> None:
    """Raises RequestError ``engine-not-installed`` if packages of an extra are missing."""
    if missing:
        raise RequestError(
            "engine-not-installed",
            f"{what} needs {', '.join(missing)}, which this installation lacks.",
            recipe,
        )
