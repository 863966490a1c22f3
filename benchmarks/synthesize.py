"""Passes 1 and 2 and the composite, on clips with masks: `python -m benchmarks.synthesize [FOLDER ...]`.

A folder holds a clip (`clip.mp4` or `input_video.mp4`), a mask (`quadmask*` or `*_quadmask*`) and, if it is
known, `truth.mp4`. Where there is a truth but no mask, everything that differs from it is opened, in cells of 16
pixels: the ideal mask. Without a folder a made-up disc crosses a textured ground whose truth is known.
Options: `--profile 384p`, `--sheets DIRECTORY` for contact sheets of source and result.
Each clip runs in a process of its own; memory is that process's peak resident size.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from benchmarks.workplace import machine
from void_audit.media.lossless import LosslessWriter
from void_audit.media.maskimport import import_mask
from void_audit.media.memory import ArrayClip
from void_audit.media.planes import planes_to_rgb
from void_audit.media.reader import VideoClip
from void_audit.model.clip import RGB, Clip
from void_audit.model.geometry import Size
from void_audit.model.mask import Classes, ClassSequence, MaskIdentity
from void_audit.model.plan import (
    CompositeSettings,
    EditPlan,
    EncoderSettings,
    FlowRefineSettings,
    PropagateSettings,
    SchemaRef,
    Windows,
)
from void_audit.pipeline.synthesize.composite import Compositor
from void_audit.pipeline.synthesize.flow_refine import FlowRefiner
from void_audit.pipeline.synthesize.geometry import choose_geometry
from void_audit.pipeline.synthesize.propagate import PropagateSynthesizer
from void_audit.pipeline.synthesize.quality import compare_opened
from void_audit.workflow.drafting import opened_box

COLUMNS = (
    "clip", "crop", "frames", "opened max", "never seen mean / max", "pass 1 CPU-s/f", "pass 2 CPU-s/f",
    "composite CPU-s/f", "flicker before / after", "sharpness kept", "PSNR / SSIM pass 1", "pass 2", "keep changed",
    "peak MiB",
)  # fmt: skip


class Held:
    """A mask in memory."""

    def __init__(self, masks: list[Classes]) -> None:
        self._masks = masks
        self.size = Size(masks[0].shape[1], masks[0].shape[0])

    def __len__(self) -> int:
        return len(self._masks)

    def classes(self, start: int = 0, stop: int | None = None) -> Iterator[Classes]:
        yield from self._masks[start:stop]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--profile", choices=["native", "384p"], default="native")
    parser.add_argument("--sheets", type=Path)
    options = parser.parse_args()
    print(f"machine: {machine()}; profile {options.profile}\n")
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    for folder in options.folders or [None]:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            print(
                f"| {' | '.join(pool.apply(measure, (folder, options.profile, options.sheets)))} |",
                flush=True,
            )


def measure(folder: Path | None, profile: str, sheets: Path | None) -> list[str]:
    """One row of the table."""
    clip, mask, truth, name = _made_up() if folder is None else _from(folder)
    plan = _plan(mask, profile)
    with tempfile.TemporaryDirectory() as scratch:
        one, two = Path(scratch) / "one.mkv", Path(scratch) / "two.mkv"
        first, seconds_one = _written(
            one, plan, lambda s: PropagateSynthesizer().synthesize(clip, mask, plan, s)
        )
        take = VideoClip(one)
        second, seconds_two = _written(two, plan, lambda s: FlowRefiner().refine(clip, take, mask, plan, s))
        likeness = [_likeness(path, plan, mask, truth) for path in (one, two)]
        changed, seconds_three = _composite(
            clip, mask, plan, two, sheets and sheets / f"{name}-{profile}.png"
        )
    frames, was, now = len(mask), first.statistics, second.statistics
    geometry = plan.geometry
    return [
        name, f"{geometry.width}x{geometry.height}", str(frames), f"{_opened(mask):.0%}",
        f"{was['never_seen_share_mean']:.1%} / {was['never_seen_share_max']:.1%}",
        *(f"{s / frames:.2f}" for s in (seconds_one, seconds_two, seconds_three)),
        f"{now['flicker_before']:.2f} / {now['flicker_after']:.2f}", f"{now['sharpness_kept']:.2f}", *likeness,
        changed, f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}",
    ]  # fmt: skip


def _written(path: Path, plan: EditPlan, work: object) -> tuple[object, float]:
    start = time.process_time()
    with LosslessWriter(path, Size(plan.geometry.width, plan.geometry.height), "24/1") as writer:
        report = work(writer.write)  # type: ignore[operator]
    return report, time.process_time() - start


def _likeness(path: Path, plan: EditPlan, mask: ClassSequence, truth: Clip | None) -> str:
    geometry = plan.geometry
    if truth is None or (geometry.width, geometry.height) != (geometry.crop.width, geometry.crop.height):
        return "-"
    crop = geometry.crop
    part = (slice(crop.y, crop.bottom), slice(crop.x, crop.right))
    found = compare_opened(
        VideoClip(path).frames(), truth.view(crop).frames(), (c[part] for c in mask.classes())
    )
    return f"{found.psnr:.2f} / {found.ssim:.4f}"


def _composite(
    clip: Clip, mask: ClassSequence, plan: EditPlan, take: Path, sheet: Path | None
) -> tuple[str, float]:
    if not isinstance(clip, VideoClip):
        return "-", 0.0
    wanted = {round(i) for i in np.linspace(0, len(mask) - 1, 6)}
    made, tiles, start = Compositor(VideoClip(take), mask, plan, clip.info), [], time.process_time()
    for number, frame in enumerate(made.frames(clip.planes())):
        if sheet is not None and number in wanted:
            tiles.append(_tile(planes_to_rgb(frame, clip.info)))
    seconds = time.process_time() - start
    if sheet is not None:
        before = [_tile(p) for i, p in enumerate(clip.frames()) if i in wanted]
        sheet.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(sheet), np.vstack([np.hstack(before), np.hstack(tiles)])[..., ::-1])
    return f"{made.report.keep_samples_changed} of {made.report.keep_samples}", seconds


def _tile(picture: RGB) -> RGB:
    width = 640
    size = (width, round(picture.shape[0] * width / picture.shape[1]))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _opened(mask: ClassSequence) -> float:
    return max(float((c != 3).mean()) for c in mask.classes())


def _from(folder: Path) -> tuple[VideoClip, ClassSequence, Clip | None, str]:
    path = next(p for n in ("clip.mp4", "input_video.mp4") if (p := folder / n).exists())
    clip = VideoClip(path)
    truth = VideoClip(folder / "truth.mp4") if (folder / "truth.mp4").exists() else None
    found = sorted(folder.glob("*quadmask*.m*"))
    if found:
        return clip, import_mask(found[0], clip.info), truth, folder.name
    if truth is None:
        raise SystemExit(f"{folder} has neither a quadmask nor a truth")
    masks = [_difference(p, t) for p, t in zip(clip.frames(), truth.frames(), strict=True)]
    return clip, Held(masks), truth, f"{folder.name}, ideal mask"


def _difference(picture: RGB, truth: RGB, cell: int = 16) -> Classes:
    """AFFECTED in every cell of which two per cent differ by more than 8 levels, KEEP elsewhere."""
    height, width = picture.shape[:2]
    level = cv2.blur(cv2.absdiff(picture, truth).max(axis=2).astype(np.float32), (5, 5))
    grid = (-(-width // cell), -(-height // cell))
    share = cv2.resize((level > 8).astype(np.float32), grid, interpolation=cv2.INTER_AREA)
    opened = cv2.resize((share > 0.02).astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    return np.where(opened > 0, 2, 3).astype(np.uint8)


def _made_up(frames: int = 50, size: Size = Size(864, 486)) -> tuple[Clip, ClassSequence, Clip, str]:  # noqa: B008
    """A disc crosses a textured ground under a hand-held camera; every frame opens about 12 %."""
    random = np.random.default_rng(0)
    ground = np.zeros((2 * size.height, 2 * size.width, 3), np.float32)
    for scale, weight in ((3, 10.0), (9, 20.0), (40, 30.0), (160, 30.0)):
        noise = random.normal(size=(ground.shape[0] // scale + 2, ground.shape[1] // scale + 2, 3))
        ground += weight * cv2.resize(noise.astype(np.float32), (ground.shape[1], ground.shape[0]))
    ground = np.clip(128 + ground, 0, 255)
    pictures, truth, masks = [], [], []
    for i in range(frames):
        shift = np.array([[1, 0, 200 + 2.3 * i], [0.0005 * i, 1, 100 + 12 * np.sin(i / 8)]], np.float32)
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        clean = cv2.warpAffine(ground, shift, tuple(size), flags=flags)
        picture, classes = clean.copy(), np.full((size.height, size.width), 3, np.uint8)
        centre = (60 + i * 15, 240)
        cv2.circle(picture, centre, 118, (250, 30, 20), -1)
        cv2.circle(classes, centre, 122, 0, -1)
        grain = random.normal(scale=2.0, size=picture.shape)
        pictures.append(np.clip(np.rint(picture + grain), 0, 255).astype(np.uint8))
        truth.append(np.clip(np.rint(clean), 0, 255).astype(np.uint8))
        masks.append(classes)
    return ArrayClip(pictures), Held(masks), ArrayClip(truth), "made up"


def _plan(mask: ClassSequence, profile: str) -> EditPlan:
    size = mask.size
    return EditPlan(
        edit="benchmark", source="0" * 64, request="0" * 64, prompt="0" * 64,
        mask_schema=SchemaRef(name="quadmask", sha256="0" * 64), profile=profile,
        mask=MaskIdentity(width=size.width, height=size.height, frames=len(mask), root="0" * 64),
        engine=PropagateSynthesizer().info, refiner=FlowRefiner().info, seed="42",
        geometry=choose_geometry(opened_box(mask), size, profile), windows=Windows(),
        pass1=PropagateSettings(), pass2=FlowRefineSettings(), composite=CompositeSettings(),
        encoder=EncoderSettings(),
    )  # fmt: skip


if __name__ == "__main__":
    main()
