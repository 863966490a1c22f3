"""Obligations 10 and 12: the mask, and containment."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from void_audit.audit.answers import NO_RECORDS, failed, first, passed, unknown
from void_audit.audit.erased import GONE, erased_of, refs_of
from void_audit.audit.essence import sound_and_shape_problems
from void_audit.audit.evidence import Evidence
from void_audit.audit.links import mask_problems
from void_audit.canon import jcs
from void_audit.canon.hashing import sha256_hex
from void_audit.canon.mask import mask_facts
from void_audit.errors import VoidAuditError
from void_audit.media.compare import deviation_outside
from void_audit.media.maskfile import MaskFile
from void_audit.media.packets import packet_digests
from void_audit.media.reader import VideoClip
from void_audit.model.mask import MaskStatistics, Translated
from void_audit.model.mask_schema import MaskSchema
from void_audit.model.records import MaskState, PlanRecord
from void_audit.model.report import Finding, Obligation

MASK_TITLE, PREVIEW_TITLE = "quadmask.mkv", "mask-preview.png"
ROUNDING = 1e-9
"""By which shares of the picture may differ through the order of sums alone."""
MEASURED = 0.05
"""Levels by which two decoders may differ on the same file."""
LATE = 0.002
"""Seconds by which a picture may be off its time in the source: Matroska counts milliseconds."""
TOLERANCE = 8.0
"""Levels (0-255) by which the mean of an 8 x 8 block may differ through encoding alone."""


def mask(evidence: Evidence) -> Finding:
    """(10) The stored mask's class hashes are the recorded ones, and hold only the schema's classes."""
    record = evidence.state.mask
    if record is None:
        return unknown(Obligation.MASK, NO_RECORDS, "A file that was sealed by void-audit.")
    data = _mask_data(evidence, record)
    gone = erased_of(evidence, [record.mask])
    if data is None and gone:
        return unknown(Obligation.MASK, gone, GONE)
    if data is None:
        return unknown(
            Obligation.MASK, "The manifest does not carry the mask.", "The mask that the records name."
        )
    if sha256_hex(data) != record.mask.sha256:
        return failed(Obligation.MASK, "The embedded mask file is not the recorded one.")
    try:
        problem = first(mask_problems(evidence, record)) or _mask_problem(evidence, record, data)
    except VoidAuditError as error:
        return failed(Obligation.MASK, str(error))
    if problem:
        return failed(Obligation.MASK, problem)
    gone = erased_of(evidence, [record.frame_hashes, *refs_of(evidence, PlanRecord)])
    if gone:
        return unknown(
            Obligation.MASK, f"The mask is the recorded one; whether it is the planned one: {gone}", GONE
        )
    shares = record.statistics
    return passed(
        Obligation.MASK,
        f"{record.mask_schema.name}, {record.identity.frames} frames, root {record.identity.root[:16]}, at most "
        f"{shares.max_opened_share:.1%} of a frame opened{_revised(evidence.state.revisions)}.",
    )


def _mask_data(evidence: Evidence, record: MaskState) -> bytes | None:
    """The mask as readers of the manifest see it; where a bundle holds no video, as the records name it."""
    data = evidence.manifest.embedded.get(MASK_TITLE)
    return evidence.stored(record.mask.sha256) if data is None and not evidence.has_video else data


def _revised(times: int) -> str:
    return f"; revised by hand {times} time(s), each signed" if times else ""


def containment(evidence: Evidence) -> Finding:
    """(12) Outside the mask the output equals the source within the codec's own noise."""
    record = evidence.state.mask
    if evidence.state.source is None or record is None:
        return unknown(Obligation.CONTAINMENT, NO_RECORDS, "A file that was sealed by void-audit.")
    other = sound_and_shape_problems(evidence)
    if other:
        return failed(Obligation.CONTAINMENT, f"More than opened pixels was changed: {first(other)}.")
    if evidence.source is None:
        return unknown(
            Obligation.CONTAINMENT, "The source was not given, so nothing can be compared.", "--source CLIP"
        )
    if evidence.source_sha256 != evidence.subject("source", "source"):
        return unknown(Obligation.CONTAINMENT, "The clip given is not the edit's source.", "--source CLIP")
    if not evidence.has_video:
        return unknown(
            Obligation.CONTAINMENT,
            "The bundle holds no video to compare.",
            "The finished file, and --source.",
        )
    data = _mask_data(evidence, record)
    if data is None:
        return unknown(Obligation.CONTAINMENT, "There is no mask to compare with.", "See obligation 10.")
    try:
        return _measured(evidence, evidence.source, data, record.mask_schema)
    except VoidAuditError as error:
        return failed(Obligation.CONTAINMENT, str(error))


def _measured(evidence: Evidence, clip: Path, data: bytes, schema: MaskSchema) -> Finding:
    with _mask_file(data) as path:
        source, output = VideoClip(clip), VideoClip(evidence.file)
        depth = source.info.bit_depth
        opened = Translated(MaskFile(path, schema.values), schema.conditions).classes()
        found = deviation_outside(source.planes(), output.planes(), opened, depth)
    problem = _track_problem(evidence, source, output, found.worst)
    if problem:
        return failed(Obligation.CONTAINMENT, problem)
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


def _track_problem(evidence: Evidence, source: VideoClip, output: VideoClip, worst: float) -> str:
    """What else of the tracks is not the source's, or not as it was recorded."""
    one, other = _times(source), _times(output)
    if len(one) != len(other) or np.abs(one - other).max() > LATE:
        return "The pictures are not shown at the source's times."
    record, recorded = evidence.state.source, evidence.state.output
    if record and packet_digests(source.path) != record.packets:
        return "The source's coded packets are not the recorded ones."
    if recorded and worst <= TOLERANCE and abs(recorded.containment_worst - worst) > MEASURED:
        return f"Outside the mask it differs by {worst:.2f} levels; recorded is {recorded.containment_worst:.2f}."
    return ""


def _times(clip: VideoClip) -> npt.NDArray[np.float64]:
    """When each picture is shown, in seconds after the first."""
    index = clip.index
    return np.asarray((index.pts - index.pts[0]) * float(index.time_base), np.float64)


@contextmanager
def _mask_file(data: bytes) -> Iterator[Path]:
    """The embedded mask as a file, for as long as it is read."""
    with tempfile.TemporaryDirectory(prefix="void-audit-") as folder:
        path = Path(folder) / MASK_TITLE
        path.write_bytes(data)
        yield path


def _mask_problem(evidence: Evidence, record: MaskState, data: bytes) -> str:
    shown = evidence.manifest.embedded.get(PREVIEW_TITLE)
    if shown is not None and sha256_hex(shown) != record.preview.sha256:
        return "The embedded preview is not the recorded one."
    with _mask_file(data) as path:
        stored, identity = MaskFile(path, record.mask_schema.values), record.identity
        if (*stored.size, len(stored)) != (identity.width, identity.height, identity.frames):
            return f"The mask is of {stored.size} and {len(stored)} frames, not as recorded."
        identity, hashes, statistics = mask_facts(stored, record.mask_schema)
    if identity != record.identity:
        return f"The mask's class hashes give root {identity.root[:16]}, recorded is {record.identity.root[:16]}."
    listed = evidence.blob(record.frame_hashes)
    if listed is not None and jcs.parse(listed, len(listed)) != hashes:
        return "The list of frame hashes is not the mask's."
    return first(_share_problems(record.statistics, statistics))


def _share_problems(recorded: MaskStatistics, counted: MaskStatistics) -> list[str]:
    """Policy judges these shares: they must be the mask's own."""
    problems = [] if recorded.frames == counted.frames else [f"{recorded.frames} frames are recorded"]
    for name in ("mean_share", "max_share", "max_opened_share"):
        was, now = np.atleast_1d(getattr(recorded, name)), np.atleast_1d(getattr(counted, name))
        if was.shape != now.shape or np.abs(was - now).max() > ROUNDING:
            problems.append(f"recorded {name} is {was.tolist()}, the mask's is {now.tolist()}")
    return problems
