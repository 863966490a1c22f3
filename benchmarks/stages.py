"""Frames per second of every stage of the demo's edit: `python -m benchmarks.stages [REQUEST]`.

The floor is decoding the same clip once.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from benchmarks.workplace import edit, machine, workspace
from void_audit.media.reader import VideoClip

CROSSING = Path(__file__).resolve().parent.parent / "examples" / "crossing"


def main() -> None:
    """Print the table."""
    request = Path(sys.argv[1]) if len(sys.argv) > 1 else CROSSING
    with tempfile.TemporaryDirectory() as name:
        place = workspace(Path(name))
        start = time.perf_counter()
        state = edit(place, request, Path(name) / "out.mp4").state
        whole = time.perf_counter() - start
        clip = VideoClip(request / "clip.mp4")
        start = time.perf_counter()
        frames = sum(1 for _ in clip.frames())
        decode = frames / (time.perf_counter() - start)
    stages = [("segment", state.segmentation), ("reason", state.reasoning), ("pass 1", state.take(1))]
    stages += [("pass 2", state.take(2)), ("composite and encode", state.composite)]
    print(f"machine: {machine()}; {request.name}, {clip.info.width}x{clip.info.height}, {frames} frames")
    print(
        f"| stage | frames per second | against decoding |\n|---|---|---|\n| decode (floor) | {decode:.1f} | 1 |"
    )
    for stage, record in stages:
        if record is not None:
            rate = frames / record.run.wall_seconds
            print(f"| {stage} | {rate:.2f} | {rate / decode:.4f} |")
    print(f"| whole edit ({whole:.0f} s) | {frames / whole:.2f} | {frames / whole / decode:.4f} |")


if __name__ == "__main__":
    main()
