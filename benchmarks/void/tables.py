"""What was measured, as tables for people and JSON for machines."""

from __future__ import annotations

import json
import math
import platform
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

import void_audit
from benchmarks.void.timing import Row

Columns = Mapping[str, tuple[str, Callable[[Any], str]]]
"""Title by key of the row, and how its value is written."""

PACKAGES = ("torch", "diffusers", "transformers", "torchao", "triton", "accelerate")


def number(digits: int) -> Callable[[float], str]:
    """So many decimals."""
    return lambda value: f"{value:.{digits}f}"


def significant(value: float) -> str:
    """Three digits."""
    return f"{value:.3g}"


def times(value: float) -> str:
    """A ratio."""
    return f"{value:.2f}x"


def milliseconds(value: float) -> str:
    """From seconds."""
    return f"{1000 * value:,.1f}"


def decibels(value: float) -> str:
    """Infinite where nothing differs."""
    return "equal" if math.isinf(value) else f"{value:.1f}"


def scientific(value: float) -> str:
    """Relative errors."""
    return "0" if value == 0 else f"{value:.1e}"


def percent(value: float) -> str:
    """Shares."""
    return f"{100 * value:.0f} %"


RATES: Columns = {"tflops": ("TFLOP/s", significant), "of ceiling": ("of matmul", percent)}
LIKENESS: Columns = {
    "error to stock": ("error to stock", scientific),
    "psnr to stock": ("PSNR, dB", decibels),
}
FORWARDS: Columns = {
    "variant": ("forward", str), "batch": ("batch", str), "seconds": ("ms", milliseconds),
    "spread": ("spread", percent), "against stock": ("against stock", times), **RATES,
    "activations": ("activations, GiB", number(2)), **LIKENESS,
    "error to float32": ("error to float32", scientific),
}  # fmt: skip
CODECS: Columns = {
    "variant": ("VAE", str), "seconds": ("ms", milliseconds), "spread": ("spread", percent), **RATES,
    "activations": ("activations, GiB", number(2)), "error to whole": ("error to whole", scientific),
    "psnr to whole": ("PSNR, dB", decibels),
}  # fmt: skip
PASSES: Columns = {
    "profile": ("both passes", str), "seconds": ("s", number(1)), "against stock": ("against stock", times),
    "pass 1": ("pass 1, s", lambda value: f"{value['total']:.1f}"),
    "pass 2": ("pass 2, s", lambda value: f"{value['total']:.1f}"),
    "measured": ("steps measured", ", ".join), "peak": ("peak, GiB", number(2)), **RATES,
    "error to stock": ("error of a forward", scientific), "psnr to stock": ("PSNR, dB", decibels),
    "psnr of pass 1": ("pictures 1, dB", decibels), "psnr of pass 2": ("pictures 2, dB", decibels),
}  # fmt: skip


def table(rows: Sequence[Row], columns: Columns) -> str:
    """Markdown. A row that failed shows why."""
    head = [[title for title, _ in columns.values()], ["---"] * len(columns)]
    lines = [f"| {' | '.join(cells)} |" for cells in [*head, *(_cells(row, columns) for row in rows)]]
    reasons = dict.fromkeys(
        f"- {next(iter(row.values()))}: {row['failed']}" for row in rows if "failed" in row
    )
    return "\n".join([*lines, *([""] * bool(reasons)), *reasons])


def _cells(row: Row, columns: Columns) -> list[str]:
    return [written(row[key]) if row.get(key) is not None else "-" for key, (_, written) in columns.items()]


def line(row: Row, columns: Columns) -> str:
    """One row while the rest is still being measured."""
    said = [written(row[key]) for key, (_, written) in columns.items() if row.get(key) is not None]
    return "  ".join([*said, *([row["failed"]] if "failed" in row else [])])


def surroundings(device: torch.device) -> Row:
    """Where, when, with what."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shlex.join(["python", "-m", "benchmarks.void", *sys.argv[1:]]),
        "device": torch.cuda.get_device_name(device)
        if device.type == "cuda"
        else platform.processor() or "CPU",
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "versions": {name: _version(name) for name in PACKAGES} | {"void-audit": void_audit.__version__},
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version() if device.type == "cuda" else None,
        "threads": torch.get_num_threads(),
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def write(path: Path, report: Row) -> None:
    """JSON; infinities, which it does not have, as null."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(_finite(report), indent=1) + "\n")


def _finite(value: Any) -> Any:  # noqa: ANN401 - whatever JSON has
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
