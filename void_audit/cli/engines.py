"""The engines that run anywhere, built when they are needed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from void_audit.pipeline.reason.base import Reasoner
from void_audit.pipeline.segment.base import Segmenter
from void_audit.pipeline.synthesize.base import Refiner, Synthesizer


@dataclass(frozen=True)
class EmbeddedEngines:
    """No GPU, no key, no network: click, contact, propagate, flow-refine."""

    models: Path

    def segmenter(self) -> Segmenter:
        """U2-Net-P with flow and background plate. Raises WeightsError if the model file is not there."""
        from void_audit.pipeline.segment.click import ClickSegmenter  # noqa: PLC0415
        from void_audit.weights.store import ModelStore  # noqa: PLC0415

        return ClickSegmenter(ModelStore(self.models).path("u2netp"))

    def reasoner(self) -> Reasoner:
        """Rules."""
        from void_audit.pipeline.reason.contact import ContactReasoner  # noqa: PLC0415

        return ContactReasoner()

    def synthesizer(self) -> Synthesizer:
        """Fill from other frames, then by exemplar."""
        from void_audit.pipeline.synthesize.propagate import PropagateSynthesizer  # noqa: PLC0415

        return PropagateSynthesizer()

    def refiner(self) -> Refiner:
        """Temporal refinement along optical flow."""
        from void_audit.pipeline.synthesize.flow_refine import FlowRefiner  # noqa: PLC0415

        return FlowRefiner()
