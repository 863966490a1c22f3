"""Published clicks to quadmask on the embedded engines, against the published masks: `python -m benchmarks.quadmask`.

Each real clip (``--samples``, beside the checkout; not part of this project) goes through what an edit does: the
click segmenter with the clicks that were published with it, at the working size; the rules of the contact
reasoner; the mask composed at the clip's own size. moving_ball has no published clicks: one click of ours on the
toy, CLICKS. The published mask is read as an import reads it. Per frame, intersection over union (1 where
both are empty) of

- *object*: the track, enlarged, against the values 0 and 63;
- *grown*: the object of the composed mask, which grows by 1/120 of the short side, against the same;
- *affected*: the composed mask's affected area against the values 63 and 127;
- *opened*: everything in which something may change against everything that is not 255.

A second table says what the difference in *affected* is made of (``benchmarks.quadmask_parts``).

Options: ``--csv FILE`` writes every frame's figures, ``--sheets FOLDER`` pictures, ``--clips NAME,...``.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks.quadmask_parts import HEAD, Frame, Parts, parts_of
from benchmarks.segment import contact_sheet, overlap, published_clicks, scaled
from benchmarks.workplace import machine
from void_audit.media.maskimport import import_mask
from void_audit.media.reader import VideoClip
from void_audit.model.clip import Clip
from void_audit.model.geometry import Size
from void_audit.model.mask import Bitmap, Classes, MaskClass
from void_audit.model.reasoning import Consequences
from void_audit.model.request import EditRequest
from void_audit.model.track import Click, Track
from void_audit.pipeline.masks.compose import compose, enlarge
from void_audit.pipeline.reason.contact import ContactReasoner
from void_audit.pipeline.segment.base import Segmenter
from void_audit.pipeline.segment.click import ClickSegmenter
from void_audit.weights.store import ModelStore
from void_audit.workflow.masking import DILATION
from void_audit.workflow.seeing import scaled_marks, working_size

SAMPLES = Path(__file__).resolve().parents[2] / "shared" / "samples"
MASKS = {
    "lime": "quadmask_0.mp4",
    "moving_ball": "quadmask_0.mp4",
    "ducky-float": "trimask_quadmask.mp4",
}
CLICKS = {"moving_ball": ((0, 2920.0, 855.0),)}
FIELDS = ("object", "grown", "affected", "opened")
_OBJECT = (MaskClass.REMOVE, MaskClass.OVERLAP)
_AFFECTED = (MaskClass.AFFECTED, MaskClass.OVERLAP)


@dataclass(frozen=True)
class Case:
    """One clip with its clicks in source pixels, its published mask, and the published wish."""

    name: str
    clip: VideoClip
    clicks: tuple[tuple[int, float, float], ...]
    mask: Path
    background: str


@dataclass(frozen=True)
class Measured:
    """What came of a clip. ``frames`` holds FIELDS for every frame."""

    case: Case
    track: Track
    consequences: Consequences
    frames: Sequence[tuple[float, ...]]
    published: Sequence[float]
    """Mean shares of the picture that the published mask and ours open."""
    parts: Parts
    first: float
    """``grown`` on frame 0 where no shadow counts as object there."""
    seconds: float


def cases(samples: Path) -> Iterator[Case]:
    """Every clip that is there."""
    for name, mask in MASKS.items():
        folder = samples / name
        if not folder.is_dir():
            continue
        background = json.loads((folder / "prompt.json").read_text())["bg"]
        clicks = CLICKS.get(name) or published_clicks(folder)
        yield Case(name, VideoClip(folder / "input_video.mp4"), clicks, folder / mask, background)


def measure(case: Case, segmenter: Segmenter, sheets: Path | None = None) -> Measured:
    """Segment, reason, compose, compare."""
    source = case.clip.info
    view = case.clip.view(size=working_size(source.size))
    clicks = [Click(frame=frame, x=x, y=y) for frame, x, y in case.clicks]
    start = time.process_time()
    track = segmenter.segment(view, scaled_marks(clicks, source.size, view.info.size))
    found = ContactReasoner().reason(view, track, _request(case)).consequences
    seconds = time.process_time() - start
    ours, theirs = _masks(case, track, found)
    frames = [
        figures(enlarge(bitmap, source.size), *pair)
        for bitmap, pair in zip(track.masks, zip(ours, theirs, strict=True), strict=True)
    ]
    shares = [float(np.mean([(mask != MaskClass.KEEP).mean() for mask in masks])) for masks in (theirs, ours)]
    if sheets:
        _draw(case, view, track, sheets)
    bare = compose(track, found.model_copy(update={"affected": ()}), source.size, _growth(source.size))
    first = overlap(np.isin(next(bare), _OBJECT), np.isin(theirs[0], _OBJECT))
    parts = parts_of(_frames(view, ours, theirs), found.grid)
    return Measured(case, track, found, frames, shares, parts, first, seconds)


def _request(case: Case) -> EditRequest:
    return EditRequest(
        object="object", instruction="Remove it.", background=case.background, requester="bench",
        purpose="measurement", asset_class="entertainment",
    )  # fmt: skip


def _growth(size: Size) -> int:
    return max(1, round(min(size) * DILATION))


def _masks(case: Case, track: Track, found: Consequences) -> tuple[list[Classes], list[Classes]]:
    """Ours and the published one, at the clip's own size."""
    size = case.clip.info.size
    made = list(compose(track, found, size, _growth(size)))
    return made, list(import_mask(case.mask, case.clip.info).classes())


def _frames(view: Clip, ours: Sequence[Classes], theirs: Sequence[Classes]) -> list[Frame]:
    size = tuple(view.info.size)

    def small(mask: Classes) -> Classes:
        return np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST), np.uint8)

    masks = ((small(our), small(their)) for our, their in zip(ours, theirs, strict=True))
    return [
        Frame(picture, np.isin(their, _OBJECT), np.isin(their, _AFFECTED), np.isin(our, _AFFECTED))
        for picture, (our, their) in zip(view.frames(), masks, strict=True)
    ]


def figures(track: Bitmap, ours: Classes, theirs: Classes) -> tuple[float, ...]:
    """FIELDS of one frame."""
    theirs_object = np.isin(theirs, _OBJECT)
    return (
        overlap(track, theirs_object),
        overlap(np.isin(ours, _OBJECT), theirs_object),
        overlap(np.isin(ours, _AFFECTED), np.isin(theirs, _AFFECTED)),
        overlap(ours != MaskClass.KEEP, theirs != MaskClass.KEEP),
    )


def table(measured: Sequence[Measured]) -> Iterator[str]:
    """Markdown: for each clip and field mean, median, and the worst frame with its number."""
    yield (
        "| clip | frames | clicks | "
        + " | ".join(FIELDS)
        + " | published opens | ours | confidence | CPU s |"
    )
    yield "|---" * (8 + len(FIELDS) - 1) + "|"
    for one in measured:
        values = np.array(one.frames)
        cells = [
            f"{column.mean():.3f} / {np.median(column):.3f} / {column.min():.3f} ({column.argmin()})"
            for column in values.T
        ]
        opened = [f"{100 * share:.1f} %" for share in one.published]
        yield (
            f"| {one.case.name} | {len(values)} | {len(one.case.clicks)} | {' | '.join([*cells, *opened])} | "
            f"{np.median(one.track.confidence):.2f} | {one.seconds:.0f} |"
        )


def parts_table(measured: Sequence[Measured]) -> Iterator[str]:
    """Markdown: what the difference in *affected* is made of."""
    yield HEAD
    yield "|---" * (HEAD.count("|") - 1) + "|"
    for one in measured:
        yield f"| {one.case.name} | {' | '.join(one.parts.cells())} | {one.first:.3f} |"


def write_frames(path: Path, measured: Sequence[Measured]) -> None:
    """Every frame of every clip, with the segmenter's confidence."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["clip", "frame", *FIELDS, "confidence"])
        for one in measured:
            for frame, (values, sure) in enumerate(zip(one.frames, one.track.confidence, strict=True)):
                cells = [f"{value:.3f}" for value in (*values, sure)]
                writer.writerow([one.case.name, frame, *cells])


def _draw(case: Case, view: Clip, track: Track, sheets: Path) -> None:
    published = import_mask(case.mask, case.clip.info).classes()
    references = [scaled(np.isin(theirs, _OBJECT), view.info.size) for theirs in published]
    contact_sheet(view, track, references, sheets / f"{case.name}.png")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=Path, default=SAMPLES)
    parser.add_argument("--clips", default="", help="only those whose name starts with one of these")
    parser.add_argument("--csv", type=Path, help="every frame's figures go there")
    parser.add_argument("--sheets", type=Path, help="write contact sheets there")
    options = parser.parse_args()
    wanted = [c for c in cases(options.samples) if c.name.startswith(tuple(options.clips.split(",")))]
    if not wanted:
        print(f"skipped: no sample clips in {options.samples}")
        return
    segmenter = ClickSegmenter(ModelStore().path("u2netp"))
    measured = [measure(case, segmenter, options.sheets) for case in wanted]
    print(f"machine: {machine()}, OpenCV {cv2.__version__}; mean / median / worst (its frame)\n")
    print(*table(measured), sep="\n")
    print("", *parts_table(measured), sep="\n")
    for one in measured:
        things = [f"{a.noun} ({a.frames.start}-{a.frames.stop - 1})" for a in one.consequences.affected]
        print(f"\n{one.case.name}: {'; '.join(things) or 'nothing found'}", *one.track.warnings, sep="\n- ")
    if options.csv:
        write_frames(options.csv, measured)


if __name__ == "__main__":
    main()
