"""What ran: engines, the model files they use, and the callback through which long work reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from pydantic import Field

from void_audit.model.base import Name, Sha256, Text, Value

Progress = Callable[[str, int, int], None]
"""``progress(what, done, total)``. It may raise ``Cancelled`` to stop the work."""


def no_progress(what: str, done: int, total: int) -> None:
    """A callback that ignores everything."""


class WeightsRef(Value):
    """One model file, by digest."""

    name: Name
    sha256: Sha256


class EngineInfo(Value):
    """An engine that says honestly what it is."""

    name: Name
    version: Name
    kind: Literal["rules", "classical", "model", "scripted"]
    description: Text
    weights: tuple[WeightsRef, ...] = ()
    remote: bool = False
    """Whether what it is given leaves this machine."""
    counterfactual_dynamics: bool = False
    """Whether it can predict what would have *moved* differently. Only a trained world model can claim it."""


class RunFacts(Value):
    """Facts of one stage's execution: they explain, they are never trusted as evidence of time."""

    device: Name
    wall_seconds: float
    libraries: Mapping[str, str] = Field(default_factory=dict)
