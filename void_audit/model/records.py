"""The records of the ledger: one predicate class per kind, inside an in-toto Statement v1.

An entry of the log is a DSSE envelope over ``Statement`` (spec/ledger section 1). ``predicateType`` is
``https://voidaudit.org/records/<kind>/v<version>``; a predicate class is the newest version of its kind
and older versions are upgraded on reading. No record carries personal text: that lives in salted blobs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from void_audit.model.base import BlobRef, Name, Scalar, Sha256, Share, Text, Value
from void_audit.model.clip import ClipInfo, PacketDigests
from void_audit.model.decision import PolicyDecision
from void_audit.model.engine import EngineInfo, RunFacts
from void_audit.model.house_records import Erasure, HouseRecord, KeyEvent
from void_audit.model.mask_records import MaskRecord, MaskRevision, MaskState, PromptRevision
from void_audit.model.plan import EncoderSettings
from void_audit.model.predicate import (
    PAYLOAD_TYPE,
    PREDICATE_BASE,
    STATEMENT_TYPE,
    KeyId,
    Kind,
    Predicate,
    Role,
)


class Source(Predicate):
    """The clip as it came in. Subject: the file's SHA-256."""

    kind: ClassVar = Kind.SOURCE
    signers: ClassVar = frozenset({Role.MACHINE})

    edit: Name
    clip: ClipInfo
    packets: PacketDigests
    credentials: Literal["none", "invalid", "valid", "trusted", "unreadable"]
    """State of a C2PA manifest found in the source; ``valid`` is anybody's key."""


class Intent(Predicate):
    """What a person asks for. Subject: the source's SHA-256."""

    kind: ClassVar = Kind.INTENT
    signers: ClassVar = frozenset({Role.EDITOR})

    edit: Name
    requester: KeyId
    operation: Name
    asset_class: Name
    distribution: tuple[Name, ...]
    clicks: int
    request: BlobRef
    """Salted: the whole EditRequest as JSON."""
    prompt: BlobRef
    """Salted: prompt.json, byte for byte as given."""
    supplied: BlobRef | None = None
    """The clip whose pictures are to be put in, byte for byte as given. Subject: supplied."""


class PolicyDecisionRecord(Predicate):
    """A decision and the facts it was made on, so that anyone can recompute it."""

    kind: ClassVar = Kind.POLICY_DECISION
    signers: ClassVar = frozenset({Role.MACHINE})

    edit: Name
    decision: BlobRef
    """The PolicyDecision as JSON: it can outgrow a leaf. Salted, as the facts: both quote the request."""
    facts: BlobRef
    stage: Name
    verdict: Name
    approvals_required: int
    packs: Mapping[str, Sha256]
    """Pack name to SHA-256 of its text."""
    fired: tuple[Name, ...]
    engine: Name


class Segmentation(Predicate):
    """The object on every frame. Subject: the track file."""

    kind: ClassVar = Kind.SEGMENTATION
    signers: ClassVar = frozenset({Role.MACHINE})

    edit: Name
    engine: EngineInfo
    settings: Mapping[str, Scalar] = Field(default_factory=dict)
    track: BlobRef
    width: int
    height: int
    frames: int
    confidence: tuple[Share, Share, Share]
    """Minimum, median, maximum over the frames."""
    confidences: BlobRef
    warnings: tuple[Text, ...]
    run: RunFacts


class Query(Predicate):
    """A question that is about to be put to a reasoner: on record whether or not an answer or an edit follows.

    Subject: the request. Signed by whoever asks.
    """

    kind: ClassVar = Kind.QUERY
    signers: ClassVar = frozenset({Role.EDITOR, Role.REASONER})

    edit: Name
    engine: EngineInfo
    settings: Mapping[str, Scalar]
    request: Sha256
    """Digest of the (salted) request blob: instruction, clicks, background prompt."""


class ExchangeRecord(Value):
    """What was sent and what came back. All blobs are salted."""

    request: BlobRef
    reply: BlobRef
    attempts: int = 1
    model_version: Text = ""
    usage: Mapping[Name, int] = Field(default_factory=dict)
    safety: BlobRef | None = None
    """The service's own verdict: words of a stranger, which may say what is seen in the footage."""


class RefusedReply(Predicate):
    """A question without a usable answer: what came back, and why it was not used. Subject: the reply."""

    kind: ClassVar = Kind.REFUSED_REPLY
    signers: ClassVar = frozenset({Role.MACHINE})

    edit: Name
    engine: EngineInfo
    exchange: ExchangeRecord
    code: Name
    """Of the error."""
    reason: BlobRef
    """Salted: the error in words, which may quote the reply."""
    run: RunFacts


class ReasoningRecord(Predicate):
    """What was asked and answered, and what of it was accepted. Subject: the reply."""

    kind: ClassVar = Kind.REASONING
    signers: ClassVar = frozenset({Role.MACHINE})

    edit: Name
    engine: EngineInfo
    settings: Mapping[str, Scalar]
    exchange: ExchangeRecord
    consequences: BlobRef
    """Salted: the checked Consequences as JSON."""
    affected: int
    warnings: tuple[Text, ...]
    run: RunFacts


class PlanRecord(Predicate):
    """The exact plan. Subject: its digest. A later plan of the same edit makes earlier approvals lapse."""

    kind: ClassVar = Kind.PLAN
    signers: ClassVar = frozenset({Role.MACHINE})

    edit: Name
    plan: BlobRef
    digest: Sha256
    """SHA-256 of the plan's RFC 8785 bytes; equal to ``plan.sha256``."""
    run: RunFacts


class Approval(Predicate):
    """A person answers for one exact plan. Subject: the plan's digest."""

    kind: ClassVar = Kind.APPROVAL
    signers: ClassVar = frozenset({Role.APPROVER, Role.COMPLIANCE})

    edit: Name
    plan: Sha256
    comment: BlobRef | None = None


class Rejection(Predicate):
    """A person refuses one exact plan: the edit ends there."""

    kind: ClassVar = Kind.REJECTION
    signers: ClassVar = frozenset({Role.APPROVER, Role.COMPLIANCE})

    edit: Name
    plan: Sha256
    comment: BlobRef | None = None


class PassRecord(Predicate):
    """One synthesis pass. Subject: the lossless take."""

    kind: ClassVar = Kind.PASS
    version: ClassVar = 2
    signers: ClassVar = frozenset({Role.MACHINE})

    edit: Name
    number: Literal[1, 2]
    plan: Sha256
    engine: EngineInfo
    take: BlobRef
    statistics: Mapping[str, float]
    warnings: tuple[Text, ...]
    execution: Mapping[Name, Text]
    """What really computed it, in the engine's words: device, kernels, digests of the noise drawn."""
    run: RunFacts


class CompositeRecord(Predicate):
    """What was laid over the source, measured before encoding."""

    kind: ClassVar = Kind.COMPOSITE
    signers: ClassVar = frozenset({Role.MACHINE})

    edit: Name
    plan: Sha256
    frames: int
    keep_samples: int
    """Samples (luma and chroma) that touch a KEEP pixel."""
    keep_samples_changed: int
    """How many of them differ from the source before encoding: 0, or the edit is not delivered."""
    opened_share_max: Share
    run: RunFacts


class Output(Predicate):
    """The encoded, not yet sealed, file. Subject: its SHA-256."""

    kind: ClassVar = Kind.OUTPUT
    signers: ClassVar = frozenset({Role.MACHINE})

    edit: Name
    plan: Sha256
    clip: ClipInfo
    packets: PacketDigests
    encoder: EncoderSettings
    containment_worst: float
    """Largest deviation outside the mask after encoding (see audit.containment), in levels."""
    counterfactual_dynamics: bool
    key_events: int
    """Number of key events in the log when this was written: an omitted one is noticed."""


class SealRecord(Predicate):
    """The finished file. Subject: its SHA-256. Cannot be inside the file; FILE.receipt carries it."""

    kind: ClassVar = Kind.SEAL
    signers: ClassVar = frozenset({Role.MACHINE})

    edit: Name
    unsealed: Sha256
    sidecar: BlobRef | None = None
    """The manifest, where the container cannot hold it."""
    manifest: Name
    """Label of the active C2PA manifest."""
    certificate: Sha256
    """SHA-256 of the DER signing certificate."""
    log_size: int
    """Size of the checkpoint inside the manifest."""


PREDICATES: dict[Kind, type[Predicate]] = {
    cls.kind: cls
    for cls in (
        KeyEvent, Source, Intent, PolicyDecisionRecord, Segmentation, Query, RefusedReply, ReasoningRecord,
        MaskRecord, MaskRevision, PromptRevision, PlanRecord, Approval, Rejection, PassRecord, CompositeRecord, Output,
        SealRecord, Erasure,
    )
}  # fmt: skip


class Subject(Value):
    """An artifact that a statement is about."""

    name: Name
    digest: Mapping[Literal["sha256"], Sha256]


class Statement(Value):
    """An in-toto Statement v1 with one of our predicates, parsed."""

    subjects: tuple[Subject, ...]
    predicate: Predicate

    @property
    def kind(self) -> Kind:
        """Kind of the predicate."""
        return self.predicate.kind

    def to_json(self) -> dict[str, Any]:
        """The JSON object that is canonicalised and signed."""
        predicate = self.predicate
        return {
            "_type": STATEMENT_TYPE,
            "subject": [s.model_dump(mode="json") for s in self.subjects],
            "predicateType": f"{PREDICATE_BASE}{predicate.kind}/v{predicate.version}",
            "predicate": predicate.model_dump(mode="json"),
        }


__all__ = [
    "PAYLOAD_TYPE", "PREDICATES", "PREDICATE_BASE", "STATEMENT_TYPE", "Erasure", "HouseRecord", "KeyEvent", "KeyId",
    "Kind", "MaskRecord", "MaskRevision", "MaskState", "PolicyDecision", "Predicate", "PromptRevision", "Role",
    "Statement",
]  # fmt: skip
