"""Whether a file holds the pictures and the sound that the ledger's output record names.

A manifest binds whatever was sealed: whoever holds the seal's key could seal another video under the records of an
honest edit. The digests of the coded packets tie the records to this file, also without a receipt.
"""

from __future__ import annotations

from void_audit.audit.evidence import Evidence
from void_audit.audit.links import Pair, differing
from void_audit.errors import VoidAuditError
from void_audit.media.packets import other_tracks, packet_digests
from void_audit.media.probe import probe
from void_audit.model.clip import ClipInfo
from void_audit.model.records import Output

STABLE = ("width", "height", "frames", "frame_rate", "rotation", "codec", "audio")
"""Facts of a clip that every version of the media libraries tells alike."""


def essence_problems(evidence: Evidence) -> list[str]:
    """In what the file is not the recorded output; empty where nothing can be compared.

    Bytes that are not the sealed ones answer to obligation 0, and say nothing more here.
    """
    manifest, record = evidence.manifest, evidence.state.output
    if record is None or manifest.binding_failures or manifest.state in {"missing", "unreadable"}:
        return []
    try:
        return _compare(evidence, record)
    except VoidAuditError as error:
        return [f"the file cannot be read as the recorded output: {error}"]


def sound_and_shape_problems(evidence: Evidence) -> list[str]:
    """In what the recorded output is not the recorded source, apart from the pictures themselves."""
    source, output = evidence.state.source, evidence.state.output
    if source is None or output is None:
        return []
    one, other = source.clip, output.clip
    return differing(
        [
            ("sound of source and output", source.packets.audio, output.packets.audio),
            ("size of source and output", (one.width, one.height), (other.width, other.height)),
            ("frames of source and output", one.frames, other.frames),
        ]
    )


def _compare(evidence: Evidence, record: Output) -> list[str]:
    found = packet_digests(evidence.file)
    clip = probe(evidence.file)
    pairs: list[Pair] = [
        ("coded pictures in the file and in the records", found.video, record.packets.video),
        ("coded sound in the file and in the records", found.audio, record.packets.audio),
        ("further tracks in the file", other_tracks(evidence.file), 0),
    ]
    pairs += [(f"{name} in the file and in the records", *_both(name, clip, record.clip)) for name in STABLE]
    return differing(pairs)


def _both(name: str, one: ClipInfo, other: ClipInfo) -> tuple[object, object]:
    return getattr(one, name), getattr(other, name)
