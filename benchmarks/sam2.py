"""Peak memory and time of SAM 2 against clip length, on one core: `python -m benchmarks.sam2 [NETWORK ...]`.

Random weights. ``test`` is the tests' network, a picture of 64 pixels: long clips in a minute. ``tiny`` is the
published one (39 million parameters, 1024 pixels). One click in the middle of the clip, so that the object is followed
in both directions. Each row is a process of its own, from file to track; the figure is its peak resident size.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.void.memory import GIVES_BACK
from benchmarks.workplace import machine, write_request
from void_audit.media.reader import VideoClip
from void_audit.model.geometry import Size
from void_audit.model.seeing import Sam2Settings
from void_audit.model.track import Click

TESTS = Path(__file__).resolve().parents[1] / "tests"
SIZE = Size(672, 384)
LENGTHS = {"test": (60, 480, 1920), "tiny": (24, 48)}
"""Memory is full after twice 16 frames: as far as anything is attended to, in both directions."""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help=", ".join(LENGTHS))
    parser.add_argument("--frames", type=int, nargs="+", help="lengths in place of its own")
    asked = parser.parse_args()
    if unknown := set(asked.networks) - LENGTHS.keys():
        parser.error(f"no network {unknown.pop()!r}; there are {', '.join(LENGTHS)}")
    os.environ.update(GIVES_BACK)
    print(f"machine: {machine()}; {SIZE.width}x{SIZE.height}, one object")
    print("| network | frames | peak MiB | seconds per frame |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        for network in asked.networks or LENGTHS:
            _fresh(_write_model, Path(name), network)
            for frames in asked.frames or LENGTHS[network]:
                peak, seconds = measured(Path(name), network, frames)
                print(f"| {network} | {frames} | {peak:.0f} | {seconds / frames:.2f} |", flush=True)


def measured(folder: Path, network: str, frames: int) -> tuple[float, float]:
    """Peak MiB and seconds of a fresh process that follows an object through a clip."""
    if not (folder / f"{frames}").exists():
        write_request(folder / f"{frames}", SIZE, frames)
    peak, seconds = _fresh(_follow, folder, network, frames)
    return peak, seconds


def _fresh(work: Callable[..., tuple[float, float]], *arguments: object) -> tuple[float, float]:
    context = multiprocessing.get_context("spawn")
    queue = context.SimpleQueue()
    process = context.Process(target=_answer, args=(queue, work, *arguments))
    process.start()
    process.join()
    if process.exitcode:
        sys.exit(f"the measured process ended with {process.exitcode}")
    peak, seconds = json.loads(queue.get())
    return float(peak), float(seconds)


def _answer(queue: object, work: Callable[..., tuple[float, float]], *arguments: object) -> None:
    import torch  # noqa: PLC0415 - here, so that it is the measured process alone that holds it

    sys.path.insert(0, str(TESTS))
    torch.set_num_threads(1)
    queue.put(json.dumps(work(*arguments)))  # type: ignore[attr-defined]


def _write_model(folder: Path, network: str) -> tuple[float, float]:
    """The network's files, by a process whose memory is in no figure."""
    from tiny_sam2 import write_published_sam2, write_tiny_sam2  # noqa: PLC0415

    (write_tiny_sam2 if network == "test" else write_published_sam2)(folder / network)
    return 0.0, 0.0


def _follow(folder: Path, network: str, frames: int) -> tuple[float, float]:
    from tiny_sam2 import approved_as_it_is  # noqa: PLC0415

    from void_audit.pipeline.segment.sam2.engine import Sam2Segmenter  # noqa: PLC0415

    clip, model = VideoClip(folder / f"{frames}" / "clip.mp4"), approved_as_it_is(folder / network)
    marks = [Click(frame=frames // 2, x=SIZE.width // 2, y=SIZE.height // 2)]
    began = time.perf_counter()
    track = Sam2Segmenter(model, Sam2Settings(size="tiny"), "cpu").segment(clip, marks)
    seconds = time.perf_counter() - began
    if len(track.masks) != frames:
        raise SystemExit("the track is not as long as the clip")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, seconds


if __name__ == "__main__":
    main()
