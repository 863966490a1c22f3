"""What every record is: a predicate of some kind, signed under a role that may answer for it."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from void_audit.model.base import Name, Sha256, Value

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
PREDICATE_BASE = "https://voidaudit.org/records/"

KeyId = Sha256
"""SHA-256 of a public key's SubjectPublicKeyInfo (DER)."""


class Role(StrEnum):
    """What a key may be answerable for."""

    EDITOR = "editor"
    REASONER = "reasoner"
    """May ask models about footage."""
    APPROVER = "approver"
    COMPLIANCE = "compliance"
    ADMIN = "admin"
    MACHINE = "machine"


class Kind(StrEnum):
    """Record kinds that this version writes and reads."""

    KEY_EVENT = "key-event"
    SOURCE = "source"
    INTENT = "intent"
    POLICY_DECISION = "policy-decision"
    SEGMENTATION = "segmentation"
    QUERY = "query"
    REFUSED_REPLY = "refused-reply"
    REASONING = "reasoning"
    MASK = "mask"
    MASK_REVISION = "mask-revision"
    PROMPT_REVISION = "prompt-revision"
    PLAN = "plan"
    APPROVAL = "approval"
    REJECTION = "rejection"
    PASS = "pass"
    COMPOSITE = "composite"
    OUTPUT = "output"
    SEAL = "seal"
    ERASURE = "erasure"


class Predicate(Value):
    """Common to all kinds. ``claimed_time`` is the signer's own clock (RFC 3339): never evidence of time."""

    kind: ClassVar[Kind]
    version: ClassVar[int] = 1
    signers: ClassVar[frozenset[Role]]
    """A record of this kind must be signed under a key that holds one of these roles."""

    claimed_time: Name
    edit: Name | None
