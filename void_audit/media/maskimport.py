"""Masks made elsewhere, brought to the clip's frames and size; whatever had to be changed for that is said.

VOID's loader takes almost anything: it scales, quantises and cuts off without a word (spec/void 1.3). Here the same
files come in with their meaning, and what cannot be told from the file is refused, not guessed.

==============================  ==========================================================================
another range, lossy coding     VOID's thresholds; even areas of a fifth value are refused (``maskvalues``)
binary masks ``mask_*.mp4``     joined; white becomes remove, grown as VOID grows it
another size                    the nearest pixel, class by class; refused if the shape is another one
another rate, same duration     each frame gets the picture that is shown at its time
frames before the first click   missing in VOID's own files: kept, if ``segmentation_info.json`` tells so
another length                  refused, unless the caller says at which frame the mask begins
affected pixels on frame 0      become keep, as in VOID's stage 4
==============================  ==========================================================================
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from void_audit.errors import MaskError
from void_audit.media.graysource import Gray, GraySource, open_gray
from void_audit.media.maskfind import find_mask, first_prompted_frame
from void_audit.media.maskvalues import FOREGROUND, QUADMASK, read_exactly, read_values
from void_audit.media.void_limits import MASK_GROWTH, WORKING_SIZE
from void_audit.model.clip import ClipInfo
from void_audit.model.geometry import Size
from void_audit.model.mask import Classes, MaskClass

Numbers = npt.NDArray[np.int64]

SHAPE = 1.02
"""Ratio by which a mask of another size may be wider or higher than the clip: sizes are rounded."""

SAME_PACE = Fraction(1, 100)
"""Part by which two rates may differ and be taken for one."""

MOST_CHANGES, LONGEST_CHANGE = 40, 400
"""Sentences, and characters of each, that are said of one import: they stand in a record, which has an end."""

_MARKED = np.array([MaskClass.KEEP, MaskClass.REMOVE], np.uint8)


@dataclass(frozen=True)
class Layer:
    """A file, and the table from its values as coded to classes. Of several layers the lowest class counts."""

    source: GraySource
    classes: Gray


@dataclass(frozen=True)
class Fit:
    """How a mask is brought to a clip. ``numbers``: the picture for each of the clip's frames, -1 for none."""

    size: Size
    numbers: Numbers
    background: int = MaskClass.KEEP
    grown: bool = False
    frame_zero: bool = True
    """Whether VOID's rule for frame 0 applies."""


class ImportedMask:
    """Implements ``model.mask.ClassSequence`` over foreign files; ``changes`` says what had to be changed."""

    def __init__(self, layers: Sequence[Layer], fit: Fit, changes: Sequence[str] = ()) -> None:
        self._layers, self._fit = tuple(layers), fit
        self.changes = tuple(changes)

    @property
    def size(self) -> Size:
        """Width and height of every picture."""
        return self._fit.size

    def __len__(self) -> int:
        return len(self._fit.numbers)

    def classes(self, start: int = 0, stop: int | None = None) -> Iterator[Classes]:
        """Class indices of frames ``start`` to ``stop``; frame 0 holds no AFFECTED (spec/void 3, stage 4)."""
        first, _, _ = slice(start, stop).indices(len(self))
        for frame, classes in enumerate(self._as_given(start, stop), first):
            if frame == 0 and self._fit.frame_zero:
                classes[classes == MaskClass.AFFECTED] = MaskClass.KEEP
            yield classes

    def affected_at_first(self) -> int:
        """Affected pixels on frame 0 that become keep."""
        return int((next(self._as_given(0, 1)) == MaskClass.AFFECTED).sum())

    def _as_given(self, start: int, stop: int | None) -> Iterator[Classes]:
        """Without the rule for frame 0. Pictures are decoded in order, each once."""
        numbers = self._fit.numbers[start:stop]
        wanted = numbers[numbers >= 0]
        pictures = self._pictures(int(wanted[0]), int(wanted[-1]) + 1) if len(wanted) else iter(())
        empty = np.full((self.size.height, self.size.width), self._fit.background, np.uint8)
        position, picture = (int(wanted[0]) - 1 if len(wanted) else -1), empty
        for number in numbers:
            while position < number:
                position, picture = position + 1, next(pictures)
            yield (empty if number < 0 else picture).copy()

    def _pictures(self, start: int, stop: int) -> Iterator[Classes]:
        readers = [layer.source.pictures(start, stop) for layer in self._layers]
        for coded in zip(*readers, strict=True):
            classes = (layer.classes[gray] for layer, gray in zip(self._layers, coded, strict=True))
            yield self._fitted(reduce(np.minimum, classes))

    def _fitted(self, classes: Classes) -> Classes:
        if classes.shape != (self.size.height, self.size.width):
            classes = cv2.resize(classes, tuple(self.size), interpolation=cv2.INTER_NEAREST_EXACT).astype(
                np.uint8
            )
        if self._fit.grown:  # the lowest class is remove
            classes = cv2.erode(classes, np.ones(_growth(self.size), np.uint8)).astype(np.uint8)
        return classes


def import_mask(
    path: Path,
    info: ClipInfo,
    *,
    schema_values: Sequence[int] | None = None,
    begins_at: int | None = None,
    foreground: bool | None = None,
) -> ImportedMask:
    """A mask for the clip of ``info``: VOID's, ComfyUI's, or one of another schema.

    Args:
        path: a mask video, a VOID sequence folder, or a folder of numbered PNG files.
        info: the clip that it is for.
        schema_values: the values of another schema, by class: nothing is forgiven then; values, size and length must
            be exact. Default: VOID's four, by VOID's rules.
        begins_at: the clip's frame to which the mask's first picture belongs; what it does not cover is kept. Default:
            told from the file.
        foreground: whether white marks the object, as in VOID's ``mask_*.mp4``; default: by that name.

    Raises:
        MaskError: mask-size, mask-frames if it does not fit the clip; mask-values if it holds even areas of a fifth
            value, or colour; mask-missing, mask-sequence, mask-format for folders.
        ClipError: if a file is missing, damaged or cut off.
    """
    found = find_mask(path)
    sources = [open_gray(p) for p in found.paths]
    if schema_values is not None:
        return _strict(sources[0], info, schema_values)
    marks = found.foreground if foreground is None else foreground
    numbers, timing = _match(sources, info, begins_at, found.paths[0])
    changes = [
        found.note,
        *_joined(sources, marks, info.size),
        *(_scaled(s, info.size) for s in sources),
        timing,
    ]
    layers = []
    for source in sources:
        reading = read_values(source, FOREGROUND if marks else QUADMASK)
        layers.append(
            Layer(source, (_MARKED[FOREGROUND.classes] if marks else QUADMASK.classes)[reading.table])
        )
        changes += reading.changes
    fit = Fit(info.size, numbers, grown=marks)
    grey = ImportedMask(layers, fit).affected_at_first()
    changes.append(
        f"{grey} affected pixels (127) on frame 0 became keep (255), as VOID does." if grey else ""
    )
    return ImportedMask(layers, fit, _told(changes))


def _told(changes: Iterable[str]) -> list[str]:
    """Each once, as a record can hold them: names of files are whatever somebody chose, and there may be many."""
    once = list(dict.fromkeys(filter(None, changes)))
    more = [f"And {len(once) - MOST_CHANGES} more like these."] if len(once) > MOST_CHANGES else []
    return [_short(change) for change in once[:MOST_CHANGES]] + more


def _short(text: str) -> str:
    shown = "".join(c if c.isprintable() else "?" for c in text)
    if len(shown) <= LONGEST_CHANGE:
        return shown
    return f"{shown[: LONGEST_CHANGE // 2]} ... {shown[-LONGEST_CHANGE // 2 :]}"


def _strict(source: GraySource, info: ClipInfo, values: Sequence[int]) -> ImportedMask:
    if source.size != info.size:
        raise _wrong_size(
            source, info.size, "Masks of other schemas are not scaled: make it at the clip's size."
        )
    if len(source) != info.frames:
        raise _wrong_length(len(source), info)
    fit = Fit(info.size, np.arange(info.frames), frame_zero=False)
    reading = read_exactly(source, values)
    return ImportedMask([Layer(source, reading.table)], fit, _told(reading.changes))


def _match(
    sources: Sequence[GraySource], info: ClipInfo, begins_at: int | None, path: Path
) -> tuple[Numbers, str]:
    """The picture for each frame, and what has to be said of that. Raises MaskError mask-frames."""
    source, pictures = sources[0], len(sources[0])
    if len({len(other) for other in sources}) > 1:
        raise _wrong_length(min(map(len, sources)), info)
    if not begins_at and pictures == info.frames:
        return np.arange(info.frames), _other_pace(source, info)
    if begins_at is not None:
        return _placed(pictures, info, begins_at, "as was said")
    if source.rate and source.rate != info.rate and _same_duration(pictures, source.rate, info):
        return _spread(pictures, source.rate, info)
    clicked = first_prompted_frame(path)
    if clicked is not None and clicked == info.frames - pictures:
        return _placed(pictures, info, clicked, "the first one clicked by segmentation_info.json")
    raise _wrong_length(pictures, info)


def _other_pace(source: GraySource, info: ClipInfo) -> str:
    """VOID's editor writes 12 frames per second whatever the clip has; timestamps in Matroska are rounded."""
    if not source.rate or abs(source.rate / info.rate - 1) < SAME_PACE:
        return ""
    return (
        f"The mask says {float(source.rate):.6g} frames per second, the clip {float(info.rate):.6g}: as it has a "
        "picture for every frame, they were taken one for one."
    )


def _placed(pictures: int, info: ClipInfo, begin: int, why: str) -> tuple[Numbers, str]:
    """Pictures one by one from frame ``begin`` on."""
    if pictures > info.frames:
        raise _wrong_length(pictures, info)
    if not 0 <= begin <= info.frames - pictures:
        raise MaskError(
            "mask-frames",
            f"The mask's {pictures} pictures cannot begin at frame {begin}: the clip has {info.frames}.",
            f"They can begin at frame {info.frames - pictures} at the latest.",
        )
    numbers = np.full(info.frames, -1)
    numbers[begin : begin + pictures] = np.arange(pictures)
    said = f"The mask has {pictures} pictures for {info.frames} frames and begins at frame {begin}, {why}"
    return numbers, f"{said}: frames without a picture are kept."


def _spread(pictures: int, rate: Fraction, info: ClipInfo) -> tuple[Numbers, str]:
    """Each frame gets the picture that is shown when it is."""
    step = rate / info.rate
    shown = np.arange(info.frames) * step.numerator // step.denominator
    said = f"{pictures} pictures at {rate} per second were spread over {info.frames} frames at {info.rate}"
    return np.minimum(shown, pictures - 1), f"{said}: each frame has the one shown at its time."


def _same_duration(pictures: int, rate: Fraction, info: ClipInfo) -> bool:
    """Whether both end within one picture of each other."""
    return abs(pictures / rate - info.frames / info.rate) < max(1 / rate, 1 / info.rate)


def _joined(sources: Sequence[GraySource], marks: bool, size: Size) -> Iterator[str]:
    if not marks:
        return
    down, across = _growth(size)
    yield (
        f"White of {', '.join(source.name for source in sources)} became remove (0), grown by {across}x{down} pixels: "
        f"VOID reads such masks as objects and grows them by {MASK_GROWTH}x{MASK_GROWTH} at its own size."
    )


def _growth(size: Size) -> tuple[int, int]:
    """Rows and columns, odd, of the square by which VOID grows binary masks, in pixels of ``size``."""
    reach = MASK_GROWTH // 2
    down, across = (
        round(reach * size.height / WORKING_SIZE.height),
        round(reach * size.width / WORKING_SIZE.width),
    )
    return 2 * down + 1, 2 * across + 1


def _scaled(source: GraySource, size: Size) -> str:
    """What has to be said of another size. Raises MaskError mask-size where the shape is another one.

    VOID's working size fits every clip: its loader does not keep the shape.
    """
    if source.size == size:
        return ""
    ratio = source.size.width * size.height / (source.size.height * size.width)
    if source.size != WORKING_SIZE and not 1 / SHAPE <= ratio <= SHAPE:
        raise _wrong_size(source, size, "Make the mask at the clip's size, or at least in its shape.")
    off = max(size.width / source.size.width, size.height / source.size.height) / 2
    return (
        f"Scaled from {source.size.width}x{source.size.height} to {size.width}x{size.height} by nearest pixel"
        + (f": edges may be off by {_pixels(max(1, round(off)))}." if off > 0.5 else ".")
    )


def _pixels(number: int) -> str:
    return f"{number} pixel" if number == 1 else f"{number} pixels"


def _wrong_size(source: GraySource, size: Size, hint: str) -> MaskError:
    sizes = f"{source.size.width}x{source.size.height}, the clip {size.width}x{size.height}"
    return MaskError("mask-size", f"The mask {source.name} is {sizes}.", hint)


def _wrong_length(pictures: int, info: ClipInfo) -> MaskError:
    return MaskError(
        "mask-frames",
        f"The mask has {pictures} pictures, the clip {info.frames} frames.",
        "Make a mask with one picture for every frame, or say at which frame it begins: "
        "`void-audit mask import EDIT FILE --begins-at FRAME`.",
    )
