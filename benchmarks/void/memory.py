"""Peak memory of the VOID engine against clip length, on the CPU: `python -m benchmarks.void.memory [FRAMES ...]`.

The tiny model of the tests at a small picture, through the engine as the workflow calls it, from file to file.
Every length and pass runs in a process of its own; the figure is its peak resident size, with an allocator that gives
back what is freed (glibc's own settings keep some tens of MiB of what came before, which hides the slope). The
model's part is the same at every length, so the slope, a line through all lengths, is what a longer clip costs. It
is held against the tensors that are as long as the clip while it is decoded, which is where the peak is. Each latent
frame, that is four frames, has height / 8 times width / 8 positions, each with 32 conditions in bfloat16 and three
times 16 latents in float32: the start's, the finished ones, and those scaled for the VAE. While a state is saved
there are two more copies for a moment.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from statistics import linear_regression
from typing import Literal

from benchmarks.workplace import machine, write_request
from void_audit.media.lossless import LosslessWriter
from void_audit.media.maskfile import MaskFile
from void_audit.media.reader import VideoClip
from void_audit.model.engine import EngineInfo
from void_audit.model.geometry import Rect, Size
from void_audit.model.mask import MaskIdentity
from void_audit.model.plan import CompositeSettings, EditPlan, EncoderSettings, Geometry, SchemaRef, Windows
from void_audit.model.void import void_pass1, void_pass2

ROOT = Path(__file__).resolve().parents[2]
SIZE = Size(160, 96)
LENGTHS = (85, 197, 400, 800, 1600)
STEPS = 2
WINDOWS = Windows(length=85, overlap=16)
ONE = void_pass1().model_copy(update={"steps": STEPS, "checkpoint_every": 1})
TWO = void_pass2().model_copy(update={"steps": STEPS, "checkpoint_every": 1})
INFO = EngineInfo(name="benchmark", version="1", kind="model", description="Random weights.")
BYTES_PER_POSITION = 3 * 16 * 4 + 32 * 2
FRAMES_PER_LATENT = 4
GIVES_BACK = {"MALLOC_MMAP_THRESHOLD_": "131072", "MALLOC_ARENA_MAX": "1"}


def main() -> None:
    """Print the table and the slope."""
    os.environ.update(GIVES_BACK)
    lengths = [int(argument) for argument in sys.argv[1:]] or list(LENGTHS)
    print(f"machine: {machine()}; {SIZE.width}x{SIZE.height}, {STEPS} steps, tiny model")
    print("| frames | pass 1, peak MiB | pass 2, peak MiB | seconds |\n|---|---|---|---|")
    peaks: list[tuple[float, float]] = []
    for frames in lengths:
        with tempfile.TemporaryDirectory() as name:
            folder, start = Path(name), time.perf_counter()
            write_request(folder / "request", SIZE, frames)
            one, two = _peak(folder, 1), _peak(folder, 2)
        peaks.append((one, two))
        print(f"| {frames} | {one:.0f} | {two:.0f} | {time.perf_counter() - start:.0f} |", flush=True)
    if len(lengths) > 1:
        slopes = [1024 * linear_regression(lengths, of_pass).slope for of_pass in zip(*peaks, strict=True)]
        counted = BYTES_PER_POSITION * (SIZE.width // 8) * (SIZE.height // 8) / FRAMES_PER_LATENT / 1024
        print(
            f"slope: {slopes[0]:.1f} and {slopes[1]:.1f} KiB per frame; tensors as long as the clip: {counted:.1f}"
        )


def _peak(folder: Path, number: Literal[1, 2]) -> float:
    """MiB of a fresh process that makes one pass."""
    context = multiprocessing.get_context("spawn")
    queue = context.SimpleQueue()
    process = context.Process(target=_measured, args=(queue, folder, number))
    process.start()
    process.join()
    if process.exitcode:
        sys.exit(f"the measured process ended with {process.exitcode}")
    return float(queue.get())


def _measured(queue: object, folder: Path, number: Literal[1, 2]) -> None:
    import torch  # noqa: PLC0415 - here, so that it is the measured process alone that holds it

    torch.set_num_threads(1)
    _make(folder, number)
    queue.put(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)  # type: ignore[attr-defined]


def _make(folder: Path, number: Literal[1, 2]) -> None:
    """One pass from file to file, as the workflow does it."""
    sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "pipeline" / "synthesize")]
    from transformers.utils.logging import disable_progress_bar  # noqa: PLC0415
    from void_jobs import tiny_folder  # noqa: PLC0415

    from void_audit.pipeline.synthesize.base import Job  # noqa: PLC0415
    from void_audit.pipeline.synthesize.void.engine import VoidRefiner, VoidSynthesizer  # noqa: PLC0415

    disable_progress_bar()
    clip, mask = VideoClip(folder / "request" / "clip.mp4"), MaskFile(folder / "request" / "quadmask.mkv")
    model, plan = tiny_folder(folder / f"model{number}"), _plan(len(mask))
    job = Job("An empty textured ground.", folder / "states")
    with LosslessWriter(folder / f"take{number}.mkv", SIZE, "24/1") as writer:
        if number == 1:
            VoidSynthesizer(model, ONE, job, "cpu").synthesize(clip, mask, plan, writer.write)
        else:
            take = VideoClip(folder / "take1.mkv")
            VoidRefiner(model, TWO, job, "cpu").refine(clip, take, mask, plan, writer.write)


def _plan(frames: int) -> EditPlan:
    size = {"width": SIZE.width, "height": SIZE.height}
    return EditPlan(
        edit="benchmark", source="0" * 64, request="0" * 64, prompt="0" * 64,
        mask_schema=SchemaRef(name="quadmask", sha256="0" * 64), profile="model", seed="42",
        mask=MaskIdentity(**size, frames=frames, root="0" * 64), engine=INFO, refiner=INFO,
        geometry=Geometry(crop=Rect(x=0, y=0, **size), **size), windows=WINDOWS, pass1=ONE, pass2=TWO,
        composite=CompositeSettings(), encoder=EncoderSettings(),
    )  # fmt: skip


if __name__ == "__main__":
    main()
