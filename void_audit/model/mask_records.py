"""The records of what people and machines say may change: masks, their revisions, and revisions of the prompt."""

from __future__ import annotations

from typing import ClassVar, Literal

from void_audit.model.base import BlobRef, Name, Sha256, Text
from void_audit.model.mask import MaskIdentity, MaskStatistics
from void_audit.model.mask_schema import MaskSchema
from void_audit.model.predicate import Kind, Predicate, Role


class MaskState(Predicate):
    """A mask as it stands after a record. Subject: its Merkle root over class indices."""

    edit: Name
    mask_schema: MaskSchema
    identity: MaskIdentity
    mask: BlobRef
    frame_hashes: BlobRef
    """JSON list of the per-frame SHA-256 digests, in hexadecimal."""
    statistics: MaskStatistics
    preview: BlobRef


class MaskRecord(MaskState):
    """The first mask of an edit."""

    kind: ClassVar = Kind.MASK
    signers: ClassVar = frozenset({Role.MACHINE})

    origin: Literal["composed", "imported"]
    changes: tuple[Text, ...] = ()
    """What an import had to change, in words."""


class MaskRevision(MaskState):
    """A mask that a person changed. Nothing is overwritten: ``parent`` is the root of the mask before."""

    kind: ClassVar = Kind.MASK_REVISION
    signers: ClassVar = frozenset({Role.EDITOR})

    parent: Sha256
    origin: Literal["edited", "imported"]
    edits: BlobRef | None
    """Salted: the MaskEdits as JSON; None for an import, and where an earlier mask was taken again."""
    changes: tuple[Text, ...] = ()
    """What an import had to change, or which earlier mask was taken again, in words."""
    changed_percent_max: float
    """Largest share of a frame whose class became another one."""


class PromptRevision(Predicate):
    """A person gives or confirms another description of the world after the edit. Subject: the prompt."""

    kind: ClassVar = Kind.PROMPT_REVISION
    signers: ClassVar = frozenset({Role.EDITOR})

    edit: Name
    parent: Sha256
    """Digest of the (salted) prompt blob before."""
    prompt: BlobRef
    """Salted: a prompt.json."""
    origin: Literal["written", "proposed"]
    """By the person, or as the reasoner proposed it."""
