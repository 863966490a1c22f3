"""The quadmask as the model sees it, and how it is brought to the model's size (spec/void sections 1.2 and 1.3)."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - everybody's name for it
from numpy.typing import NDArray

from void_audit.errors import MaskError

REMOVE, BOTH, AFFECTED, KEEP = 0, 63, 127, 255
"""The object; the object where it is also affected; affected; to be kept."""

Mask = NDArray[np.uint8] | torch.Tensor

_BY_RANK = torch.tensor([KEEP, AFFECTED, BOTH, REMOVE], dtype=torch.uint8)


def _tensor(mask: Mask) -> torch.Tensor:
    return mask if isinstance(mask, torch.Tensor) else torch.from_numpy(mask)


def resize_area(mask: Mask, height: int, width: int) -> torch.Tensor:
    """The reference's way: values are averaged by area, then cut back into classes.

    Where the object meets what is kept, averages fall between: a rim of affected pixels that nobody drew.

    Args:
        mask: uint8 (H, W), any values.
        height: of the result, in pixels.
        width: of the result, in pixels.

    Returns: uint8 (height, width), values 0, 63, 127, 255.
    """
    values = _tensor(mask).float()[None, None]
    area = F.interpolate(values, size=(height, width), mode="area")[0, 0]
    return _classes(area)


def _classes(values: torch.Tensor) -> torch.Tensor:
    cuts = torch.tensor([31.0, 95.0, 191.0])
    classes = torch.tensor([REMOVE, BOTH, AFFECTED, KEEP], dtype=torch.uint8)
    return classes[torch.bucketize(values, cuts)]


def resize_classes(mask: Mask, height: int, width: int) -> torch.Tensor:
    """Classes stay what they are: each pixel takes the strongest class within its area.

    Remove (0, then 63) before affected before keep. No class is invented, and no object is too thin to stay.

    Args:
        mask: uint8 (H, W), values 0, 63, 127, 255.
        height: of the result, in pixels.
        width: of the result, in pixels.

    Returns: uint8 (height, width), values of ``mask``.
    Raises: MaskError ``mask-values``.
    """
    values = checked(_tensor(mask))
    rank = torch.zeros_like(values)
    for level, value in enumerate(_BY_RANK.tolist()):
        rank[values == value] = level
    strongest = F.adaptive_max_pool2d(rank.float()[None], (height, width))[0]
    return _BY_RANK[strongest.long()]


def checked(mask: torch.Tensor) -> torch.Tensor:
    """``mask`` itself. Raises MaskError ``mask-values`` if it holds anything but 0, 63, 127, 255."""
    known = torch.isin(mask, _BY_RANK)
    if not known.all():
        raise MaskError(
            "mask-values",
            f"The mask holds {sorted(set(mask[~known].tolist()))}, which are no quadmask classes.",
            "Quadmasks have 0, 63, 127 and 255 only.",
        )
    return mask


def levels(mask: torch.Tensor, mask_levels: Literal[2, 3] | int = 3) -> torch.Tensor:
    """What the VAE is given: 0 remove, 0.50196 affected, 1 keep; not brought to -1..1, as the model was trained.

    With ``mask_levels`` 2 the affected area counts as the object (the reference's pass 2). 63 is always the
    object: the reference cuts 1 - 63/255 = 0.753 at 0.75.

    Args:
        mask: uint8 (H, W), values 0, 63, 127, 255.
        mask_levels: 2 or 3.

    Returns: float32 (H, W).
    Raises: MaskError ``mask-values``.
    """
    table = torch.zeros(256)
    table[KEEP] = 1.0
    if mask_levels == 3:
        table[AFFECTED] = 1.0 - torch.tensor(127 / 255)
    return table[checked(mask).long()]
