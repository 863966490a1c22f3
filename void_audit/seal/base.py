"""The interface of sealing: a finished file and what is claimed of it, in; a file with its manifest, out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from void_audit.model.geometry import FrameRange, Rect
from void_audit.model.plan import EditPlan
from void_audit.model.proof import LedgerAssertion


@dataclass(frozen=True)
class EditedRegion:
    """Where pixels could change: a rectangle in source pixels on a range of frames."""

    frames: FrameRange
    rect: Rect


@dataclass(frozen=True)
class EmbeddedData:
    """Bytes that travel inside the manifest, bound by hash: ``prompt.json``, preview, ``quadmask.mkv``.

    ``title`` is unique within the manifest: a reader finds the bytes by it.
    """

    title: str
    media_type: str
    content: bytes | Path


@dataclass(frozen=True)
class SealRequest:
    """What to seal and what to claim of it.

    ``unsealed`` is the encoded file and stays as it is; ``destination`` appears whole or not at all.
    ``source`` is the clip as it came in: it becomes the parent ingredient with the credentials it has.
    ``approved`` is true only if people approved exactly this plan.
    """

    unsealed: Path
    destination: Path
    source: Path
    source_name: str
    plan: EditPlan
    frame_rate: str
    """Frames per second of the finished file, as a fraction."""
    regions: Sequence[EditedRegion]
    assertion: LedgerAssertion
    embedded: Sequence[EmbeddedData]
    approved: bool
    removed: bool = True
    """Whether the mask takes anything away; else things only look otherwise, or another clip's pictures are shown."""
    supplied: Path | None = None
    """The clip whose pictures were put in: it becomes a component ingredient with the credentials it has."""


@dataclass(frozen=True)
class SealedFile:
    """A file with its manifest. ``sidecar`` holds the manifest where the container cannot (Matroska)."""

    path: Path
    sha256: str
    manifest: str
    """Label of the active C2PA manifest."""
    certificate: str
    """SHA-256 of the DER signing certificate."""
    sidecar: Path | None = None


class Sealer(Protocol):
    """Binds claims to a file."""

    def seal(self, request: SealRequest) -> SealedFile:
        """Write ``request.destination``.

        Raises:
            SealError: it could not be sealed; nothing is left at the destination.
            StorageError: it could not be written.
        """
