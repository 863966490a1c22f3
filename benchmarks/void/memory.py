"""Peak memory of the VOID engine against clip length, on the CPU: `python -m benchmarks.void.memory [FRAMES ...]`.

The tiny model of the tests at a small picture, through the engine as the workflow calls it, from file to file.
Every length and pass runs in a process of its own; the figure is its peak resident size. The model's own part is
the same at every length, so the slope (between the two longest clips) is what a longer clip costs. It is held
against the tensors that are as long as the clip. Each latent frame, that is four frames, has height / 8 x width / 8
positions, each with 32 conditions in bfloat16 and five times 16 latents in float32: those of the start, the blended
ones, those after the step, and two copies while they are saved.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Literal

from benchmarks.workplace import machine, write_request
from void_audit.media.lossless import LosslessWriter
from void_audit.media.maskfile import MaskFile
from void_audit.media.reader import VideoClip
from void_audit.model.engine import EngineInfo
from void_audit.model.geometry import Rect, Size
from void_audit.model.mask import MaskIdentity
from void_audit.model.plan import CompositeSettings, EditPlan, EncoderSettings, Geometry, Windows
from void_audit.model.void import void_pass1, void_pass2

ROOT = Path(__file__).resolve().parents[2]
SIZE = Size(160, 96)
LENGTHS = (85, 197, 400, 800, 1600)
STEPS = 2
WINDOWS = Windows(length=85, overlap=16)
ONE = void_pass1().model_copy(update={"steps": STEPS, "checkpoint_every": 1})
TWO = void_pass2().model_copy(update={"steps": STEPS, "checkpoint_every": 1})
INFO = EngineInfo(name="benchmark", version="1", kind="model", description="Random weights.")
BYTES_PER_POSITION = 5 * 16 * 4 + 32 * 2
FRAMES_PER_LATENT = 4


def main() -> None:
    """Print the table and the slope."""
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
        more, rise = lengths[-1] - lengths[-2], zip(*peaks[-2:], strict=True)
        slopes = " and ".join(f"{1024 * (last - before) / more:.1f}" for before, last in rise)
        counted = BYTES_PER_POSITION * (SIZE.width // 8) * (SIZE.height // 8) / FRAMES_PER_LATENT / 1024
        print(f"slope: {slopes} KiB per frame; tensors as long as the clip: {counted:.1f}")


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
        edit="benchmark", source="0" * 64, request="0" * 64, profile="model", seed="42",
        mask=MaskIdentity(**size, frames=frames, root="0" * 64), engine=INFO, refiner=INFO,
        geometry=Geometry(crop=Rect(x=0, y=0, **size), **size), windows=WINDOWS, pass1=ONE, pass2=TWO,
        composite=CompositeSettings(), encoder=EncoderSettings(),
    )  # fmt: skip


if __name__ == "__main__":
    main()
