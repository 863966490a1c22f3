"""VOID's networks from a verified model folder: strictly, mapped, from safetensors and registered files only.

A network is built without storage (torch's meta device) and then takes the mapped tensors of its files as they
are: no random initialisation, no second copy in memory, and none of the base's own 20 GB transformer. Nothing
of ``from_pretrained`` is used for networks, since it looks for files by itself and makes up what it misses.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeVar

import torch
from diffusers.models.autoencoders.autoencoder_kl_cogvideox import AutoencoderKLCogVideoX
from diffusers.models.transformers.cogvideox_transformer_3d import CogVideoXTransformer3DModel
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.schedulers.scheduling_ddim_cogvideox import CogVideoXDDIMScheduler
from huggingface_hub.errors import StrictDataclassError
from safetensors.torch import load_file
from transformers import T5Config, T5EncoderModel, T5Tokenizer

from void_audit.errors import WeightsError
from void_audit.model.engine import WeightsRef
from void_audit.pipeline.synthesize.void.pipeline import VoidPipeline
from void_audit.weights.folders import VerifiedFolder
from void_audit.weights.header import TensorInfo, read_header

Network = TypeVar("Network", bound=torch.nn.Module)
SchedulerName = Literal["DDIMScheduler", "CogVideoXDDIMScheduler"]

IN_CHANNELS = 48
"""16 of noisy latents, 16 of the encoded mask, 16 of the encoded video; the base's own config says 33."""

DTYPES = frozenset({"BF16", "F16", "F32"})
SCHEDULERS = {"DDIMScheduler": DDIMScheduler, "CogVideoXDDIMScheduler": CogVideoXDDIMScheduler}
TIED = {"encoder.embed_tokens.weight": "shared.weight"}
"""T5's embedding has two names and is stored under the second."""

TRANSFORMER = "base/transformer/config.json"
SCHEDULER = "base/scheduler/scheduler_config.json"
PARTS = ("base/text_encoder", "base/tokenizer", "base/vae")
VOCABULARIES = ("base/tokenizer/spiece.model", "base/tokenizer/tokenizer.json")
MALFORMED = (
    ArithmeticError, AttributeError, LookupError, OSError, RuntimeError, StrictDataclassError, TypeError, ValueError,
)  # fmt: skip
"""What libraries raise when they are given a configuration that is none of theirs."""


def load_pipeline(
    folder: VerifiedFolder, number: Literal[1, 2], dtype: torch.dtype, scheduler: SchedulerName
) -> VoidPipeline:
    """The pipeline of pass 1 or 2 on the CPU, its weights in ``dtype``. Needs no network.

    Raises WeightsError: ``weights-unregistered`` (the folder lacks a file), ``weights-keys``,
    ``weights-shapes``, ``weights-dtypes``, ``weights-config`` (another model's), and as ``read_header`` does.
    """
    transformer = load_transformer(_config(folder, TRANSFORMER), folder.path(_checkpoint(number)), dtype)
    with _described():
        steps = SCHEDULERS[scheduler].from_config(_config(folder, SCHEDULER))
    return VoidPipeline(
        tokenizer=_tokenizer(folder),
        text_encoder=_text_encoder(folder, dtype),
        vae=_vae(folder, dtype),
        transformer=transformer,
        scheduler=steps,
    )


def load_transformer(
    config: Mapping[str, Any], checkpoint: Path, dtype: torch.dtype
) -> CogVideoXTransformer3DModel:
    """VOID's transformer: the base's ``config`` with 48 input channels, weights mapped from ``checkpoint``.

    Raises WeightsError as ``load_pipeline`` does.
    """
    config = {**config, "in_channels": IN_CHANNELS}
    config.pop("add_noise_in_inpaint_model", None)  # a setting of the pipeline; the class does not know it
    with _described(), torch.device("meta"):
        transformer: CogVideoXTransformer3DModel = CogVideoXTransformer3DModel.from_config(config)
    return _filled(transformer, [checkpoint], dtype)


def refs_of_pass(folder: VerifiedFolder, number: Literal[1, 2]) -> tuple[WeightsRef, ...]:
    """The files that ``load_pipeline`` reads for a pass: what its record names."""
    prefixes = (_checkpoint(number), TRANSFORMER, SCHEDULER, *(f"{part}/" for part in PARTS))
    return tuple(
        ref for ref, path in zip(folder.refs, folder.paths, strict=True) if path.startswith(prefixes)
    )


def _checkpoint(number: int) -> str:
    return f"void_pass{number}.safetensors"


def _vae(folder: VerifiedFolder, dtype: torch.dtype) -> AutoencoderKLCogVideoX:
    config = _config(folder, "base/vae/config.json")
    with _described(), torch.device("meta"):
        vae: AutoencoderKLCogVideoX = AutoencoderKLCogVideoX.from_config(config)
    return _filled(vae, _tensors(folder, "base/vae"), dtype)


def _text_encoder(folder: VerifiedFolder, dtype: torch.dtype) -> T5EncoderModel:
    config = _config(folder, "base/text_encoder/config.json")
    with _described(), torch.device("meta"):
        encoder = T5EncoderModel(T5Config.from_dict(config))
    encoder = _filled(encoder, _tensors(folder, "base/text_encoder"), dtype)
    encoder.tie_weights()
    return encoder


def _tokenizer(folder: VerifiedFolder) -> T5Tokenizer:
    """The tokenizer looks for files under many names, so it is shown a copy of the registered ones alone."""
    # without one, the class makes up a vocabulary of four words
    if not set(VOCABULARIES) & set(folder.paths):
        raise _misconfigured(f"neither {' nor '.join(VOCABULARIES)} is registered")
    with tempfile.TemporaryDirectory(prefix="void-tokenizer-") as alone, _described():
        for relative in _below(folder, "base/tokenizer"):
            shutil.copyfile(folder.path(relative), Path(alone) / Path(relative).name)
        tokenizer: T5Tokenizer = T5Tokenizer.from_pretrained(alone, local_files_only=True)
    return tokenizer


def _config(folder: VerifiedFolder, relative: str) -> dict[str, Any]:
    path = folder.path(relative)
    with _described():
        fields = json.loads(path.read_bytes())
    if not isinstance(fields, dict):
        raise _misconfigured(f"{relative} holds no JSON object")
    return fields


def _tensors(folder: VerifiedFolder, part: str) -> list[Path]:
    return [folder.path(relative) for relative in _below(folder, part) if relative.endswith(".safetensors")]


def _below(folder: VerifiedFolder, part: str) -> list[str]:
    """The registered files directly in one part of the folder."""
    return [path for path in folder.paths if path.rpartition("/")[0] == part]


@contextmanager
def _described() -> Iterator[None]:
    """What a library raises inside means that the folder does not describe this model."""
    try:
        yield
    except MALFORMED as error:
        raise _misconfigured(str(error) or type(error).__name__) from error


def _misconfigured(why: str) -> WeightsError:
    return WeightsError(
        "weights-config",
        f"The model folder does not describe a VOID model: {why[:500]}.",
        "Its base must be the one that VOID was trained from (CogVideoX-Fun V1.5 5b InP).",
    )


def _filled(model: Network, files: Sequence[Path], dtype: torch.dtype) -> Network:
    """The network with the tensors of ``files``: exactly its own, no more and no fewer."""
    found: dict[str, TensorInfo] = {}
    for file in files:
        header = read_header(file)
        _require_none(sorted(found.keys() & header.keys()), "twice", files)
        found |= header
    state = model.state_dict()
    aliases = {alias: name for alias, name in TIED.items() if alias in state and name in found}
    _require_match(found | {alias: found[name] for alias, name in aliases.items()}, state, files)
    tensors = {name: tensor.to(dtype) for file in files for name, tensor in load_file(file).items()}
    tensors |= {alias: tensors[name] for alias, name in aliases.items()}
    model.load_state_dict(tensors, strict=True, assign=True)
    return model.eval().requires_grad_(False)


def _require_match(
    found: Mapping[str, TensorInfo], state: Mapping[str, torch.Tensor], files: Sequence[Path]
) -> None:
    _require_none(sorted(state.keys() - found.keys()), "missing", files)
    _require_none(sorted(found.keys() - state.keys()), "unexpected", files)
    for name, tensor in found.items():
        if tensor.shape != tuple(state[name].shape):
            why = f"{name} is {list(tensor.shape)}, the model has {list(state[name].shape)}"
            raise _refused("weights-shapes", why, files)
        if tensor.dtype not in DTYPES:
            raise _refused(
                "weights-dtypes", f"{name} is {tensor.dtype}, not {' or '.join(sorted(DTYPES))}", files
            )


def _require_none(names: list[str], what: str, files: Sequence[Path]) -> None:
    if names:
        some = ", ".join(name[:100] for name in names[:3]) + (", ..." if len(names) > 3 else "")
        raise _refused("weights-keys", f"{len(names)} tensors are {what} ({some})", files)


def _refused(code: str, why: str, files: Sequence[Path]) -> WeightsError:
    names = ", ".join(file.name for file in files) or "No file"
    return WeightsError(code, f"{names}: {why}.", "This is a file of another model. Get VOID's own.")
