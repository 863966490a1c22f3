"""Typed facts: all that policy ever sees. Computed once, stored in the ledger, replayable."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, Field

from void_audit.model.base import Name, Value


class RequestFacts(Value):
    """From the request."""

    operation: Name
    asset_class: Name
    purpose: str
    distribution: tuple[Name, ...]
    instruction_words: tuple[str, ...]
    """Of instruction, object and background prompt, sorted, distinct, taken as ``policy.words`` says."""
    rights_not_before: AwareDatetime | None
    rights_not_after: AwareDatetime | None
    requester_roles: tuple[Name, ...]
    asked_words: tuple[str, ...] = ()
    """Words of instruction and object alone: what is asked for, not what stays."""
    object_words: tuple[str, ...] = ()
    """Words of the object alone, as the request names it; empty with extractor 1, which knows no such fact."""
    swept_words: tuple[str, ...] = ()
    """Words of instruction and object of which "all", "every" and the like are said (``policy.sweeping``), sorted,
    distinct; empty with extractors 1 and 2, which know no such fact."""
    consent_given: bool = False
    """Whether the request says under which consent of the people shown it is made."""
    supplied_clip: bool = False
    """Whether pictures of another clip are to be put in."""


class SourceFacts(Value):
    """From the source clip."""

    stored: bool
    """The original is hashed and kept."""
    credentials: Name
    width: int
    height: int
    duration_seconds: float


class MaskFacts(Value):
    """From the mask: largest shares of a frame by what its classes count as."""

    removed_percent_max: float
    affected_percent_max: float
    opened_percent_max: float
    deemphasized_percent_max: float = 0.0
    replaced_percent_max: float = 0.0
    schema_name: Name = "quadmask"
    classes: tuple[Name, ...] = ()
    """Names of the classes that the mask holds, in the schema's order."""
    revisions: int = 0
    """How often people changed it by hand."""


class QueryFacts(Value):
    """Of a question to a reasoner, before it is asked."""

    engine: Name
    is_model: bool
    remote: bool
    """Pictures leave this machine."""
    asked_last_day: int
    """Questions that the same person put to models in the 24 hours before, in this ledger: those that stand before
    this one in the log."""


class ReasoningFacts(Value):
    """From the reasoner's checked answer."""

    engine: Name
    is_model: bool
    confidence: float
    affected: int
    moving: int
    """Affected physical objects that would move otherwise."""
    words: tuple[str, ...]


class EngineFacts(Value):
    """From the plan."""

    segmenter: Name
    synthesizer: Name
    refiner: Name
    counterfactual_dynamics: bool
    weights: tuple[Name, ...]
    """SHA-256 of every model file that takes part."""
    weights_approved: bool
    """Every one of them is in the registry."""
    executions: tuple[Name, ...] = ()
    """Execution profiles of the passes that a diffusion model makes: resident, small, fast, draft."""
    numerics: tuple[Name, ...] = ()
    """Their arithmetic: reference, corrected."""


class OutputFacts(Value):
    """Measured on the encoded file."""

    keep_samples_changed: int
    containment_worst: float
    source_credentials_kept: bool


class Facts(Value):
    """What is known at a stage: later parts are None before their stage. ``now`` is an input, not a clock."""

    now: AwareDatetime
    extractor: Annotated[int, Field(ge=1)] = 1
    """The numbered way in which words were taken from texts; facts of before it was recorded say nothing of it."""
    request: RequestFacts
    source: SourceFacts
    query: QueryFacts | None = None
    mask: MaskFacts | None = None
    reasoning: ReasoningFacts | None = None
    engine: EngineFacts | None = None
    output: OutputFacts | None = None
