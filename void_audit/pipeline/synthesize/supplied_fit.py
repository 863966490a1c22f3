"""Whether the pictures of a supplied clip can stand in a source's: asked before there is a plan, and before pixels.

It is apart from the engine so that whoever plans need not know the engine.
"""

from __future__ import annotations

from void_audit.errors import RequestError
from void_audit.model.clip import ClipInfo

UNSPECIFIED = 2
"""ITU-T H.273."""


def check_fit(supplied: ClipInfo, source: ClipInfo) -> None:
    """Whether there is a picture for every picture of the source, of its size; sizes are as players show them.

    Raises:
        RequestError: ``supplied-size``, ``supplied-frames``.
    """
    if supplied.size != source.size:
        raise RequestError(
            "supplied-size",
            f"The supplied clip is {supplied.width}x{supplied.height}, the source {source.width}x{source.height}.",
            "Supply a clip of the source's own size: its pictures are put in without being moved.",
        )
    if supplied.frames != source.frames:
        raise RequestError(
            "supplied-frames",
            f"The supplied clip has {supplied.frames} frames, the source {source.frames}.",
            "Supply a clip with a picture for every picture of the source.",
        )


def fit_warnings(supplied: ClipInfo, source: ClipInfo) -> tuple[str, ...]:
    """What two clips of one shape may still not have in common."""
    warnings = []
    if supplied.rate != source.rate:
        warnings.append(
            f"The supplied clip has {supplied.frame_rate} frames per second, the source {source.frame_rate}: "
            "its pictures are taken one for one."
        )
    pairs = (
        (source.color_transfer, supplied.color_transfer),
        (source.color_primaries, supplied.color_primaries),
    )
    if any(a != b and UNSPECIFIED not in (a, b) for a, b in pairs):
        warnings.append("The supplied clip has another transfer curve or other primaries than the source.")
    return tuple(warnings)
