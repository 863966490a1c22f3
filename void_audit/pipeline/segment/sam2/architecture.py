"""What the network looks like: as published for its size, or in the numbers of the model folder.

The published networks are described by the ``sam2`` package (``configs/sam2.1``). A house's own network differs in
numbers only, and only numbers are read from its folder: the package's descriptions name what is to be called.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Annotated, Any

from omegaconf import OmegaConf
from pydantic import Field, ValidationError, model_validator

from void_audit.canon.hashing import sha256_hex
from void_audit.canon.jcs import canonical
from void_audit.errors import WeightsError
from void_audit.model.base import Value
from void_audit.model.seeing import Sam2Size
from void_audit.pipeline.segment.sam2.library import CONFIGS
from void_audit.weights.folders import VerifiedFolder

FILE = "architecture.json"
PUBLISHED: Mapping[Sam2Size, str] = {"tiny": "t", "small": "s", "base-plus": "b+", "large": "l"}
PREDICTOR = "void_audit.pipeline.segment.sam2.predictor.Predictor"

MAX_MARKED_FRAMES = 16
"""How many frames with marks are attended to at once; of more, those nearest in time."""

INFERENCE = {
    "fill_hole_area": 0,  # ``Predictor`` fills them, since the package can only on a GPU and compiled
    "add_all_frames_to_correct_as_cond": True,  # as in training; else a correction is lost one frame later
    "binarize_mask_from_pts_for_mem_enc": True,
    "max_cond_frames_in_attn": MAX_MARKED_FRAMES,
    "sam_mask_decoder_extra_args": {
        "dynamic_multimask_via_stability": True,
        "dynamic_multimask_stability_delta": 0.05,
        "dynamic_multimask_stability_thresh": 0.98,
    },
}
"""What the package's ``build_sam2_video_predictor`` sets beyond the published description, but for the first two."""

Count = Annotated[int, Field(ge=1, le=64)]
Stages = tuple[Count, Count, Count, Count]
Width = Annotated[int, Field(ge=16, le=512, multiple_of=16)]


class Architecture(Value):
    """A network that is none of the published ones: ``architecture.json`` of its folder.

    Names are those of the package's own configuration: the picture's side in pixels, then Hiera's
    (arXiv 2306.00989), then the channels of a picture's features (published: 256) and of a memory (64).
    """

    image_size: Annotated[int, Field(ge=64, le=2048)]
    embed_dim: Annotated[int, Field(ge=8, le=512)]
    num_heads: Count
    stages: Stages
    global_att_blocks: Annotated[tuple[Count, ...], Field(max_length=64)]
    window_pos_embed_bkg_spatial_size: tuple[Count, Count]
    window_spec: Stages
    hidden_dim: Width
    memory_dim: Width

    @model_validator(mode="after")
    def _fits_together(self) -> Architecture:
        if self.image_size % 32 or self.image_size % (4 * self.window_spec[0]):
            raise ValueError("image_size must be a multiple of 32 and of 4 times the first window")
        if self.embed_dim % self.num_heads:
            raise ValueError("embed_dim must be a multiple of num_heads")
        if self.hidden_dim % self.memory_dim:
            raise ValueError("hidden_dim must be a multiple of memory_dim")
        return self


def describe(folder: VerifiedFolder, size: Sam2Size) -> dict[str, Any]:
    """The network as Hydra's ``instantiate`` takes it. Raises WeightsError ``weights-config``."""
    described = OmegaConf.load(CONFIGS / f"sam2.1_hiera_{PUBLISHED[size]}.yaml")
    config: Any = OmegaConf.to_container(described.model, resolve=True)
    if FILE in folder.paths:
        _rebuild(config, _own(folder))
    return {**config, **deepcopy(INFERENCE), "_target_": PREDICTOR}


def digest(config: Mapping[str, Any]) -> str:
    """SHA-256 of what ``describe`` gives (RFC 8785): every number by which the network computes, in one."""
    return sha256_hex(canonical(config))


def _own(folder: VerifiedFolder) -> Architecture:
    try:
        return Architecture.model_validate_json(folder.path(FILE).read_bytes())
    except (ValidationError, OSError) as error:
        why = error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": str(error)}
        raise WeightsError(
            "weights-config",
            f"{FILE} of the model {folder.name} does not describe a network: "
            f"{'.'.join(map(str, why['loc']))} {why['msg'][:300]}.",
            "Leave it out for the networks that SAM 2.1 was published with.",
        ) from error


def _rebuild(config: dict[str, Any], own: Architecture) -> None:
    """Write the numbers of ``own`` wherever the description has them."""
    hidden, memory, side = own.hidden_dim, own.memory_dim, own.image_size // 16
    encoder, attention, bank = config["image_encoder"], config["memory_attention"], config["memory_encoder"]
    fields = own.model_dump()
    encoder["trunk"] |= {name: fields[name] for name in Architecture.model_fields if name in TRUNK}
    encoder["neck"] |= {"d_model": hidden, "backbone_channel_list": [own.embed_dim * n for n in (8, 4, 2, 1)]}
    encoder["neck"]["position_encoding"]["num_pos_feats"] = hidden
    attention["d_model"] = attention["layer"]["d_model"] = hidden
    for part in ("self_attention", "cross_attention"):
        attention["layer"][part] |= {"embedding_dim": hidden, "feat_sizes": [side, side]}
    attention["layer"]["cross_attention"]["kv_in_dim"] = memory
    bank |= {"in_dim": hidden, "out_dim": memory}
    bank["position_encoding"]["num_pos_feats"] = memory
    bank["mask_downsampler"]["embed_dim"] = bank["fuser"]["layer"]["dim"] = hidden
    config["image_size"] = own.image_size


TRUNK = frozenset(
    {
        "embed_dim",
        "num_heads",
        "stages",
        "global_att_blocks",
        "window_pos_embed_bkg_spatial_size",
        "window_spec",
    }
)
"""Fields of ``Architecture`` that are Hiera's."""
