"""An evidence bundle, opened on a machine that has nothing else: contained, complete, and read but not yet judged.

What does not hold here is refused with an error: bytes that are no bundle say nothing. Who signed the listing, what
the records prove and whether the video agrees with them is for the obligations.
"""

from __future__ import annotations

import base64
import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from void_audit.canon import bundle as layout
from void_audit.canon import tlog_proof
from void_audit.canon.dsse import MAX_ENVELOPE, Envelope
from void_audit.canon.hashing import sha256_hex
from void_audit.canon.note import MAX_NOTE
from void_audit.canon.proof import pack
from void_audit.canon.zip import read_zip
from void_audit.errors import BundleError, StorageError
from void_audit.media.atomic import writing
from void_audit.model.bundle import BundleListing, BundleMember
from void_audit.model.proof import LedgerAssertion, LoggedEntry, TimestampToken

MAX_ENTRIES = 10_000
MAX_RECORDS = 64 * 1024 * 1024
"""Bytes of all envelopes together."""
MAX_BLOB = 64 * 1024 * 1024
"""Of a blob that is looked into; larger ones are only hashed."""
MAX_TOKEN = 30_000
SUFFIX = ".zip"
_BEGINNING = b"PK"


@dataclass(frozen=True)
class OpenedBundle:
    """A bundle whose container and digests hold. ``folder`` holds its members, and goes away."""

    folder: Path
    listing: BundleListing
    signature: Envelope | None
    """Over the listing, not verified yet; None while the bundle is being made."""
    assertion: LedgerAssertion
    """Its records and its checkpoint, as a file would carry them."""
    file_checkpoint: str
    """The checkpoint inside the finished file: a note."""
    video: Path | None
    receipt: Path | None

    def holds(self, digest: str) -> bool:
        """Whether there is a blob with this SHA-256, however large."""
        return (self.folder / layout.blob_name(digest)).is_file()

    def stored(self, digest: str) -> bytes | None:
        """The blob with this SHA-256, if the bundle holds it and it is not too large to look into."""
        path = self.folder / layout.blob_name(digest)
        if not path.is_file() or path.stat().st_size > MAX_BLOB:
            return None
        data = path.read_bytes()
        return data if sha256_hex(data) == digest else None


def is_bundle(path: Path) -> bool:
    """Whether a file is meant to be a bundle, by its name or by its beginning."""
    if path.suffix.lower() == SUFFIX:
        return True
    try:
        with path.open("rb") as stream:
            return stream.read(len(_BEGINNING)) == _BEGINNING
    except OSError:
        return False


@contextmanager
def opened_bundle(path: Path) -> Iterator[OpenedBundle]:
    """Unpack a bundle into a temporary folder, and take that away again. Memory does not grow with its members.

    Raises:
        BundleError: a ``zip-*`` code of ``read_zip``, ``bundle-listing``, ``bundle-version``, ``bundle-incomplete``,
            ``bundle-too-large``.
        EnvelopeError, ProofError: the listing's envelope, or a proof, is malformed.
        StorageError: ``file-unreadable``; ``storage-full``, ``storage-unwritable`` of the temporary folder.
    """
    with tempfile.TemporaryDirectory(prefix="void-audit-") as name:
        folder = Path(name)
        found = _unpack(path, folder)
        yield read_members(folder, _listed(folder, found))


def read_members(folder: Path, signed: tuple[BundleListing, Envelope | None]) -> OpenedBundle:
    """The members in a folder, whose digests are those of ``signed``, as a bundle. Raises as ``opened_bundle``."""
    listing, signature = signed
    names = {member.name for member in listing.members}
    checkpoint = _text(folder, names, layout.CHECKPOINT)
    videos = [name for name in layout.VIDEOS if name in names]
    if len(videos) > 1:
        raise _incomplete("it holds two videos")
    receipts = [layout.receipt_name(v) for v in layout.VIDEOS if layout.receipt_name(v) in names]
    return OpenedBundle(
        folder=folder,
        listing=listing,
        signature=signature,
        assertion=LedgerAssertion(
            edit=listing.edit,
            origin=listing.origin,
            checkpoint=checkpoint,
            records=tuple(_records(folder, listing, checkpoint)),
            evidence={},
            timestamps=tuple(_tokens(folder, listing, "checkpoint"))[:16],
            disclaimer="",
        ),
        file_checkpoint=_text(folder, names, layout.FILE_CHECKPOINT),
        video=folder / videos[0] if videos else None,
        receipt=folder / receipts[0] if videos and receipts else None,
    )


def _unpack(path: Path, folder: Path) -> dict[str, BundleMember]:
    """Write every member below ``folder``. Names lead nowhere else: ``read_zip`` has seen to that."""
    found: dict[str, BundleMember] = {}
    try:
        length = path.stat().st_size
        stream = path.open("rb")
    except OSError as error:
        raise StorageError(
            "file-unreadable",
            f"{path} cannot be read: {error.strerror}.",
            "Check that it exists and is yours.",
        ) from error
    with stream, writing(folder):
        for member, chunks in read_zip(stream, length):
            if not layout.is_member(member.name) and member.name not in {layout.LISTING, layout.SIGNATURE}:
                # Before it is written: names of many parts would fill the disk with folders.
                raise BundleError(
                    "bundle-listing",
                    f"No bundle has a member {member.name}.",
                    "It was made by something else.",
                )
            target, digest = folder / member.name, hashlib.sha256()
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as out:
                for chunk in chunks:
                    digest.update(chunk)
                    out.write(chunk)
            found[member.name] = BundleMember(name=member.name, size=member.size, sha256=digest.hexdigest())
    return found


def _listed(folder: Path, found: dict[str, BundleMember]) -> tuple[BundleListing, Envelope]:
    """The listing, once it lists exactly what is there."""
    for name, most in ((layout.LISTING, layout.MAX_LISTING), (layout.SIGNATURE, MAX_ENVELOPE)):
        if name not in found or found[name].size > most:
            raise _incomplete(f"there is no {name}")
    data, envelope = ((folder / n).read_bytes() for n in (layout.LISTING, layout.SIGNATURE))
    listing, signature = layout.open_listing(data, envelope)
    listed = {member.name: member for member in listing.members}
    there = {n: m for n, m in found.items() if n not in {layout.LISTING, layout.SIGNATURE}}
    for name in sorted(listed.keys() | there.keys()):
        if listed.get(name) != there.get(name):
            how = (
                "is not listed"
                if name not in listed
                else "is missing"
                if name not in there
                else "is another one"
            )
            raise BundleError(
                "bundle-listing", f"{name} {how}.", "It was changed after it was made: get it again."
            )
    return listing, signature


def _records(folder: Path, listing: BundleListing, checkpoint: str) -> Iterator[LoggedEntry]:
    """Every entry with its proof, in log order."""
    sizes = {member.name: member.size for member in listing.members}
    indices = [index for name in sizes if (index := layout.entry_index(name)) is not None]
    total = sum(sizes[layout.entry_name(index)] for index in indices)
    if len(indices) > MAX_ENTRIES or total > MAX_RECORDS:
        raise BundleError(
            "bundle-too-large", "It holds more records than any edit has.", "Nothing that big is read."
        )
    for name in sizes:
        if name.startswith("proofs/") and int(name[7:19]) not in indices:
            raise _incomplete(f"{name} proves an entry that is not there")
    for index in sorted(indices):
        entry, proof = layout.entry_name(index), layout.proof_name(index)
        if sizes[entry] > MAX_ENVELOPE or not 0 < sizes.get(proof, 0) <= tlog_proof.MAX_PROOF:
            raise _incomplete(f"entry {index} is no entry, or has no proof")
        told = tlog_proof.parse((folder / proof).read_bytes())
        if told.index != index or told.checkpoint != checkpoint or told.extra is not None:
            raise _incomplete(f"{proof} is not for that entry on the bundle's checkpoint")
        yield pack(index, (folder / entry).read_bytes(), told.path)


def _tokens(folder: Path, listing: BundleListing, covers: str) -> Iterator[TimestampToken]:
    sizes = {member.name: member.size for member in listing.members}
    for token in listing.timestamps:
        if sizes.get(token.member, MAX_TOKEN + 1) > MAX_TOKEN or not token.member.startswith("timestamps/"):
            raise _incomplete(f"{token.member[:120]!r} is listed as a time stamp and is none")
        if token.covers == covers:
            der = base64.b64encode((folder / token.member).read_bytes()).decode()
            yield TimestampToken(covers="checkpoint", authority=token.authority, token=der)


def _text(folder: Path, names: set[str], name: str) -> str:
    path = folder / name
    if name not in names or path.stat().st_size > MAX_NOTE:
        raise _incomplete(f"there is no {name}")
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError:
        raise _incomplete(f"{name} is no text") from None


def _incomplete(why: str) -> BundleError:
    return BundleError("bundle-incomplete", f"Not a whole bundle: {why}.", "Get it again from the house.")
