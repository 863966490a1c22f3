"""SAM 2's network from a verified model folder: mapped, strictly by name, and by nothing that runs what is in a file.

The network is built without storage and then takes the mapped tensors of its file as they are: no random
initialisation, no draw from the process's random numbers, no second copy in memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from hydra.errors import HydraException
from hydra.utils import instantiate
from safetensors.torch import load_file
from torch.overrides import TorchFunctionMode

from void_audit.errors import WeightsError
from void_audit.model.engine import WeightsRef
from void_audit.model.seeing import Sam2Size
from void_audit.pipeline.segment.sam2.architecture import FILE, describe
from void_audit.pipeline.segment.sam2.packages import CHECKPOINTS
from void_audit.pipeline.segment.sam2.predictor import Predictor
from void_audit.weights.archive import require_tensors_only
from void_audit.weights.folders import VerifiedFolder
from void_audit.weights.header import read_header

TYPES = frozenset({torch.float32, torch.float16, torch.bfloat16})
WRONG = "Get the SAM 2.1 checkpoint of the size that the settings name (tiny, small, base-plus, large)."
NEW_IN_2_1 = frozenset({"no_obj_embed_spatial", "obj_ptr_tpos_proj.weight", "obj_ptr_tpos_proj.bias"})
"""Tensors that a checkpoint of SAM 2.0 has not; all its others have 2.1's names."""

MALFORMED = (
    ArithmeticError, AssertionError, AttributeError, EOFError, HydraException, LookupError, OSError, RuntimeError,
    TypeError, UnpicklingError, ValueError,
)  # fmt: skip
"""What libraries raise when they are given what is none of theirs."""


def checkpoint(folder: VerifiedFolder, size: Sam2Size) -> str:
    """The registered file that the network is loaded from. Raises WeightsError ``weights-unregistered``."""
    names = [CHECKPOINTS[size] + suffix for suffix in (".safetensors", ".pt")]
    for name in names:
        if name in folder.paths:
            return name
    raise WeightsError(
        "weights-unregistered",
        f"The model {folder.name} has no registered file {' or '.join(names)}.",
        "Put SAM 2.1's checkpoint of that size into the folder under its published name, then register it.",
    )


def refs(folder: VerifiedFolder, size: Sam2Size) -> tuple[WeightsRef, ...]:
    """The files that ``load`` reads: what a record names. Raises WeightsError ``weights-unregistered``."""
    read = {checkpoint(folder, size), FILE}
    return tuple(ref for ref, path in zip(folder.refs, folder.paths, strict=True) if path in read)


def load(folder: VerifiedFolder, size: Sam2Size) -> Predictor:
    """The network on the CPU, in float32.

    Raises WeightsError: ``weights-unregistered``, ``weights-config``, ``weights-keys``, ``weights-shapes``,
    ``weights-dtypes`` (another network's file), ``weights-pickled``, ``weights-truncated``, ``weights-header``,
    ``weights-unreadable`` (not a file of tensors).
    """
    path = folder.path(checkpoint(folder, size))
    # PyTorch chooses other kernels for parameters that need no gradients: they are left as the package has them
    with torch.inference_mode(False):
        predictor = unfilled(folder, size)
        tensors = _tensors(path)
        _require_match(path.name, tensors, predictor.state_dict())
        whole = {name: tensor.to(torch.float32).contiguous() for name, tensor in tensors.items()}
        predictor.load_state_dict(whole, strict=True, assign=True)
    network: Predictor = predictor.eval()
    return network


class _Unfilled(TorchFunctionMode):
    """Within: what a network makes for its parameters gets no storage, and nothing is drawn to fill it.

    Tables that it computes are computed, and the few small tensors that it computes with get storage: arithmetic on
    tensors without would load PyTorch's compiler, which writes files.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # noqa: ANN401
        kwargs = kwargs or {}
        if getattr(func, "__module__", "") == "torch.nn.init":
            return kwargs.get("tensor", *args[:1])
        if func is torch.randn:
            return torch.zeros(*args, **kwargs)
        if func in {torch.empty, torch.zeros} and kwargs.get("device") is None:
            kwargs = {**kwargs, "device": "meta"}
        return func(*args, **kwargs)


def unfilled(folder: VerifiedFolder, size: Sam2Size) -> Predictor:
    """The network as its folder and the package describe it, without storage. Raises ``weights-config``."""
    config = describe(folder, size)
    try:
        with _Unfilled():
            predictor: Predictor = instantiate(config)
    except MALFORMED as error:
        raise WeightsError(
            "weights-config",
            f"{FILE} of the model {folder.name} describes no network that can be built: {str(error)[:300]}.",
            "Leave it out for the networks that SAM 2.1 was published with.",
        ) from error
    return predictor


def _tensors(path: Path) -> dict[str, torch.Tensor]:
    """The file's tensors by name, mapped."""
    if path.suffix == ".safetensors":
        read_header(path)
        return load_file(path)
    require_tensors_only(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except MALFORMED as error:
        why = f"PyTorch cannot read it ({str(error)[:200]})"
        raise _refused("weights-unreadable", path.name, why) from error
    state = content.get("model") if isinstance(content, dict) else None
    if not isinstance(state, dict) or not all(_is_named_tensor(*item) for item in state.items()):
        raise _refused("weights-keys", path.name, "it holds no dictionary of tensors under the name 'model'")
    return dict(state)


def _is_named_tensor(name: object, value: object) -> bool:
    return isinstance(name, str) and isinstance(value, torch.Tensor)


def _require_match(file: str, found: Mapping[str, torch.Tensor], wanted: Mapping[str, torch.Tensor]) -> None:
    for what, names in (
        ("missing", wanted.keys() - found.keys()),
        ("unexpected", found.keys() - wanted.keys()),
    ):
        if names:
            if what == "missing" and names == NEW_IN_2_1:
                raise _refused(
                    "weights-keys", file, "it is a checkpoint of SAM 2.0, which lacks what 2.1 has"
                )
            some = ", ".join(name[:100] for name in sorted(names)[:3]) + (", ..." if len(names) > 3 else "")
            raise _refused("weights-keys", file, f"{len(names)} tensors are {what} ({some})")
    for name, tensor in found.items():
        if tensor.shape != wanted[name].shape:
            why = f"{name} is {list(tensor.shape)}, the network has {list(wanted[name].shape)}"
            raise _refused("weights-shapes", file, why)
        if tensor.dtype not in TYPES or tensor.layout != torch.strided:
            raise _refused("weights-dtypes", file, f"{name} is {tensor.dtype}, not of 16 or 32 bit floats")


def _refused(code: str, file: str, why: str) -> WeightsError:
    return WeightsError(code, f"{file}: {why}.", WRONG)
