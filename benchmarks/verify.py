"""Verify time against SHA-256 of the same file: `python -m benchmarks.verify`."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from benchmarks.workplace import edit, machine, workspace, write_request
from void_audit.audit.evidence import Pins
from void_audit.audit.verify import verify
from void_audit.canon.hashing import sha256_file
from void_audit.model.geometry import Size
from void_audit.weights.registry import approved

SIZES = ((Size(432, 240), 48), (Size(864, 486), 48), (Size(864, 486), 192))


def main() -> None:
    """Print the table."""
    print(f"machine: {machine()}")
    print(
        "| clip | file | SHA-256 | verify | verify --source | verify / SHA-256 |\n|---|---|---|---|---|---|"
    )
    for size, frames in SIZES:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            place = workspace(folder)
            request = write_request(folder / "request", size, frames)
            file = edit(place, request, folder / "out.mp4").delivered.path
            pins = Pins(place.trust_pem(), place.log_vkey(), approved_weights=approved)
            floor = best(lambda f=file: sha256_file(f))
            plain = best(lambda f=file, p=pins: verify(f, p))
            full = best(lambda f=file, p=pins, s=request / "clip.mp4": verify(f, p, s))
            print(
                f"| {size.width}x{size.height}x{frames} | {file.stat().st_size / 1e6:.2f} MB | {1e3 * floor:.1f} ms "
                f"| {1e3 * plain:.0f} ms | {1e3 * full:.0f} ms | {plain / floor:.0f} |"
            )


def best(action: object, rounds: int = 5) -> float:
    """Seconds, the least of some."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        action()  # type: ignore[operator]
        times.append(time.perf_counter() - start)
    return min(times)


if __name__ == "__main__":
    main()
