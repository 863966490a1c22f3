"""Records of the house rather than of one edit: whose keys count, and what was erased."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from void_audit.model.base import BlobRef, Name, Sha256
from void_audit.model.predicate import KeyId, Kind, Predicate, Role

MAX_ERASED = 800
"""Blobs in one erasure: what fits a leaf. More take several records."""


class HouseRecord(Predicate):
    """A record that belongs to no edit: every file and bundle shows those that bear on it."""

    edit: None = None


class KeyEvent(HouseRecord):
    """What happens to a key. ``sequence`` counts key events from 0; ``previous`` chains them.

    ``enrol`` and ``revoke`` are signed by an administrator; ``suspect`` too: it says from which entry on
    signatures under a key, revoked or not, may be somebody else's. ``rotate`` is signed by the old key and the
    new one, which takes over the old one's roles; the old one ends there.
    """

    kind: ClassVar = Kind.KEY_EVENT
    version: ClassVar = 2
    signers: ClassVar = frozenset({Role.ADMIN})

    action: Literal["enrol", "rotate", "revoke", "suspect"]
    key: KeyId
    algorithm: Literal["ed25519"]
    public_key: Annotated[str, Field(max_length=400)]
    """SubjectPublicKeyInfo, DER, base64."""
    roles: tuple[Role, ...]
    sequence: Annotated[int, Field(ge=0)]
    previous: Sha256 | None
    """Leaf hash of the previous key event; None only for sequence 0, which enrols its own signer."""
    holder: BlobRef
    """Salted: the person's or machine's name."""
    replaces: KeyId | None = None
    """Only where a key is rotated: the old one."""
    compromised_since: Annotated[int, Field(ge=0)] | None = None
    """Of ``revoke`` and ``suspect``: the first entry whose signature under this key is suspect."""


class Erasure(HouseRecord):
    """Content that is gone on purpose. Subjects: none; the digests are those of the blobs that held it."""

    kind: ClassVar = Kind.ERASURE
    signers: ClassVar = frozenset({Role.ADMIN, Role.COMPLIANCE})

    subject: Name
    """``edit:<id>`` or ``key:<key id>``: whose content it was."""
    blobs: Annotated[tuple[Sha256, ...], Field(min_length=1, max_length=MAX_ERASED)]
    reason: BlobRef
    """Salted, and kept: why."""
