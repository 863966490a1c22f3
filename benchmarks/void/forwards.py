"""One forward of the transformer: stock diffusers, our attention on several kernels, compiled, in 8 bits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from diffusers.models.transformers.cogvideox_transformer_3d import CogVideoXTransformer3DModel

from benchmarks.void.sizes import Scale, random_transformer, transformer_inputs
from benchmarks.void.timing import (
    NotHere,
    Row,
    kept_apart,
    operations,
    psnr,
    relative_error,
    reset_peak,
    timed,
)
from void_audit.pipeline.synthesize.void.arithmetic import pinned
from void_audit.pipeline.synthesize.void.attention import best_backend, installed
from void_audit.pipeline.synthesize.void.execution import compiled_blocks
from void_audit.pipeline.synthesize.void.linears import quantised

Change = Callable[[CogVideoXTransformer3DModel], AbstractContextManager[object]]

CHECK, TIMED = 11, (21, 22, 23)
"""Seeds of the inputs on which likeness is measured, and of those that timed runs take in turn."""


def variants(device: torch.device) -> dict[str, list[Change]]:
    """What is done to the transformer, by name; stock first and last. 8 bits are compiled, too, where that is done.

    All but stock run with PyTorch's settings pinned, as a render does.
    """
    ours, compiled = partial(installed, backend=best_backend(device)), partial(_compiled, device=device)
    names = {"native": "native", "cuDNN": "_native_cudnn", "flash": "_native_flash"}
    stock: list[Change] = []
    rows = {f"own attention, {name}": [partial(installed, backend=b)] for name, b in names.items()}
    rows["compiled"] = [ours, compiled]
    for linears in ("int8", "fp8"):
        rows[linears] = [ours, partial(quantised, linears=linears, device=device)]
        rows[linears] += [compiled] * (device.type == "cuda")
    rows = {name: [lambda _: pinned(device), *changes] for name, changes in rows.items()}
    return {"stock": stock, **rows, "stock again": stock}


@contextmanager
def _compiled(transformer: CogVideoXTransformer3DModel, device: torch.device) -> Iterator[None]:
    if device.type != "cuda":
        raise NotHere("blocks are compiled on CUDA only")
    with compiled_blocks(transformer):
        yield


def measure(scale: Scale, device: torch.device, ceiling: float) -> Iterator[Row]:
    """A row for every variant and for batches of 1 and of 2. ``ceiling`` is the matrix product's, TFLOP/s."""
    transformer = random_transformer(scale, device)
    reference = _in_float32(scale, transformer, device)
    work = {batch: forward_operations(scale, batch) for batch in (1, 2)}
    stock: dict[int, tuple[float, torch.Tensor]] = {}
    for name, changes in variants(device).items():
        with ExitStack() as stack:
            changing: Row = {"variant": name, "batch": "1, 2"}
            with kept_apart(changing, device):
                for change in changes:
                    stack.enter_context(change(transformer))
            if "failed" in changing:
                yield changing
                continue
            for batch in (1, 2):
                row: Row = {"variant": name, "batch": batch}
                with kept_apart(row, device):
                    row |= _timed(scale, transformer, batch, device)
                    row |= _speed(row["seconds"], work[batch], ceiling)
                    output = _forward(transformer, transformer_inputs(scale, batch, device, CHECK))
                    if name == "stock":
                        stock[batch] = row["seconds"], output
                    if batch in stock:
                        row |= _against(*stock[batch], row["seconds"], output)
                    if batch == 1 and reference is not None:
                        row["error to float32"] = relative_error(output, reference)
                yield row


def _timed(scale: Scale, transformer: CogVideoXTransformer3DModel, batch: int, device: torch.device) -> Row:
    sets = [transformer_inputs(scale, batch, device, seed) for seed in TIMED]
    turn = iter(range(10**9))
    reset_peak(device)
    timing = timed(device, lambda: _forward(transformer, sets[next(turn) % len(sets)]), scale.rounds)
    return {"seconds": timing.seconds, "spread": timing.spread, "activations": timing.peak}


def _against(theirs: float, expected: torch.Tensor, ours: float, output: torch.Tensor) -> Row:
    """Compared with stock: how much faster, how near."""
    return {
        "against stock": theirs / ours,
        "error to stock": relative_error(output, expected),
        "psnr to stock": psnr(output, expected),
    }


def _speed(seconds: float, work: int, ceiling: float) -> Row:
    rate = work / seconds / 1e12
    return {"tflops": rate, "of ceiling": rate / ceiling}


def _in_float32(
    scale: Scale, transformer: CogVideoXTransformer3DModel, device: torch.device
) -> torch.Tensor | None:
    """The stock model's output in float32 arithmetic; None where it cannot be had."""
    row: Row = {}
    with kept_apart(row, device):
        exact = random_transformer(scale, device).float()
        given = transformer_inputs(scale, 1, device, CHECK)
        return _forward(exact, {k: v.float() if "hidden" in k else v for k, v in given.items()}).cpu()
    print(f"no float32 reference: {row['failed']}")
    return None


def _forward(transformer: CogVideoXTransformer3DModel, inputs: dict[str, Any]) -> torch.Tensor:
    with torch.no_grad():
        output: torch.Tensor = transformer(**inputs, return_dict=False)[0]
    return output


def forward_operations(scale: Scale, batch: int) -> int:
    """Floating-point operations of one forward, counted on the meta device."""
    meta = torch.device("meta")
    with meta:
        transformer = CogVideoXTransformer3DModel(**scale.transformer).bfloat16().eval()
    inputs = transformer_inputs(scale, batch, torch.device("cpu"), CHECK)
    inputs["image_rotary_emb"] = tuple(table.to(meta) for table in inputs["image_rotary_emb"])
    inputs |= {k: v.to(meta) for k, v in inputs.items() if isinstance(v, torch.Tensor)}
    return operations(lambda: _forward(transformer, inputs))
