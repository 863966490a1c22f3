"""How well and how fast the click segmenter works: mean IoU per clip, seconds per frame.

    python -m benchmarks.segment [--clips lime,crossing] [--sheets FOLDER] [--samples FOLDER] [--clicks 12 --followed 3]

Clips: the real ones (``--samples``, beside the checkout; not part of this project) with the clicks published
with them, except moving_ball, where one click is placed here on the duck; and the project's own examples with
their exact masks. "all" uses every published click, "one" a single one,
"two" another one on what is not the object.

How much depends on where one clicks: ``--clicks N`` takes N single clicks per clip, drawn with a seed from inside the
reference object on frames spread over the clip, and says what the clicked frame's mask is; ``--followed M`` follows the
first M of them over the whole clip. What was measured last is in benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
import yaml

from void_audit.media.maskfile import BitmapFile
from void_audit.media.reader import VideoClip
from void_audit.model.clip import Clip
from void_audit.model.geometry import Size
from void_audit.model.mask import Bitmap
from void_audit.model.track import Click, Track
from void_audit.pipeline.segment.click import ClickSegmenter
from void_audit.pipeline.segment.marks import Prompt
from void_audit.pipeline.segment.moving import REACH
from void_audit.pipeline.segment.saliency import SaliencyNetwork
from void_audit.pipeline.segment.seed import seed
from void_audit.weights.store import ModelStore

ROOT = Path(__file__).resolve().parents[1]
SHORT_SIDE = 384
WRONG = 0.7
"""IoU below which a clicked frame's mask counts as wrong."""
UNSURE = 0.55
"""Score below which the engine tells a person to look at a clicked frame's mask."""


@dataclass(frozen=True)
class Case:
    """One clip: pictures, clicks in its own pixels, and reference masks at any size."""

    name: str
    clip: Path
    clicks: tuple[tuple[int, float, float], ...]
    """On the object."""
    reference: Callable[[], Iterator[Bitmap]]
    background: tuple[tuple[int, float, float], ...] = ()
    """Clicks on what is not the object."""


def working_size(size: Size) -> Size:
    """Short side 384, both sides multiples of 8."""
    scale = SHORT_SIDE / min(size)
    return Size(*(round(side * scale / 8) * 8 for side in size))


def void_masks(path: Path) -> Iterator[Bitmap]:
    """A published quadmask: stored values 0 and 63 are the object. Its luma is limited range (16 to 235)."""
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            plane = frame.planes[0]
            luma = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, : frame.width]
            yield (luma.astype(float) - 16) * 255 / 219 < 95


def published_clicks(folder: Path) -> tuple[tuple[int, float, float], ...]:
    info = json.loads((folder / "segmentation_info.json").read_text())
    points = info["points_by_frame"].items()
    return tuple((int(frame), float(x), float(y)) for frame, places in points for x, y in places)


def cases(samples: Path) -> Iterator[Case]:
    """Every clip that is there."""
    for name, mask, single in (
        ("lime", "quadmask_0.mp4", (0, 2452.0, 1588.0)),
        ("moving_ball", "quadmask_0.mp4", (0, 2920.0, 855.0)),
        ("ducky-float", "trimask_quadmask.mp4", (36, 636.0, 46.0)),
    ):
        folder = samples / name
        if not folder.is_dir():
            continue
        reference = lambda path=folder / mask: void_masks(path)  # noqa: E731
        if (folder / "segmentation_info.json").exists():
            yield Case(f"{name} (all)", folder / "input_video.mp4", published_clicks(folder), reference)
        yield Case(f"{name} (one)", folder / "input_video.mp4", (single,), reference)
        if name == "ducky-float":  # the duck's head moves along with the press: a second click takes it out
            yield Case(
                f"{name} (two)", folder / "input_video.mp4", (single,), reference, ((36, 584.0, 398.0),)
            )
    for folder in sorted((ROOT / "examples").iterdir()):
        if (folder / "object_mask.mkv").exists():
            yield own_case(folder)


def own_case(folder: Path) -> Case:
    """One of the project's own examples: clicks of its edit, the rendered object's exact mask."""
    clicks = yaml.safe_load((folder / "edit.yaml").read_text())["clicks"]
    places = tuple(
        (c["frame"], float(c["x"]), float(c["y"])) for c in clicks if c.get("label") != "background"
    )
    masks = BitmapFile(folder / "object_mask.mkv")
    return Case(folder.name, folder / "clip.mp4", places, lambda: iter(masks.bitmaps()))


def scaled_clicks(case: Case, source: Size, size: Size) -> list[Click]:
    across, down = size.width / source.width, size.height / source.height
    on = [Click(frame=frame, x=x * across, y=y * down) for frame, x, y in case.clicks]
    off = [Click(frame=f, x=x * across, y=y * down, label="background") for f, x, y in case.background]
    return on + off


def overlap(mask: Bitmap, reference: Bitmap) -> float:
    union = (mask | reference).sum()
    return float((mask & reference).sum() / union) if union else 1.0


def scaled(reference: Bitmap, size: Size) -> Bitmap:
    return cv2.resize(reference.astype(np.float32), tuple(size), interpolation=cv2.INTER_AREA) >= 0.5


def measure(case: Case, segmenter: ClickSegmenter, sheets: Path | None) -> str:
    """One row of the table."""
    source = VideoClip(case.clip)
    clip = source.view(size=working_size(source.info.size))
    clicks = scaled_clicks(case, source.info.size, clip.info.size)
    wall, cpu = time.perf_counter(), time.process_time()
    track = segmenter.segment(clip, clicks)
    frames = clip.info.frames
    wall, cpu = (time.perf_counter() - wall) / frames, (time.process_time() - cpu) / frames
    references = [scaled(reference, clip.info.size) for reference in case.reference()]
    overlaps = np.array([overlap(m, r) for m, r in zip(track.masks, references, strict=True)])
    found = np.mean(
        [(m & r).sum() / r.sum() for m, r in zip(track.masks, references, strict=True) if r.any()]
    )
    if sheets:
        contact_sheet(clip, track, references, sheets / f"{case.name.replace(' ', '-')}.png")
        print(np.round(overlaps, 2), np.round(track.confidence, 2), *track.warnings, sep="\n")
    sure = float(np.median(track.confidence))
    return (
        f"{case.name:18} {frames:4d} {len(clicks):3d} {overlaps.mean():7.3f} {overlaps.min():6.3f} {found:7.3f} "
        f"{sure:6.2f} {cpu:7.2f} {wall:7.2f}"
    )


def contact_sheet(clip: Clip, track: Track, references: Sequence[Bitmap], path: Path) -> None:
    """Sixteen frames: the mask in red, the reference's outline in green."""
    wanted = np.linspace(0, clip.info.frames - 1, 16).astype(int)
    tiles = []
    for frame, picture in enumerate(clip.frames()):
        if frame in wanted:
            tile = picture.copy()
            tile[track.masks[frame]] = tile[track.masks[frame]] // 2 + np.array([127, 0, 0], np.uint8)
            outline = cv2.morphologyEx(
                references[frame].astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3))
            )
            tile[outline > 0] = 0, 255, 0
            cv2.putText(tile, str(frame), (6, 22), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (255, 255, 255), 2)
            tiles.append(cv2.resize(tile, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA))
    sheet = np.vstack([np.hstack(tiles[row : row + 4]) for row in range(0, 16, 4)])
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))


def clicks_inside(references: Sequence[Bitmap], count: int) -> list[tuple[int, int, int]]:
    """Seeded (frame, column, row) inside the object, a little off its outline, on frames where it is not tiny."""
    areas = np.array([reference.sum() for reference in references])
    frames = np.flatnonzero(areas > 0.25 * areas.max())
    draw = np.random.default_rng(4)
    places = []
    for frame in draw.permutation(frames[np.linspace(0, len(frames) - 1, count).astype(int)]):
        core = cv2.erode(references[frame].astype(np.uint8), np.ones((5, 5)), borderType=cv2.BORDER_REPLICATE)
        rows, columns = np.nonzero(core if core.any() else references[frame])
        chosen = draw.integers(len(rows))
        places.append((int(frame), int(columns[chosen]), int(rows[chosen])))
    return places


def sensitivity(case: Case, model: Path, clicks: int, followed: int) -> str:
    """One row: IoU of the clicked frame's mask over single clicks, and of the whole clip for some of them."""
    source = VideoClip(case.clip)
    clip = source.view(size=working_size(source.info.size))
    references = [scaled(reference, clip.info.size) for reference in case.reference()]
    saliency, segmenter = SaliencyNetwork(model.read_bytes()), ClickSegmenter(model)
    made, unsure, whole = [], [], []
    for number, (frame, x, y) in enumerate(clicks_inside(references, clicks)):
        picture = next(clip.frames(frame, frame + 1))
        nearby = (
            clip.frames(frame + 1, min(frame + 1 + REACH, len(references))),
            clip.frames_backwards(frame, max(frame - REACH, 0)),
        )
        found = seed(picture, Prompt(frame, ((x, y),), ()), saliency, *nearby)
        made.append(overlap(found.mask, references[frame]))
        unsure.append(found.score < UNSURE)
        if number < followed:
            track = segmenter.segment(clip, [Click(frame=frame, x=x, y=y)])
            whole.append(np.mean([overlap(m, r) for m, r in zip(track.masks, references, strict=True)]))
    wrong = [said for iou, said in zip(made, unsure, strict=True) if iou < WRONG]
    return (
        f"{case.name.split()[0]:12} {len(made):6d} {np.mean(made):6.3f} {np.median(made):6.3f} {min(made):6.3f} "
        f"{len(wrong):5d} {sum(wrong):6d} {sum(unsure) - sum(wrong):7d}"
        + (f" {len(whole):8d} {np.mean(whole):6.3f} {min(whole):6.3f}" if whole else "")
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", default="", help="only those whose name starts with one of these")
    parser.add_argument("--samples", type=Path, default=ROOT.parent / "shared" / "samples")
    parser.add_argument("--sheets", type=Path, help="write contact sheets there")
    parser.add_argument(
        "--clicks", type=int, default=0, help="only measure how much depends on the click, with N of them"
    )
    parser.add_argument(
        "--followed", type=int, default=0, help="of those, how many are followed over the whole clip"
    )
    parser.add_argument("--models", type=Path, help="folder of the model store")
    arguments = parser.parse_args()
    model = ModelStore(arguments.models).path("u2netp")
    wanted = tuple(arguments.clips.split(","))
    if arguments.clicks:
        print("clip         clicks   mean median  worst wrong warned needless followed   mean  worst")
        for case in cases(arguments.samples):
            if case.name.startswith(wanted) and "(all)" not in case.name and "(two)" not in case.name:
                print(sensitivity(case, model, arguments.clicks, arguments.followed), flush=True)
        return
    segmenter = ClickSegmenter(model)
    print("clip             frames clicks  mIoU minIoU  recall   conf  cpu/f  wall/f")
    for case in cases(arguments.samples):
        if case.name.startswith(wanted):
            print(measure(case, segmenter, arguments.sheets), flush=True)


if __name__ == "__main__":
    main()
