"""Everything that a court or a rival needs to check one edit without this house, in one file (docs/bundle.md).

The members are laid out in a temporary folder, judged there as a verifier would judge them, listed, signed by the
machine, and written as one canonical zip: whole or not at all.
"""

from __future__ import annotations

import base64
import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from void_audit import __version__
from void_audit.audit.bundle import MAX_BLOB, read_members
from void_audit.audit.evidence import Pins, gather
from void_audit.audit.manifest import read_manifest
from void_audit.audit.page import page
from void_audit.audit.verify import answer
from void_audit.canon import bundle as layout
from void_audit.canon.checkpoint import parse_text
from void_audit.canon.note import parse as parse_note
from void_audit.canon.tlog_proof import TlogProof
from void_audit.canon.zip import ZipWriter
from void_audit.errors import LedgerError, OrderError, RequestError, WorkspaceError
from void_audit.identity.erasures import ErasedBlobs
from void_audit.identity.registry import KeyRegistry
from void_audit.ledger.durable import storage_errors
from void_audit.ledger.erasures import Erasures
from void_audit.media.atomic import whole_file
from void_audit.model.base import BlobRef
from void_audit.model.bundle import AbsentBlob, BundleListing, BundleMember, BundleToken
from void_audit.model.proof import StoredEntry, TimestampToken
from void_audit.model.records import (
    Intent,
    KeyEvent,
    Output,
    PassRecord,
    PolicyDecisionRecord,
    ReasoningRecord,
    RefusedReply,
    SealRecord,
)
from void_audit.model.references import blob_refs
from void_audit.model.subject import edit_subject
from void_audit.workflow.bundle_readme import readme
from void_audit.workflow.recorder import state_of
from void_audit.workflow.sealing import receipt_of
from void_audit.workflow.studio import Studio

ABSENT = {"blob-erased": "erased", "blob-missing": "missing"}
_CHUNK = 1 << 20
HEADING = (
    "This is what the house itself found when it wrote the bundle. It is a reading aid: judge the bundle again with "
    "`void-audit verify`, with keys that you got by another way."
)


@dataclass(frozen=True)
class Bundled:
    """A bundle that was written."""

    path: Path
    sha256: str
    size: int
    listing: BundleListing
    exit_code: int
    """What ``verify`` says of it, with the house's own pins."""


def write_bundle(
    studio: Studio, edit: str, out: Path, pins: Pins, names: Mapping[str, str], media: bool = True
) -> Bundled:
    """Write the evidence bundle of a sealed edit to ``out``.

    Args:
        studio: the machine's key signs; its notary is asked for cosignatures and tokens.
        edit: the edit's id.
        out: the file, ending in ``.zip``.
        pins: the house's own, for the report that travels in the bundle.
        names: people's names by key id, for the report; empty keeps them in the house.
        media: whether the finished file goes in, and whatever else shows the source: previews, requests to models.

    Raises:
        WorkspaceError: ``edit-unknown``. OrderError: ``bundle-too-early``. RequestError: ``bundle-name``.
        LedgerError: ``blob-corrupt``, ``checkpoint-missing``, ``entry-corrupt``.
        StorageError: ``storage-full``, ``storage-unwritable``.
    """
    if out.suffix.lower() != ".zip":
        raise RequestError(
            "bundle-name", f"{out} does not end in .zip.", "A bundle is a zip file: call it so."
        )
    with tempfile.TemporaryDirectory(prefix="void-audit-") as folder, storage_errors(Path(folder)):
        laid = _Layout(studio, edit, Path(folder), media)
        laid.lay_out()
        exit_code = laid.judge(out.name, pins, names)
        listing = laid.finish()
        with whole_file(out) as path:
            digest = _write(laid, path)
        return Bundled(out, digest, out.stat().st_size, listing, exit_code)


class _Layout:
    """The members of one bundle, in a folder; large ones are links to where they lie."""

    def __init__(self, studio: Studio, edit: str, folder: Path, media: bool) -> None:
        self.studio, self.edit, self.folder, self.media = studio, edit, folder, media
        self.members: dict[str, BundleMember] = {}
        self.absent: dict[str, AbsentBlob] = {}
        self.size = studio.ledger.size
        own = [e for e in studio.ledger.entries(edit=edit) if e.index < self.size]
        self.seal = _seal_of(studio, edit, own)
        self.entries = sorted([*own, *self._of_house(own)], key=lambda e: e.index)
        self.tokens: list[BundleToken] = []
        self.erased = _erased(self.entries)

    def lay_out(self) -> None:
        """Everything but report, listing and signature."""
        ledger, seal = self.studio.ledger, self._seal_record()
        attested = self.studio.notary.attest(ledger, self.size)
        inner = self._inner_checkpoint(seal)
        self._put(layout.CHECKPOINT, attested.note.encode())
        self._put(layout.FILE_CHECKPOINT, inner.encode())
        for done, entry in enumerate(self.entries, 1):
            proof = ledger.prove(entry.index, self.size)
            path = tuple(bytes.fromhex(digest) for digest in proof.proof)
            told = TlogProof(entry.index, path, attested.note)
            self._put(layout.entry_name(entry.index), entry.envelope)
            self._put(layout.proof_name(entry.index), str(told).encode())
            self.studio.progress("records and proofs", done, len(self.entries))
        self._put_tokens("checkpoint", attested.timestamps)
        self._put_tokens("file-checkpoint", self._kept_tokens(hashlib.sha256(_text(inner)).digest()))
        for ref in self._refs():
            self._put_blob(ref)
        self._put_delivered(seal)
        self._put(layout.README, readme(self.edit, ledger.origin, self.size, self.seal.index).encode())

    def _inner_checkpoint(self, seal: SealRecord) -> str:
        """The checkpoint inside the file; a log that was made again from its tiles knows its newest ones only."""
        try:
            return self.studio.ledger.cosigned(seal.log_size)
        except LedgerError as error:
            carried = self._carried(seal) if error.code == "checkpoint-missing" else None
            if carried is None:
                raise
            return carried

    def _carried(self, seal: SealRecord) -> str | None:
        blobs = self.studio.blobs
        try:
            video = blobs.path(BlobRef(sha256=self._sealed(), size=0, media_type="video/mp4"))
            manifest = read_manifest(video, None, blobs.path(seal.sidecar) if seal.sidecar else None)
        except LedgerError:
            return None
        return manifest.ledger.checkpoint if manifest.ledger else None

    def _sealed(self) -> str:
        return {s.name: s.digest["sha256"] for s in self.seal.statement.subjects}["sealed"]

    def judge(self, name: str, pins: Pins, names: Mapping[str, str]) -> int:
        """Judge what lies there as a verifier would, and add the report. Returns the verdict's exit code."""
        self.studio.progress("verifying", 0, 1)
        draft = self._listing()
        self._write(layout.LISTING, layout.listing_bytes(draft))
        bundle = read_members(self.folder, (draft, None))
        evidence = gather(self.folder / layout.LISTING, pins, None, None, bundle)
        report = answer(evidence, Path(name))
        self._put(layout.REPORT_JSON, (report.model_dump_json(indent=1) + "\n").encode())
        self._put(layout.REPORT_HTML, page(report, evidence, names, HEADING).encode())
        self.studio.progress("verifying", 1, 1)
        return report.exit_code

    def finish(self) -> BundleListing:
        """The listing of all that lies there, signed by the machine."""
        listing = self._listing()
        data = layout.listing_bytes(listing)
        self._write(layout.LISTING, data)
        self._write(layout.SIGNATURE, layout.seal_listing(data, self.studio.machine))
        return listing

    def _of_house(self, own: list[StoredEntry]) -> Iterator[StoredEntry]:
        """All key events, and the erasures that bear on the edit."""
        yield from (e for e in self.studio.ledger.key_events() if e.index < self.size)
        erasures = Erasures(self.studio.ledger)
        named = {ref.sha256 for entry in own for ref in blob_refs(entry.statement.predicate)}
        found = {e.index: e for e in (*erasures.of(edit_subject(self.edit)), *erasures.naming(named))}
        yield from (entry for index, entry in found.items() if index < self.size)

    def _seal_record(self) -> SealRecord:
        record = self.seal.statement.predicate
        if not isinstance(record, SealRecord):
            raise AssertionError("the seal's entry is a seal")
        return record

    def _refs(self) -> list[BlobRef]:
        """Content that goes in; what is left out on purpose is noted as absent."""
        wanted: dict[str, BlobRef] = {}
        for entry in self.entries:
            record = entry.statement.predicate
            for ref in blob_refs(record):
                if ref == getattr(record, "sidecar", None):
                    continue  # among the media, beside its video
                if (
                    isinstance(record, KeyEvent)
                    or _is_material(record, ref)
                    or self._shows_source(record, ref)
                ):
                    self._note(ref, "left out")
                else:
                    wanted[ref.sha256] = ref
            if isinstance(record, PolicyDecisionRecord):
                for digest in record.packs.values():
                    wanted[digest] = self.studio.blobs.ref(digest, "application/yaml")
        for digest in wanted:
            self.absent.pop(digest, None)
        return list(wanted.values())

    def _shows_source(self, record: object, ref: BlobRef) -> bool:
        """Previews, and what was sent to a model: they hold pictures of the source, and go where the video goes."""
        sent = isinstance(record, ReasoningRecord | RefusedReply) and ref == record.exchange.request
        return not self.media and (sent or ref.media_type.startswith("image/"))

    def _put_blob(self, ref: BlobRef) -> None:
        if ref.sha256 in self.erased:  # what is there now is another edit's, made of the same
            self._note(ref, "erased")
            return
        try:
            if ref.salted or ref.size <= MAX_BLOB:
                self._put(layout.blob_name(ref.sha256), self.studio.blobs.stored(ref))
            else:
                self._link(layout.blob_name(ref.sha256), self.studio.blobs.path(ref), ref.sha256)
        except LedgerError as error:
            if error.code not in ABSENT:
                raise
            self._note(ref, ABSENT[error.code])

    def _put_delivered(self, seal: SealRecord) -> None:
        """The finished file as it was delivered; without media its receipt only."""
        digest = self._sealed()
        receipt = receipt_of(self.studio, self.seal.index, seal.log_size, digest, self.size)
        output = next(p for e in self.entries if isinstance(p := e.statement.predicate, Output))
        name = layout.VIDEOS[output.encoder.codec != "h264"]
        self._put(layout.receipt_name(name), (receipt.model_dump_json(indent=1) + "\n").encode())
        self._put_tokens("file", [t for t in receipt.timestamps if t.covers == "file"])
        self._put_file(name, BlobRef(sha256=digest, size=0, media_type="video/mp4"))
        if seal.sidecar is not None:
            self._put_file(layout.SIDECAR, seal.sidecar)

    def _put_file(self, name: str, ref: BlobRef) -> None:
        if not self.media or ref.sha256 in self.erased:
            self._note(ref, "left out" if ref.sha256 not in self.erased else "erased")
            return
        try:
            self._link(name, self.studio.blobs.path(ref), ref.sha256)
        except LedgerError as error:
            if error.code not in ABSENT:
                raise
            self._note(ref, ABSENT[error.code])

    def _put_tokens(self, covers: str, tokens: list[TimestampToken] | tuple[TimestampToken, ...]) -> None:
        for number, token in enumerate(tokens[:16]):
            name = layout.token_name(covers, number)
            self._put(name, base64.b64decode(token.token))
            self.tokens.append(
                BundleToken.model_validate({"member": name, "covers": covers, "authority": token.authority})
            )

    def _kept_tokens(self, digest: bytes) -> list[TimestampToken]:
        kept = self.studio.ledger.tokens(digest)
        return [
            TimestampToken(covers="checkpoint", authority=name, token=base64.b64encode(token).decode())
            for name, token in kept
        ]

    def _note(self, ref: BlobRef, because: str) -> None:
        told = {"sha256": ref.sha256, "media_type": ref.media_type, "because": because}
        self.absent[ref.sha256] = AbsentBlob.model_validate(told)

    def _put(self, name: str, data: bytes) -> None:
        self._write(name, data)
        self.members[name] = BundleMember(name=name, size=len(data), sha256=hashlib.sha256(data).hexdigest())

    def _write(self, name: str, data: bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def _link(self, name: str, path: Path, digest: str) -> None:
        """A large file: not copied, its digest checked."""
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(path.absolute())
        with target.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != digest:
            raise LedgerError("blob-corrupt", f"{path} is not {digest[:16]}.", "Restore it from a backup.")
        self.members[name] = BundleMember(name=name, size=target.stat().st_size, sha256=digest)

    def _listing(self) -> BundleListing:
        ledger, inside = self.studio.ledger, self._seal_record().log_size
        return BundleListing(
            edit=self.edit,
            origin=ledger.origin,
            made_by=f"void-audit {__version__}",
            claimed_time=self.studio.clock().isoformat(timespec="seconds"),
            size=self.size,
            file_size=inside,
            consistency=tuple(digest.hex() for digest in ledger.consistency(inside, self.size)),
            key_events=sum(isinstance(e.statement.predicate, KeyEvent) for e in self.entries),
            timestamps=tuple(self.tokens),
            absent=tuple(self.absent[digest] for digest in sorted(self.absent)),
            members=tuple(self.members[name] for name in sorted(self.members)),
        )


def _erased(entries: list[StoredEntry]) -> frozenset[str]:
    """Digests of what the edit's own erasures say is gone."""
    told, registry = ErasedBlobs(), KeyRegistry.from_entries(entries)
    for entry in entries:
        told.apply(entry, registry)
    return frozenset(digest for digest, _ in told.items())


def _seal_of(studio: Studio, edit: str, own: list[StoredEntry]) -> StoredEntry:
    state = state_of(studio.ledger, edit)
    if not state.last:
        raise WorkspaceError("edit-unknown", f"No edit {edit!r}.", "`void-audit history` lists them.")
    found = next((e for e in own if isinstance(e.statement.predicate, SealRecord)), None)
    if found is None:
        raise OrderError(
            "bundle-too-early",
            f"Edit {edit} is not sealed: nothing of it was published.",
            "`void-audit run EDIT`.",
        )
    return found


def _is_material(record: object, ref: BlobRef) -> bool:
    """What is worked with rather than decided on: takes, and clips that were put in. As large as films."""
    return isinstance(record, PassRecord) or (isinstance(record, Intent) and ref == record.supplied)


def _text(note: str) -> bytes:
    """What a checkpoint's tokens cover."""
    text = parse_note(note).text
    parse_text(text)
    return text.encode()


def _write(laid: _Layout, path: Path) -> str:
    """The zip file; returns its SHA-256."""
    names = sorted([*laid.members, layout.LISTING, layout.SIGNATURE])
    with path.open("wb+") as stream:
        writer = ZipWriter(stream)
        for done, name in enumerate(names, 1):
            source = laid.folder / name
            writer.add(name, source.stat().st_size, _chunks(source))
            laid.studio.progress("writing", done, len(names))
        writer.close()
        stream.seek(0)
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk
