"""Which file of a folder is the mask: VOID's own order (spec/void 1.1), and the names that VOID does not find."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from void_audit.errors import MaskError
from void_audit.media.graysource import files_in

MAX_LAYERS = 64
"""Binary masks in one folder."""

MAX_INFO_BYTES = 1 << 20

ORDER = (
    "mask_*.mp4",
    "mask*.mp4",
    "quadmask_*.mp4",
    "trimask_quadmask.mp4",
    "black_mask.mp4",
    "quadmask.mkv",
)
"""VOID's loader takes all that match the first, or else the first file that matches the second or the third. The
names after that are those of VOID's samples, of its first stage, and our own."""


@dataclass(frozen=True)
class FoundMask:
    """``paths`` of binary foreground masks, or of the one mask; ``note`` says what else was there."""

    paths: tuple[Path, ...]
    foreground: bool
    note: str = ""


def find_mask(path: Path) -> FoundMask:
    """The mask at ``path``: a file, VOID's choice in a sequence folder, or a folder of PNG files.

    Raises:
        MaskError: mask-sequence for more than 64 binary masks.
        ClipError: clip-unreadable for a folder that cannot be listed.
    """
    if not path.is_dir():
        return FoundMask((path,), is_foreground(path))
    files = files_in(path)
    groups = [[p for p in files if fnmatchcase(p.name, pattern)] for pattern in ORDER]
    groups = [group for group in groups if group]
    if not groups:
        return FoundMask((path,), False)
    chosen = groups[0] if is_foreground(groups[0][0]) else groups[0][:1]
    if len(chosen) > MAX_LAYERS:
        raise MaskError(
            "mask-sequence", f"{path.name} holds {len(chosen)} binary masks.", f"Give at most {MAX_LAYERS}."
        )
    left = sorted({p.name for group in groups for p in group} - {p.name for p in chosen})
    note = (
        f"Of the masks in the folder, {', '.join(left[:8])} were not read; VOID's order is kept."
        if left
        else ""
    )
    return FoundMask(tuple(chosen), is_foreground(chosen[0]), note)


def is_foreground(path: Path) -> bool:
    """Whether VOID reads a file of this name as a binary mask whose white marks an object."""
    return fnmatchcase(path.name, ORDER[0])


def first_prompted_frame(mask: Path) -> int | None:
    """The first clicked frame, of ``segmentation_info.json`` beside ``mask``; None where that cannot be told.

    VOID's segmenter writes no frames before it, so its mask is short by as many (spec/void 3, stage 1).
    """
    info = mask.parent / "segmentation_info.json"
    try:
        with info.open("rb") as file:
            data = file.read(MAX_INFO_BYTES)  # what is longer is cut, and then no JSON
        frames = list(_frames(json.loads(data)["points_by_frame"]))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    return min(frames, default=None)


def _frames(points: dict[str, object]) -> Iterator[int]:
    for frame, clicks in points.items():
        if clicks and frame.isascii() and frame.isdigit() and len(frame) <= 9:
            yield int(frame)
