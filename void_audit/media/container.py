"""Opening files: which containers are accepted, and FFmpeg's errors turned into ours."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from void_audit.errors import ClipError, StorageError

CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mxf,mpegts,avi"
"""Demuxers that may run. Playlists and concatenation scripts can name other files, so they may not."""

MAX_PIXELS = 8192 * 4320
"""Largest picture: 8K. Bounds the memory that one hostile header can ask for."""

MAX_FRAMES = 1_000_000
"""Over nine hours at 30 frames per second. Bounds the tables that grow with the number of frames."""

DECODER_THREADS = 2
"""Enough to overlap reading and decoding; the pictures do not depend on it."""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def open_input(path: Path) -> Iterator[InputContainer]:
    """A container opened for reading; only local files, only ``CONTAINERS``.

    Raises:
        ClipError: clip-missing, clip-unreadable, clip-not-video; clip-damaged for errors in use.
    """
    check_readable(path)
    options = {"protocol_whitelist": "file", "format_whitelist": CONTAINERS}
    try:
        container = av.open(f"file:{path}", "r", container_options=options, metadata_errors="replace")
    except (av.error.FFmpegError, ValueError) as error:
        raise ClipError(
            "clip-not-video",
            f"{path.name} is not a video file that can be opened ({error}).",
            "It must be a whole MP4, MOV, MKV, WebM, MXF, MPEG-TS or AVI file.",
        ) from error
    with container:
        try:
            yield container
        except av.error.FFmpegError as error:
            raise damaged(path, str(error)) from error


def check_readable(path: Path) -> None:
    """Raise ClipError clip-missing or clip-unreadable unless ``path`` is a file that may be read."""
    try:
        if path.is_file():
            path.open("rb").close()
            return
    except OSError as error:
        raise ClipError(
            "clip-unreadable", f"{path} cannot be read ({error.strerror}).", "Check its name and permissions."
        ) from error
    raise ClipError("clip-missing", f"There is no video file at {path}.", "Check the path.")


def damaged(path: Path, what: str) -> ClipError:
    """The error for a file whose content cannot be decoded."""
    return ClipError("clip-damaged", f"{path.name} is damaged: {what}.", "Get a whole copy of the file.")


def truncated(path: Path, what: str) -> ClipError:
    """The error for a file that ends too early."""
    return ClipError("clip-truncated", f"{path.name} is cut off: {what}.", "Get a whole copy of the file.")


def picture_stream(container: InputContainer, path: Path, strict: bool = True) -> VideoStream:
    """The one picture track (cover art does not count), with bounds checked.

    A strict decoder reports errors instead of painting over them.

    Raises:
        ClipError: clip-no-video, clip-too-many-tracks, clip-too-large, clip-codec, clip-damaged.
    """
    streams = [s for s in container.streams.video if not s.disposition & s.disposition.attached_pic]
    if not streams:
        raise ClipError("clip-no-video", f"{path.name} has no picture track.", "Give a file with pictures.")
    if len(streams) > 1:
        raise ClipError(
            "clip-too-many-tracks",
            f"{path.name} has {len(streams)} picture tracks; which one is meant is not clear.",
            "Extract the one to edit into a file of its own.",
        )
    stream = streams[0]
    if stream.codec_context is None:
        raise ClipError("clip-codec", f"{path.name} uses a codec that is not known.", "Convert it first.")
    if not stream.width * stream.height:
        raise damaged(path, "no picture size is found in it")
    if stream.width * stream.height > MAX_PIXELS:
        raise ClipError(
            "clip-too-large",
            f"{path.name} claims {stream.width}x{stream.height} pixels; at most {MAX_PIXELS} are taken.",
            "Scale it down, or check that the file is what it should be.",
        )
    if strict:
        stream.codec_context.options = {"err_detect": "explode"}
    stream.codec_context.thread_type = "AUTO"
    stream.codec_context.thread_count = DECODER_THREADS
    return stream


def storage_error(path: Path, error: BaseException) -> StorageError:
    """What went wrong while writing ``path``."""
    number = getattr(error, "errno", None)
    if number in _FULL:
        return StorageError(
            "storage-full",
            f"There is no space left to write {path}.",
            "Free some; nothing was left half-written.",
        )
    return StorageError("storage-unwritable", f"{path} cannot be written ({error}).", "Check the folder.")
