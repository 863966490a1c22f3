"""Between a clip's pictures and the model's: size, values, and the edge that the model's grid needs.

The model works on multiples of 16 pixels. A picture of another size gets its edges repeated to the right and
below, as KEEP in the mask; what the model makes there is cut off again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch

from void_audit.model.clip import RGB, Clip
from void_audit.model.geometry import Size
from void_audit.model.mask import VALUES, ClassSequence
from void_audit.model.plan import Geometry
from void_audit.model.void import VoidNumerics
from void_audit.pipeline.synthesize.void.conditions import resize_picture
from void_audit.pipeline.synthesize.void.masks import KEEP, resize_area, resize_classes

GRID = 16
"""The VAE's factor 8 times the transformer's patches of 2."""

_VALUES = np.asarray(VALUES, np.uint8)


def padded_size(geometry: Geometry) -> Size:
    """The size at which the model works: the geometry's, with sides up to the next multiple of ``GRID``."""
    return Size(-(-geometry.width // GRID) * GRID, -(-geometry.height // GRID) * GRID)


def model_pictures(clip: Clip, geometry: Geometry, numerics: VoidNumerics) -> Iterator[torch.Tensor]:
    """The clip's pictures (3, H, W) at ``padded_size``, one held at a time.

    ``reference`` averages by area in float32 and gives floats in 0..1 (spec/void 1.3 step 2); ``corrected``
    gives uint8, by area downwards and bicubic upwards.
    """
    if numerics.name == "reference":
        for picture in clip.view(geometry.crop).frames():
            yield _grown(resize_picture(_planar(picture), geometry.height, geometry.width), geometry)
        return
    for picture in clip.view(geometry.crop, Size(geometry.width, geometry.height)).frames():
        yield _grown(_planar(picture), geometry)


def model_masks(mask: ClassSequence, geometry: Geometry, numerics: VoidNumerics) -> Iterator[torch.Tensor]:
    """Quadmask values, uint8 (H, W), at ``padded_size``, resized as ``numerics.mask_resize`` says."""
    resize = resize_area if numerics.mask_resize == "area" else resize_classes
    crop, (width, height) = geometry.crop, padded_size(geometry)
    for classes in mask.classes():
        part = _VALUES[classes[crop.y : crop.bottom, crop.x : crop.right]]
        result = torch.full((height, width), KEEP, dtype=torch.uint8)
        result[: geometry.height, : geometry.width] = resize(part, geometry.height, geometry.width)
        yield result


def take_pictures(take: Clip, geometry: Geometry) -> Iterator[RGB]:
    """The pictures of a take of this geometry, (H, W, 3) uint8 at ``padded_size``."""
    for picture in take.frames():
        yield _interleaved(_grown(_planar(picture), geometry))


def finished_pictures(made: Iterable[torch.Tensor], geometry: Geometry) -> Iterator[RGB]:
    """What the model made, float32 (3, H, W) in 0..1, as pictures of the geometry; halves are rounded up."""
    for picture in made:
        part = picture[:, : geometry.height, : geometry.width]
        yield _interleaved(torch.floor(part * 255 + 0.5).to(torch.uint8))


def _grown(picture: torch.Tensor, geometry: Geometry) -> torch.Tensor:
    width, height = padded_size(geometry)
    rows = torch.arange(height).clamp(max=geometry.height - 1)
    columns = torch.arange(width).clamp(max=geometry.width - 1)
    return picture[:, rows][:, :, columns]


def _planar(picture: RGB) -> torch.Tensor:
    return torch.from_numpy(picture).permute(2, 0, 1)


def _interleaved(picture: torch.Tensor) -> RGB:
    return np.ascontiguousarray(picture.permute(1, 2, 0).numpy())
