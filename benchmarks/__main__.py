"""Runs the benchmarks, each in a process of its own, so that figures of memory are its own.

python -m benchmarks                 all of them, about 40 minutes on two cores
python -m benchmarks stages void     these
python -m benchmarks --list          what there is
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Benchmark:
    """One module of this package."""

    about: str
    minutes: float
    """About how long it takes on two cores."""


ALL = {
    "stages": Benchmark("frames per second of every stage", 1),
    "verify": Benchmark("verify against SHA-256 of the same file", 2),
    "ledger": Benchmark("receipts per second and latency against the disk's fsync, on both databases", 2),
    "ledger_size": Benchmark("a long log: append, proofs, fsck, memory", 2),
    "memory": Benchmark("peak memory against clip length", 5),
    "sam2": Benchmark("peak memory of SAM 2 against clip length, random weights", 15),
    "segment": Benchmark("IoU of the click segmenter", 3),
    "quadmask": Benchmark("IoU of the quadmask from published clicks on the embedded engines", 3),
    "long_clip": Benchmark("peak memory on a ten-minute clip", 8),
    "reason": Benchmark("recall and precision of the rules", 0.5),
    "synthesize": Benchmark("likeness, flicker and cost of both embedded passes", 0.5),
    "void": Benchmark("the VOID engine: real size on a CUDA GPU, else a tiny model", 1),
    "void.memory": Benchmark("peak memory of the VOID engine against clip length", 10),
}


def main() -> int:
    """Run what was asked for; 1 if any of it failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(ALL))
    parser.add_argument("--list", action="store_true", help="only say what there is")
    options = parser.parse_args()
    if unknown := [name for name in options.names if name not in ALL]:
        parser.error(f"no benchmark {unknown[0]!r}; there are {', '.join(ALL)}")
    if options.list:
        for name, benchmark in ALL.items():
            print(f"{name:12} about {benchmark.minutes:g} min  {benchmark.about}")
        return 0
    names = options.names or list(ALL)
    failed = [name for name in names if not run(name)]
    print(f"\n{len(names) - len(failed)} of {len(names)} ran to the end.", *failed and ["Failed:", *failed])
    return 1 if failed else 0


def run(name: str) -> bool:
    """Whether it ended well. A benchmark that fails does not keep the others from running."""
    command = [sys.executable, "-m", f"benchmarks.{name}"]
    print(f"\n## python {' '.join(command[1:])}", flush=True)
    start = time.perf_counter()
    code = subprocess.run(command, check=False).returncode
    print(f"({time.perf_counter() - start:.0f} s, exit {code})", flush=True)
    return code == 0


if __name__ == "__main__":
    sys.exit(main())
