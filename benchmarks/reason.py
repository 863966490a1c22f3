"""How much of what an object causes the rules find: `python -m benchmarks.reason [FOLDER ...]`.

Without a folder: the drawn worlds of the tests, whose truth is exact. A folder holds a clip (`clip.mp4` or
`input_video.mp4`), the object (`object_mask.mkv`, or the object class of `*quadmask*.mp4`) and, if it is known,
`truth.mp4`. Truth: pixels outside the object where clip and truth differ by more than 8 levels in any channel.
*Recall* is the share of these that lies in named cells; *recall apart from the edge* leaves out what lies
within 4 pixels of the object (its own soft edge) and single noisy pixels (3 x 3 opening). *Precision* is the
share of the named cells' pixels that are true, likewise apart from the edge; *grid* is what exactly the cells
with 16 true pixels would reach. *Opened* and *true* are mean shares of the picture.
Option: `--sheets DIRECTORY` for contact sheets.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks.workplace import machine
from void_audit.media.memory import ArrayClip
from void_audit.media.reader import VideoClip
from void_audit.model.engine import EngineInfo
from void_audit.model.geometry import Size
from void_audit.model.grid import cells_touched, fill_cells
from void_audit.model.mask import PackedBitmaps
from void_audit.model.reasoning import Consequences, Grid
from void_audit.model.request import EditRequest
from void_audit.model.track import Track
from void_audit.pipeline.masks.grid import FindingCells
from void_audit.pipeline.reason.contact import ContactReasoner
from void_audit.pipeline.reason.shapes import distance_to

SHORT_SIDE = 384
LEVELS, EDGE = 8, 4
REQUEST = EditRequest(
    object="object", instruction="Remove it.", background="The place without it.", requester="bench",
    purpose="measurement", asset_class="entertainment",
)  # fmt: skip
HEAD = "| clip | size, frames | recall | apart from the edge | precision | grid | opened | true | CPU s | found |"


@dataclass
class Case:
    """A clip with its object and, if known, the pictures without the object (else None)."""

    name: str
    pictures: list
    masks: list
    truths: list | None

    @property
    def track(self) -> Track:
        height, width = self.masks[0].shape
        engine = EngineInfo(name="given", version="1", kind="scripted", description="Given with the clip.")
        masks = PackedBitmaps(Size(width, height), self.masks)
        return Track(masks, tuple(1.0 for _ in self.masks), (0,), engine)


def drawn() -> list[Case]:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "pipeline" / "reason"))
    from reason_scenes import landing, panned, pressed, pushed_block, rolling_ball, shaded, visitor  # noqa: PLC0415

    worlds = {
        "soft shadow": rolling_ball(),
        "faint shadow": rolling_ball(shadow=0.12),
        "mirror image": rolling_ball(shadow=0, mirror=0.4),
        "hovering, another mover": rolling_ball(hover=45, mover=True),
        "entering": rolling_ball(start=-60, frames=44),
        "shadow, panning camera": panned(rolling_ball(start=60, speed=4)),
        "resting object (guess)": rolling_ball(still=True),
        "resting object, passing shade": shaded(rolling_ball(still=True)),
        "block set off": pushed_block(),
        "block, light drifting by itself": pushed_block(dawn=40.0),
        "block, object with shadow enters": pushed_block(frames=58, contact=30, shadow=0.4),
        "block, panning camera": panned(pushed_block()),
        "block squashed": pressed(),
        "bouncing off the object": visitor(bounces=True),
        "landing on the object": landing(),
        "passing behind the object": visitor(bounces=False),
        "no consequence at all": rolling_ball(shadow=0, mover=True),
    }
    return [Case(name, world.pictures, world.masks, world.truths) for name, world in worlds.items()]


def from_folder(folder: Path) -> Case:
    clip = next(path for name in ("clip.mp4", "input_video.mp4") if (path := folder / name).exists())
    exact = folder / "object_mask.mkv"
    mask = exact if exact.exists() else next(folder.glob("*quadmask*.mp4"))
    size = VideoClip(clip).info.size
    scale = min(1.0, SHORT_SIDE / min(size))
    small = Size(round(size.width * scale), round(size.height * scale))
    masks = []
    for picture in VideoClip(mask).frames():
        is_object = (picture[..., 0] > 127) if exact.exists() else (picture[..., 0] < 95)
        masks.append(
            cv2.resize(is_object.astype(np.uint8) * 255, tuple(small), interpolation=cv2.INTER_AREA) > 64
        )
    truth = folder / "truth.mp4"
    truths = list(VideoClip(truth).view(size=small).frames()) if truth.exists() else None
    return Case(folder.name, list(VideoClip(clip).view(size=small).frames()), masks, truths)


def named(consequences: Consequences, case: Case) -> list:
    """Per frame, the cells that are opened."""
    things = [FindingCells(thing, consequences.grid) for thing in consequences.affected]
    nothing = np.zeros((consequences.grid.rows, consequences.grid.cols), bool)
    return [
        np.logical_or.reduce([nothing, *(thing.at(index) for thing in things)])
        for index in range(len(case.masks))
    ]


def figures(case: Case, cells: list, grid: Grid) -> list[str]:
    counts = np.zeros(6)
    opened = 0.0
    for index, mask in enumerate(case.masks):
        size = Size(mask.shape[1], mask.shape[0])
        area = fill_cells(cells[index], size) & ~mask
        opened += area.mean() / len(case.masks)
        if case.truths is None:
            continue
        delta = np.abs(case.pictures[index].astype(np.int16) - case.truths[index]).max(axis=2)
        true = (delta > LEVELS) & ~mask
        solid = cv2.morphologyEx(true.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
        apart = distance_to(mask) > EDGE
        solid &= apart
        best = fill_cells(cells_touched(solid, grid, at_least=16), size) & apart
        measured = (true & area, true, solid & area, solid, area & apart, best)
        counts += [picture.sum() for picture in measured]
    if case.truths is None:
        return ["-", "-", "-", "-", f"{opened:.3f}", "-"]
    hit, true, solid_hit, solid, named_pixels, best = counts
    total = sum(mask.size for mask in case.masks)
    shares = [(hit, true), (solid_hit, solid), (solid_hit, named_pixels), (solid, best)]
    said = [f"{top / bottom:.3f}" if bottom else "-" for top, bottom in shares]
    return [*said, f"{opened:.3f}", f"{true / total:.3f}"]


def sheet(case: Case, cells: list, path: Path) -> None:
    shown = []
    for index in np.linspace(0, len(case.masks) - 1, 9).astype(int):
        picture, mask = case.pictures[index].copy(), case.masks[index]
        area = fill_cells(cells[index], Size(mask.shape[1], mask.shape[0]))
        picture[area] = picture[area] * 0.6 + np.array([0, 48, 102])
        edge = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
        picture[edge] = (0, 255, 0)
        shown.append(picture)
    rows = [np.hstack(shown[start : start + 3]) for start in (0, 3, 6)]
    cv2.imwrite(str(path), cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--sheets", type=Path)
    given = parser.parse_args()
    print(f"{machine()}\n\n{HEAD}\n|{'---|' * HEAD.count(' | ')}---|")
    for case in [from_folder(folder) for folder in given.folders] or drawn():
        started = time.process_time()
        answer = ContactReasoner().reason(ArrayClip(case.pictures), case.track, REQUEST).consequences
        spent = time.process_time() - started
        cells = named(answer, case)
        height, width = case.masks[0].shape
        found = "; ".join(
            f"{t.noun} ({t.frames.start}-{t.frames.stop - 1}, {t.confidence:.2f})" for t in answer.affected
        )
        row = [
            case.name,
            f"{width}x{height}, {len(case.masks)}",
            *figures(case, cells, answer.grid),
            f"{spent:.1f}",
        ]
        print(f"| {' | '.join([*row, found or 'nothing'])} |", flush=True)
        if given.sheets:
            given.sheets.mkdir(parents=True, exist_ok=True)
            sheet(case, cells, given.sheets / f"{case.name.replace(' ', '-')}.png")


if __name__ == "__main__":
    main()
