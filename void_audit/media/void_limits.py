"""What Netflix's VOID code and ComfyUI's port do with any sequence they are given: sizes, lengths and rates.

Netflix: spec/void 1.3, 1.6, 1.7. ComfyUI: ``comfy_extras/nodes_void.py`` of ComfyUI 0.32.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from void_audit.model.geometry import Size

WORKING_SIZE = Size(672, 384)
"""Pictures and masks are brought to this size without regard to their shape."""

MAX_FRAMES = 197
"""More are dropped silently."""

MIN_FRAMES = 85
"""Fewer are filled up by playing backwards."""

RATE = Fraction(12)
"""Frames per second of the training clips, and of every result."""

MASK_GROWTH = 11
"""Side, in pixels of the working size, of the square by which a binary mask is grown (spec/void 1.1)."""

LARGE = 8 << 30
"""Bytes above which the memory of VOID's loader is worth a word."""


def padded_length(frames: int) -> int:
    """How many frames VOID makes of a sequence of ``frames``: 85, 93, 101, ... 197 (spec/void 1.3)."""
    groups = -(-(frames - 1) // 4)
    groups += groups % 2 == 0
    return min(max(4 * groups + 1, MIN_FRAMES), MAX_FRAMES)


def warnings_for(size: Size, frames: int, rate: Fraction) -> tuple[str, ...]:
    """What becomes of a sequence, where that is not what one would expect."""
    return (*_length(frames), *_rate(rate), *_shape(size), *_memory(size, frames))


def _length(frames: int) -> Iterator[str]:
    if frames > MAX_FRAMES:
        yield (
            f"VOID uses the first {MAX_FRAMES} of {frames} frames and drops the others without a word. Export parts of "
            f"at most {MAX_FRAMES} frames, or at {RATE} frames per second."
        )
        return
    if padded_length(frames) > frames:
        yield (
            f"VOID returns {padded_length(frames)} frames: those after the first {frames} run backwards and are to be "
            "cut off."
        )
    if frames >= 5 and (frames - 5) % 8:
        yield f"ComfyUI takes 5, 13, 21, ... frames: of these {frames} it uses {frames - (frames - 5) % 8}."


def _rate(rate: Fraction) -> Iterator[str]:
    if rate != RATE:
        pace = float(rate / RATE)
        yield (
            f"VOID was trained on clips of {RATE} frames per second and plays its results at that rate. At "
            f"{float(rate):.6g} this sequence moves {max(pace, 1 / pace):.3g} times too "
            f"{'slowly' if pace > 1 else 'fast'} for it; `--rate {RATE}` exports what it was trained for."
        )


def _shape(size: Size) -> Iterator[str]:
    stretch = WORKING_SIZE.width * size.height / (WORKING_SIZE.height * size.width)
    if not 0.95 <= stretch <= 1.05:
        yield (
            f"VOID scales {size.width}x{size.height} to {WORKING_SIZE.width}x{WORKING_SIZE.height} without keeping its "
            f"shape: {max(stretch, 1 / stretch):.3g} times {'wider' if stretch > 1 else 'higher'}. ComfyUI cuts off "
            "what does not fit."
        )
    if size.width < WORKING_SIZE.width or size.height < WORKING_SIZE.height:
        yield f"Pictures of {size.width}x{size.height} are enlarged, which adds no detail."


def _memory(size: Size, frames: int) -> Iterator[str]:
    held = 12 * size.width * size.height * frames  # three channels of 32 bits; it cuts after loading
    if held > LARGE:
        yield f"VOID's loader holds the whole clip as 32-bit floats: about {held / 2**30:.0f} GiB of memory."
