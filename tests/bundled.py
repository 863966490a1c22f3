"""Bundles taken apart, changed and put together again: by an attacker, or by a house that lies."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

from void_audit.canon import bundle as layout
from void_audit.canon.hashing import sha256_hex
from void_audit.canon.zip import ZipWriter, read_zip
from void_audit.model.bundle import BundleListing, BundleMember
from void_audit.workflow.bundling import Bundled, write_bundle

Files = dict[str, bytes]


def bundled(house, edit: str, out: Path, media: bool = False, **names: str) -> Bundled:
    """The bundle of an edit of a house, with that house's pins."""
    return write_bundle(house.workshop, edit, out, house.pins(), names, media)


def unzipped(path: Path) -> Files:
    """Every member by name."""
    with path.open("rb") as stream:
        return {member.name: b"".join(chunks) for member, chunks in read_zip(stream)}


def zipped(files: Files) -> bytes:
    """A container that is in order, whatever is in it."""
    stream = io.BytesIO()
    writer = ZipWriter(stream)
    for name in sorted(files):
        writer.add(name, len(files[name]), [files[name]])
    writer.close()
    return stream.getvalue()


def listing_of(files: Files) -> BundleListing:
    """What its ``bundle.json`` says."""
    return layout.read_listing(files[layout.LISTING])


def signed_again(
    files: Files, signer, tell: Callable[[BundleListing], BundleListing] = lambda told: told
) -> Files:
    """The files with a listing that lists them as they are now, told otherwise by ``tell``, and a signature on it."""
    rest = {n: d for n, d in files.items() if n not in {layout.LISTING, layout.SIGNATURE}}
    members = tuple(BundleMember(name=n, size=len(rest[n]), sha256=sha256_hex(rest[n])) for n in sorted(rest))
    listing = tell(listing_of(files).model_copy(update={"members": members}))
    data = layout.listing_bytes(listing)
    return {**rest, layout.LISTING: data, layout.SIGNATURE: layout.seal_listing(data, signer)}


def written(path: Path, files: Files) -> Path:
    """The files as a bundle at ``path``."""
    path.write_bytes(zipped(files))
    return path
