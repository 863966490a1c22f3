"""Obligations 10 and 12: the mask, and containment."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from void_audit.audit.answers import NO_RECORDS, failed, passed, unknown
from void_audit.audit.evidence import Evidence
from void_audit.canon import jcs
from void_audit.canon.hashing import sha256_hex
from void_audit.canon.mask import mask_identity
from void_audit.errors import VoidAuditError
from void_audit.media.compare import deviation_outside
from void_audit.media.maskfile import MaskFile
from void_audit.media.reader import VideoClip
from void_audit.model.records import MaskRecord
from void_audit.model.report import Finding, Obligation

MASK_TITLE = "quadmask.mkv"
TOLERANCE = 8.0
"""Levels (0-255) by which the mean of an 8 x 8 block may differ through encoding alone."""


def mask(evidence: Evidence) -> Finding:
    """(10) The stored mask's class hashes are the recorded ones, and hold only the schema's classes."""
    record = evidence.state.mask
    if record is None:
        return unknown(Obligation.MASK, NO_RECORDS, "A file that was sealed by void-audit.")
    data = evidence.manifest.embedded.get(MASK_TITLE)
    if data is None:
        return unknown(
            Obligation.MASK, "The manifest does not carry the mask.", "The mask that the records name."
        )
    if sha256_hex(data) != record.mask.sha256:
        return failed(Obligation.MASK, "The embedded mask file is not the recorded one.")
    try:
        problem = _mask_problem(evidence, record, data)
    except VoidAuditError as error:
        return failed(Obligation.MASK, str(error))
    if problem:
        return failed(Obligation.MASK, problem)
    shares = record.statistics
    return passed(
        Obligation.MASK,
        f"{record.identity.frames} frames, root {record.identity.root[:16]}, at most "
        f"{shares.max_opened_share:.1%} of a frame opened.",
    )


def containment(evidence: Evidence) -> Finding:
    """(12) Outside the mask the output equals the source within the codec's own noise."""
    if evidence.state.source is None or evidence.state.mask is None:
        return unknown(Obligation.CONTAINMENT, NO_RECORDS, "A file that was sealed by void-audit.")
    if evidence.source is None:
        return unknown(
            Obligation.CONTAINMENT, "The source was not given, so nothing can be compared.", "--source CLIP"
        )
    if evidence.source_sha256 != evidence.subject("source", "source"):
        return unknown(Obligation.CONTAINMENT, "The clip given is not the edit's source.", "--source CLIP")
    data = evidence.manifest.embedded.get(MASK_TITLE)
    if data is None:
        return unknown(Obligation.CONTAINMENT, "There is no mask to compare with.", "See obligation 10.")
    try:
        with _mask_file(data) as path:
            source, output = VideoClip(evidence.source), VideoClip(evidence.file)
            depth = source.info.bit_depth
            found = deviation_outside(source.planes(), output.planes(), MaskFile(path).classes(), depth)
    except VoidAuditError as error:
        return failed(Obligation.CONTAINMENT, str(error))
    where = f"frame {found.frame}, block at x {found.x}, y {found.y}"
    if found.worst > TOLERANCE:
        return failed(
            Obligation.CONTAINMENT,
            f"Outside the mask the picture differs by {found.worst:.1f} levels ({where}).",
        )
    return passed(
        Obligation.CONTAINMENT,
        f"{found.frames} frames; the worst block is off by {found.worst:.2f} of 255 levels ({where}).",
    )


@contextmanager
def _mask_file(data: bytes) -> Iterator[Path]:
    """The embedded mask as a file, for as long as it is read."""
    with tempfile.TemporaryDirectory(prefix="void-audit-") as folder:
        path = Path(folder) / MASK_TITLE
        path.write_bytes(data)
        yield path


def _mask_problem(evidence: Evidence, record: MaskRecord, data: bytes) -> str:
    with _mask_file(data) as path:
        identity, hashes = mask_identity(MaskFile(path))
    if identity != record.identity:
        return f"The mask's class hashes give root {identity.root[:16]}, recorded is {record.identity.root[:16]}."
    listed = evidence.blob(record.frame_hashes)
    if listed is not None and jcs.parse(listed, len(listed)) != hashes:
        return "The list of frame hashes is not the mask's."
    return ""
