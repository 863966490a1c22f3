"""Peak memory against clip length, for a whole edit with a supplied mask: `python -m benchmarks.memory`.

Each length runs in a process of its own; the figure is the process's peak resident size.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import tempfile
from pathlib import Path

from benchmarks.workplace import edit, machine, workspace, write_request
from void_audit.audit.evidence import Pins
from void_audit.audit.verify import verify
from void_audit.model.geometry import Size
from void_audit.weights.registry import approved

SIZE = Size(432, 240)
LENGTHS = (48, 192, 768, 1536)


def main() -> None:
    """Print the table."""
    print(f"machine: {machine()}; {SIZE.width}x{SIZE.height}")
    print("| frames | edit, peak MiB | verify --source, peak MiB |\n|---|---|---|")
    for frames in [int(a) for a in sys.argv[1:]] or LENGTHS:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            request = write_request(folder / "request", SIZE, frames)
            edited = _peak(_edit, folder, request)
            verified = _peak(_verify, folder, request)
            print(f"| {frames} | {edited:.0f} | {verified:.0f} |", flush=True)


def _peak(work: object, *arguments: Path) -> float:
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=_measured, args=(queue, work, *arguments))
    process.start()
    process.join()
    if process.exitcode:
        sys.exit(f"the measured process ended with {process.exitcode}")
    return float(queue.get())


def _measured(queue: object, work: object, *arguments: Path) -> None:
    work(*arguments)  # type: ignore[operator]
    queue.put(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)  # type: ignore[attr-defined]


def _edit(folder: Path, request: Path) -> None:
    edit(workspace(folder), request, folder / "out.mp4")


def _verify(folder: Path, request: Path) -> None:
    trust = folder / "ws" / "trust"
    pins = Pins(
        (trust / "root.pem").read_text(), (trust / "log.vkey").read_text().strip(), approved_weights=approved
    )
    verify(folder / "out.mp4", pins, request / "clip.mp4")


if __name__ == "__main__":
    main()
