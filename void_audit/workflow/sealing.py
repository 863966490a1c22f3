"""Seal the output, log the finished file's digest, and hand it over with its receipt."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from void_audit.canon.hashing import sha256_file
from void_audit.errors import RequestError, SealError, StorageError
from void_audit.ledger.durable import storage_errors
from void_audit.media.atomic import whole_file
from void_audit.media.writer import extension
from void_audit.model.base import BlobRef
from void_audit.model.plan import EditPlan
from void_audit.model.proof import Receipt
from void_audit.model.records import SealRecord
from void_audit.seal.base import EmbeddedData, SealRequest
from void_audit.seal.regions import edited_regions
from void_audit.workflow.evidence import ledger_assertion
from void_audit.workflow.masking import engine_mask
from void_audit.workflow.material import source_clip, supplied_clip
from void_audit.workflow.recorder import Recorder
from void_audit.workflow.studio import Studio

SIDECAR = ".c2pa"
"""Suffix of a manifest that lies beside its file."""

PROMPT, PREVIEW, MASK = "prompt.json", "mask-preview.png", "quadmask.mkv"
"""Titles of the data embedded in the manifest."""


@dataclass(frozen=True)
class Delivered:
    """The finished file, its receipt, and its manifest where the container cannot hold it."""

    path: Path
    sha256: str
    receipt: Path
    sidecar: Path | None
    manifest: str


def seal(recorder: Recorder, plan: EditPlan) -> None:
    """Embed the manifest and log the finished file. The sealed bytes are stored before they are logged.

    Raises:
        SealError: nothing is delivered.
    """
    if recorder.state.seal is not None:
        return
    studio, state = recorder.studio, recorder.state
    if state.output is None or state.mask is None or state.prompt is None:
        raise SealError("output-missing", "There is no output to seal.", "Run the edit again.")
    studio.progress("sealing", 0, 1)
    source, log_size = source_clip(recorder), studio.ledger.size
    assertion = ledger_assertion(recorder, log_size)
    blobs, scratch = studio.blobs, studio.scratch(recorder.edit)
    unsealed = scratch / f"output{extension(plan.encoder)}"
    shutil.copyfile(
        blobs.path(_output_blob(recorder)), unsealed
    )  # without the blob's mode: it is removed again
    sealed = studio.sealer().seal(
        SealRequest(
            unsealed=unsealed,
            destination=scratch / f"sealed{extension(plan.encoder)}",
            source=source.path,
            source_name="source clip",
            plan=plan,
            frame_rate=state.output.clip.frame_rate,
            regions=edited_regions(engine_mask(recorder)),
            assertion=assertion,
            embedded=(
                EmbeddedData(PROMPT, "application/json", blobs.read(state.prompt)),
                EmbeddedData(PREVIEW, "image/png", blobs.read(state.mask.preview)),
                EmbeddedData(MASK, "video/x-matroska", blobs.path(state.mask.mask)),
            ),
            approved=bool(state.valid_approvers),
            removed=state.mask.mask_schema.share(state.mask.statistics.max_share, "removed") > 0,
            supplied=supplied_clip(recorder),
        )
    )
    sidecar = blobs.put_file(sealed.sidecar, "application/c2pa", move=True) if sealed.sidecar else None
    blob = blobs.put_file(sealed.path, _media_type(plan), move=True)
    record = SealRecord(
        **recorder.common(),
        unsealed=recorder.subject("output", "output"),
        sidecar=sidecar,
        manifest=sealed.manifest,
        certificate=sealed.certificate,
        log_size=log_size,
    )
    recorder.record(record, {"sealed": blob.sha256})
    unsealed.unlink()
    studio.progress("sealing", 1, 1)


def check_place(recorder: Recorder, out: Path) -> None:
    """Whether the finished file may go to ``out``, asked before the work begins.

    Raises:
        StorageError: ``storage-unwritable`` if no file can be made there.
        RequestError: ``out-is-manifest``, ``out-is-source``: it would overwrite what it must not.
    """
    if out.is_dir() or not out.parent.is_dir() or not os.access(out.parent, os.W_OK):
        raise StorageError(
            "storage-unwritable",
            f"{out} is not a place for a file.",
            "Name a file in an existing folder that you may write to.",
        )
    if out.suffix == SIDECAR:
        raise RequestError("out-is-manifest", f"{out} names a manifest, not a video.", "Use .mp4 or .mkv.")
    with storage_errors(out):
        is_source = out.is_file() and sha256_file(out) == recorder.subject("source", "source")
    if is_source:
        raise RequestError("out-is-source", f"{out} is the source clip itself.", "Name another file.")


def deliver(recorder: Recorder, out: Path) -> Delivered:
    """Copy the sealed file to ``out`` and write ``out``.receipt beside it. Doing it again changes nothing.

    Raises:
        SealError: ``seal-missing``.
        LedgerError: ``blob-missing``, ``blob-corrupt``.
        StorageError: ``storage-full``, ``storage-unwritable``.
    """
    state, studio = recorder.state, recorder.studio
    if state.seal is None:
        raise SealError("seal-missing", "The edit is not sealed.", "Run it again.")
    digest = recorder.subject("seal", "sealed")
    sealed = studio.blobs.ref(digest, "video/mp4")
    studio.blobs.check(sealed)
    stored = studio.blobs.path(sealed)
    receipt_path = out.with_name(out.name + ".receipt")
    sidecar = out.with_suffix(SIDECAR) if state.seal.sidecar else None
    _copy(stored, out)
    if state.seal.sidecar and sidecar:
        _copy(studio.blobs.path(state.seal.sidecar), sidecar)
    write_receipt(recorder, receipt_path)
    return Delivered(out, digest, receipt_path, sidecar, state.seal.manifest)


def write_receipt(
    recorder: Recorder, path: Path, refuse: Callable[[Receipt], None] = lambda receipt: None
) -> Receipt:
    """Write the receipt of a sealed edit as of now: later checkpoints, cosignatures, key events and tokens.

    ``refuse`` is asked before anything is written, and raises what it has against it.

    Raises:
        SealError: ``seal-missing``.
        LedgerError: as ``receipt_of``.
        StorageError: ``storage-full``, ``storage-unwritable``.
    """
    seal, studio = recorder.state.seal, recorder.studio
    if seal is None:
        raise SealError("seal-missing", "The edit is not sealed.", "Run it first: `void-audit run EDIT`.")
    entry = next(e for e in studio.ledger.entries(edit=recorder.edit) if e.statement.predicate == seal)
    receipt = receipt_of(studio, entry.index, seal.log_size, recorder.subject("seal", "sealed"))
    refuse(receipt)
    with storage_errors(path), whole_file(path) as whole:
        whole.write_text(receipt.model_dump_json(indent=1) + "\n")
    return receipt


def receipt_of(studio: Studio, index: int, inside: int, digest: str, size: int | None = None) -> Receipt:
    """The seal entry ``index`` and whatever the log and others have said since checkpoint ``inside``.

    Args:
        studio: whose ledger it is, and who is asked.
        index: of the seal's entry.
        inside: size of the checkpoint inside the file.
        digest: SHA-256 of the finished file.
        size: of the checkpoint that the receipt is on; default: the newest.

    Raises:
        LedgerError: ``checkpoint-missing``, ``entry-corrupt``, ``node-missing``.
    """
    ledger, notary = studio.ledger, studio.notary
    size = ledger.size if size is None else size
    attested = notary.attest(ledger, size)
    later = (e.index for e in ledger.key_events() if inside <= e.index < size)
    return Receipt(
        entry=ledger.prove(index, size),
        checkpoint=attested.note,
        consistency=tuple(h.hex() for h in ledger.consistency(inside, size)),
        key_events=tuple(ledger.prove(i, size) for i in later),
        timestamps=(*notary.stamp(ledger, digest), *attested.timestamps),
    )


def _copy(source: Path, destination: Path) -> None:
    with whole_file(destination) as path:
        shutil.copyfile(source, path)


def _output_blob(recorder: Recorder) -> BlobRef:
    return recorder.studio.blobs.ref(recorder.subject("output", "output"), "video/mp4")


def _media_type(plan: EditPlan) -> str:
    return "video/mp4" if plan.encoder.codec == "h264" else "video/x-matroska"
