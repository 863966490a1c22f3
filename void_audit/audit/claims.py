"""What a file's C2PA manifest claims, and what is wrong with it: values only.

Texts in them come from the file: whoever shows them escapes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from void_audit.model.proof import LedgerAssertion


class ManifestState(StrEnum):
    """What was found. Only ``TRUSTED`` chains to a pinned root; ``VALID`` is anybody's key."""

    MISSING = "missing"
    UNREADABLE = "unreadable"
    INVALID = "invalid"
    VALID = "valid"
    TRUSTED = "trusted"


@dataclass(frozen=True)
class ActionEvidence:
    """One claimed action."""

    action: str
    digital_source_type: str
    description: str
    parameters: Mapping[str, Any]
    changes: Sequence[Any]


@dataclass(frozen=True)
class IngredientEvidence:
    """One ingredient. ``state`` is that of its own manifest, ``MISSING`` if it came without."""

    title: str
    relationship: str
    media_type: str
    manifest: str | None
    state: ManifestState
    failures: tuple[str, ...]
    """Recorded when it was taken in, and found now."""
    description: str = ""

    @property
    def has_manifest(self) -> bool:
        """Whether it came with credentials, whatever their state."""
        return self.manifest is not None


@dataclass(frozen=True)
class ManifestEvidence:
    """All that a file's manifest says, with what is wrong with it."""

    state: ManifestState
    label: str = ""
    title: str = ""
    binding_failures: tuple[str, ...] = ()
    """C2PA failure codes of the active manifest that mean: other bytes than those that were sealed."""
    signer_failures: tuple[str, ...] = ()
    """C2PA failure codes of its certificates and time: unknown, expired, not fit for signing."""
    trusted_signer: bool = False
    """Its signature is good and its certificate chains to a pinned root."""
    ingredient_failures: tuple[str, ...] = ()
    """Failure codes of ingredients that were not there when it was sealed: a tampered parent shows up
    nowhere else. That nobody here knows an ingredient's signer is no failure; see its ``state``."""
    ledger: LedgerAssertion | None = None
    embedded: Mapping[str, bytes] = field(default_factory=dict)
    """By title."""
    actions: tuple[ActionEvidence, ...] = ()
    all_actions_included: bool = False
    ingredients: tuple[IngredientEvidence, ...] = ()
    certificates: tuple[str, ...] = ()
    """SHA-256 of each certificate (DER) of the signature, leaf first."""
    chain: tuple[bytes, ...] = ()
    """Those certificates."""
    signature_good: bool = False
    """The signature is the leaf's, whoever that is, and whether its time is over or not."""
    issuer: str = ""
    """Organisation in the leaf, as it names itself: means nothing unless trusted."""
    signed_at: str | None = None
    """Time of an RFC 3161 token that validated; the signer's own clock is never shown."""
    problems: tuple[str, ...] = ()
    """In words: what could not be read, and why."""

    @property
    def components(self) -> tuple[IngredientEvidence, ...]:
        """What was put in: the supplied clip in a file of ours that has one."""
        return tuple(i for i in self.ingredients if i.relationship == "componentOf")

    @property
    def parents(self) -> tuple[IngredientEvidence, ...]:
        """What it was made from: exactly one in a file of ours."""
        return tuple(i for i in self.ingredients if i.relationship == "parentOf")
