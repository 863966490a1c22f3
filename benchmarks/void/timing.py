"""Times, memory and likeness, as the same for every variant; and failures that stay with their variant."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

GIB = 2**30
Row = dict[str, Any]


class NotHere(Exception):
    """A variant that this device does not have."""


@dataclass(frozen=True)
class Timing:
    """Of one variant, measured twice."""

    seconds: float
    """Median of all runs."""
    spread: float
    """Difference of the two measurements' medians, as a part of ``seconds``: differences below it are noise."""
    peak: float | None
    """Largest amount of the device's memory during the runs, less what was held before, in GiB; None on a CPU."""


def timed(device: torch.device, action: Callable[[], object], rounds: int) -> Timing:
    """Run ``action`` once to warm up, then twice ``rounds`` times."""
    held = allocated(device)
    action()
    reset_peak(device)
    halves = [[_seconds(device, action) for _ in range(rounds)] for _ in range(2)]
    one, two = map(statistics.median, halves)
    median = statistics.median(halves[0] + halves[1])
    top = peak(device)
    return Timing(median, abs(one - two) / median, None if top is None or held is None else top - held)


def _seconds(device: torch.device, action: Callable[[], object]) -> float:
    """By events on the device; on a CPU by the clock."""
    if device.type != "cuda":
        start = time.perf_counter()
        action()
        return time.perf_counter() - start
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    begin.record()
    action()
    end.record()
    torch.cuda.synchronize(device)
    return begin.elapsed_time(end) / 1000


def allocated(device: torch.device) -> float | None:
    """The device's memory that tensors hold now, in GiB."""
    return torch.cuda.memory_allocated(device) / GIB if device.type == "cuda" else None


def peak(device: torch.device) -> float | None:
    """The most that they held since ``reset_peak``, in GiB."""
    return torch.cuda.max_memory_allocated(device) / GIB if device.type == "cuda" else None


def reset_peak(device: torch.device) -> None:
    """Begin to watch the peak anew."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


@contextmanager
def kept_apart(row: Row, device: torch.device) -> Iterator[None]:
    """Whatever fails inside becomes the row's reason; the other variants go on, with the memory given back."""
    try:
        yield
    except NotHere as reason:
        row["failed"] = str(reason)
    except Exception as error:  # noqa: BLE001 - of any library, on a device that costs by the minute
        first = next(iter(str(error).strip().splitlines()), "")
        row["failed"] = f"{type(error).__name__}: {first[:160]}"
    finally:
        gc.collect()
        if device.type == "cuda":
            torch.cuda.empty_cache()


def relative_error(output: torch.Tensor, reference: torch.Tensor) -> float:
    """||output - reference|| / ||reference||, in float32."""
    output, reference = output.float(), reference.float().to(output.device)
    return float((output - reference).norm() / reference.norm())


def psnr(output: torch.Tensor, reference: torch.Tensor, largest: float | None = None) -> float:
    """Decibels; ``largest`` is the range of values, by default the reference's own."""
    output, reference = output.float(), reference.float().to(output.device)
    span = largest or float(reference.max() - reference.min())
    error = float((output - reference).square().mean())
    return float("inf") if error == 0 else float(10 * torch.log10(torch.tensor(span**2 / error)))


def operations(action: Callable[[], object]) -> int:
    """Floating-point operations of matrix products, attention and convolutions; meant for the meta device."""
    with FlopCounterMode(display=False) as counter:
        action()
    return counter.get_total_flops()


def ceilings(device: torch.device, side: int, rounds: int) -> Row:
    """What the device reaches: bfloat16 matrix product (TFLOP/s) and copy (TB/s, read plus written), both random."""
    a, b = (torch.randn(side, side, device=device).bfloat16() for _ in range(2))
    product = timed(device, lambda: a @ b, rounds)
    source = torch.randn(16 * side * side, device=device)
    copied = torch.empty_like(source)
    copy = timed(device, lambda: copied.copy_(source), rounds)
    return {
        "matmul_tflops": 2 * side**3 / product.seconds / 1e12,
        "copy_tb_per_s": 2 * source.nbytes / copy.seconds / 1e12,
        "spread": max(product.spread, copy.spread),
    }
