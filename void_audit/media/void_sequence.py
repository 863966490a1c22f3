"""A VOID sequence folder (spec/void 1.1), written so that Netflix's code and ComfyUI read exactly what was meant.

What those readers expect, and what is done about it here:

- *Values.* They compare the red channel of rgb24 with 0, 63, 127 and 255. See ``lossless_h264``; the finished files
  are read back with PyAV and with OpenCV before the folder appears.
- *Frame 0* holds no affected pixels (127): they become keep, as in VOID's stage 4 (spec/void 1.2, 3).
- *Length.* Picture i of the mask belongs to picture i of the video. At most 197 are used: the report warns.
- *Rate.* It is ignored; results come at 12 frames per second, the rate of the training clips (spec/void 1.6, 4). By
  default every frame of the source is written once and the rate stays the source's, so that whatever comes back
  fits the source frame by frame. ``rate`` takes pictures at another rate, 12 being what the model was trained for.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import zip_longest
from pathlib import Path

import cv2
import numpy as np

from void_audit.canon.hashing import sha256_file
from void_audit.canon.mask import frame_hash, mask_root
from void_audit.errors import MaskError, StorageError
from void_audit.media.atomic import whole_folder, writing
from void_audit.media.kind import media_type
from void_audit.media.lossless_h264 import GrayH264Writer, RgbH264Writer
from void_audit.media.readback import READERS, read_opencv, read_pyav
from void_audit.media.reader import VideoClip
from void_audit.media.void_frames import Selection, select
from void_audit.media.void_limits import warnings_for
from void_audit.model.clip import RGB, ClipInfo
from void_audit.model.engine import Progress, no_progress
from void_audit.model.geometry import FrameRange
from void_audit.model.mask import VALUES, Classes, ClassSequence, MaskClass, MaskIdentity

VIDEO, MASK, PROMPT = "input_video.mp4", "quadmask_0.mp4", "prompt.json"
"""The files of a sequence folder; there are no others."""

ALIKE = 1.0
"""Mean difference in levels up to which two readers give the same picture: conversions may round."""

_VALUES = np.array(VALUES, np.uint8)


@dataclass(frozen=True)
class SequenceReport:
    """What was written. ``changes``: what is not as in the clip and the mask; ``warnings``: what VOID will do."""

    folder: Path
    frames: int
    frame_rate: str
    copied: bool
    """Whether ``input_video.mp4`` is the source's file, byte for byte."""
    mask: MaskIdentity
    """Of the classes in ``quadmask_0.mp4``."""
    sha256: Mapping[str, str]
    """Digest of each file, by name."""
    changes: tuple[str, ...]
    warnings: tuple[str, ...]


def write_sequence(
    folder: Path,
    clip: VideoClip,
    mask: ClassSequence,
    background: str,
    *,
    span: FrameRange | None = None,
    rate: Fraction | None = None,
    progress: Progress = no_progress,
) -> SequenceReport:
    """Write ``input_video.mp4``, ``quadmask_0.mp4`` and ``prompt.json``; the folder appears whole or not at all.

    The video is the source's file, byte for byte, where all of it is taken and it is an 8-bit 4:2:0 H.264 MP4 of
    constant rate, upright, that PyAV and OpenCV read alike. Else it is its pictures as RGB, losslessly coded,
    without sound.

    Args:
        folder: must not exist; its parent must.
        clip: the source.
        mask: VOID's four classes on every frame of the clip, at its size.
        background: the scene after the edit, ``bg`` of prompt.json.
        span: the frames to take; default all.
        rate: frames per second to take pictures at, above 0 and at most 240: frames are left out or repeated. Default:
            every frame once, at the source's (mean) rate.
        progress: called after every picture that is written.

    Raises:
        StorageError: storage-exists, storage-full, storage-unwritable; storage-readback if a reader does not give
            back what was written. Nothing is left behind.
        MaskError: mask-size, mask-frames, mask-values if the mask does not fit the clip or holds other classes.
        ClipError: clip-frames, clip-rate if ``span`` or ``rate`` cannot be; errors of reading the clip.
    """
    _check_fit(mask, clip.info)
    selection = select(clip, span, rate)
    prompt = (
        json.dumps({"bg": background}).encode("ascii") + b"\n"
    )  # escapes: no reader has to guess an encoding
    with whole_folder(folder) as partial:
        copied = _copy(clip, selection, partial / VIDEO)
        if not copied:
            _write_video(clip, selection, partial / VIDEO, progress)
        identity, corrected = _write_mask(mask, selection, partial / MASK, progress)
        with writing(partial / PROMPT):
            (partial / PROMPT).write_bytes(prompt)
        digests = {name: sha256_file(partial / name) for name in (VIDEO, MASK, PROMPT)}
    return SequenceReport(
        folder=folder,
        frames=identity.frames,
        frame_rate=f"{selection.rate.numerator}/{selection.rate.denominator}",
        copied=copied,
        mask=identity,
        sha256=digests,
        changes=(*_video_changes(clip, selection, copied), *_mask_changes(corrected)),
        warnings=warnings_for(clip.info.size, identity.frames, selection.rate),
    )


def _check_fit(mask: ClassSequence, info: ClipInfo) -> None:
    hint = "Export the mask that was made for this clip."
    if mask.size != info.size:
        sizes = f"{mask.size.width}x{mask.size.height}, the clip {info.width}x{info.height}"
        raise MaskError("mask-size", f"The mask is {sizes}.", hint)
    if len(mask) != info.frames:
        raise MaskError("mask-frames", f"The mask has {len(mask)} frames, the clip {info.frames}.", hint)


def _copy(clip: VideoClip, selection: Selection, path: Path) -> bool:
    """Copy the source's file if that will do."""
    if not (_unchanged(clip, selection) and _plain(clip) and _read_alike(clip.path, clip.info.frames)):
        return False
    with writing(path):
        shutil.copyfile(clip.path, path)
    return True


def _unchanged(clip: VideoClip, selection: Selection) -> bool:
    """Whether the sequence is every frame of the source, at its rate."""
    every = np.array_equal(selection.numbers, np.arange(clip.info.frames))
    return every and selection.rate == clip.info.rate


def _plain(clip: VideoClip) -> bool:
    """Whether the source is a file such as VOID's own samples are."""
    info = clip.source
    coded = (info.codec, info.pixel_format, info.rotation) == ("h264", "yuv420p", 0)
    timed = not info.variable_frame_rate and int(clip.index.pts[0]) == 0
    return coded and timed and media_type(clip.path) == "video/mp4"


def _read_alike(path: Path, frames: int) -> bool:
    """Whether PyAV and OpenCV both give ``frames`` pictures, and the same ones."""
    seen = 0
    for one, other in zip_longest(read_pyav(path), read_opencv(path)):
        if one is None or other is None or one.shape != other.shape:
            return False
        if cv2.absdiff(one, other).mean() > ALIKE:
            return False
        seen += 1
    return seen == frames


def _write_video(clip: VideoClip, selection: Selection, path: Path, progress: Progress) -> None:
    hashes: list[str] = []
    with RgbH264Writer(path, clip.info.size, selection.rate) as writer:
        for picture in selection.of(clip.frames(*selection.bounds)):
            writer.write(picture)
            hashes.append(_picture_hash(picture))
            progress("writing the video", len(hashes), len(selection.numbers))
    _read_back(path, hashes, _picture_hash)


def _write_mask(
    mask: ClassSequence, selection: Selection, path: Path, progress: Progress
) -> tuple[MaskIdentity, int]:
    """What was written, and the number of affected pixels on frame 0 that became keep."""
    hashes: list[str] = []
    corrected = 0
    with GrayH264Writer(path, mask.size, selection.rate) as writer:
        for classes in selection.of(_checked(mask.classes(*selection.bounds))):
            written = classes
            if not hashes:
                written = np.where(classes == MaskClass.AFFECTED, np.uint8(MaskClass.KEEP), classes)
                corrected = int((written != classes).sum())
            writer.write(_VALUES[written])
            hashes.append(frame_hash(written))
            progress("writing the mask", len(hashes), len(selection.numbers))
    _read_back(path, hashes, _class_hash)
    width, height = mask.size
    return MaskIdentity(width=width, height=height, frames=len(hashes), root=mask_root(hashes)), corrected


def _checked(pictures: Iterator[Classes]) -> Iterator[Classes]:
    for classes in pictures:
        if classes.max() >= len(VALUES):
            raise MaskError(
                "mask-values",
                f"VOID's masks have no class {classes.max()}: they hold 0, 63, 127 and 255.",
                "Translate the mask into the four classes that engines are given.",
            )
        yield classes


def _read_back(path: Path, hashes: list[str], digest: Callable[[RGB], str]) -> None:
    """Raise unless every reader gives exactly the pictures whose hashes these are."""
    for name, read in READERS.items():
        for number, (picture, expected) in enumerate(zip_longest(read(path), hashes)):
            if picture is None or digest(picture) != expected:
                raise StorageError(
                    "storage-readback",
                    f"{name} does not read picture {number} of {path.name} as it was written.",
                    "Nothing was left behind. Check the installed versions of av and opencv-python-headless.",
                )


def _picture_hash(picture: RGB) -> str:
    return hashlib.sha256(np.ascontiguousarray(picture).data).hexdigest()


def _class_hash(picture: RGB) -> str:
    """Hash of the classes of a mask picture; of nothing where it is not grey or holds another value."""
    classes = np.searchsorted(_VALUES, picture[..., 0]).astype(np.uint8)
    exact = np.array_equal(np.broadcast_to(_VALUES[classes][..., None], picture.shape), picture)
    return frame_hash(classes) if exact else ""


def _video_changes(clip: VideoClip, selection: Selection, copied: bool) -> Iterator[str]:
    if copied:
        return
    info = clip.source
    yield f"{VIDEO} is not the source's file ({_why(clip, selection)}) but its pictures as RGB, losslessly coded."
    if not np.array_equal(selection.numbers, np.arange(info.frames)):
        first, stop = selection.bounds
        yield (
            f"{len(selection.numbers)} pictures at {selection.rate} frames per second were taken from frames {first} "
            f"to {stop - 1} of the source's {info.frames}."
        )
    elif info.variable_frame_rate:
        yield f"The variable frame rate became a constant one, {selection.rate} frames per second: every frame once."
    if info.bit_depth > 8:
        yield f"{info.bit_depth} bits per sample became 8."
    if info.audio:
        yield "Sound was left out; VOID drops it in any case."


def _why(clip: VideoClip, selection: Selection) -> str:
    info = clip.source
    if not _unchanged(clip, selection):
        return "other frames or another rate were asked for"
    if _plain(clip):
        return "PyAV and OpenCV read that differently"
    traits = [f"{info.codec} {info.pixel_format}"]
    traits += ["of variable rate"] * info.variable_frame_rate + ["turned by the player"] * bool(info.rotation)
    return f"{', '.join(traits)}; readers expect upright 8-bit 4:2:0 H.264 in MP4, of constant rate from 0 on"


def _mask_changes(corrected: int) -> Iterator[str]:
    if corrected:
        yield f"{corrected} affected pixels (127) on frame 0 became keep (255), as VOID does."
