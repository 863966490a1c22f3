"""What an evidence bundle holds: the listing that the house signs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from void_audit.model.base import Name, Sha256, Text, Value

BUNDLE_FORMAT = "void-audit-bundle/v1"


class BundleMember(Value):
    """A file of the bundle."""

    name: Name
    size: Annotated[int, Field(ge=0)]
    sha256: Sha256


class BundleToken(Value):
    """An RFC 3161 token of the bundle: ``member`` is its DER file."""

    member: Name
    covers: Literal["checkpoint", "file-checkpoint", "file"]
    """The bundle's checkpoint, the one inside the finished file, or that file itself."""
    authority: Text
    """Where it was asked for; nothing rests on it."""


class AbsentBlob(Value):
    """Content that a record names and the bundle does not hold."""

    sha256: Sha256
    media_type: Name
    because: Literal["erased", "missing", "left out"]


class BundleListing(Value):
    """``bundle.json``: everything in the bundle but itself and its signature, and what is left to say of it."""

    format: Name = BUNDLE_FORMAT
    edit: Name
    origin: Name
    """Of the log."""
    made_by: Name
    claimed_time: Name
    """The maker's own clock: never evidence of time."""
    size: Annotated[int, Field(ge=1)]
    """Entries under the bundle's checkpoint, on which every proof is."""
    file_size: Annotated[int, Field(ge=1)]
    """Entries under the checkpoint inside the finished file."""
    consistency: Annotated[tuple[Sha256, ...], Field(max_length=63)]
    """RFC 6962 proof that the first ``size`` entries extend the first ``file_size``."""
    key_events: Annotated[int, Field(ge=1)]
    """How many the log holds under the bundle's checkpoint, says whoever made it: all are in the bundle."""
    timestamps: Annotated[tuple[BundleToken, ...], Field(max_length=48)] = ()
    absent: Annotated[tuple[AbsentBlob, ...], Field(max_length=20_000)] = ()
    members: Annotated[tuple[BundleMember, ...], Field(max_length=60_000)]
    """In ascending order of their names."""
