"""A picture of the clip as the network takes it, and the one place where the network looks for pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn.functional import interpolate

from void_audit.model.clip import RGB

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
"""Of the pictures that the network was trained on (ImageNet), per channel, from 0 to 1."""

RESIZE = "bicubic, antialiased, 8 bit"


def prepared(picture: RGB, side: int) -> torch.Tensor:
    """A picture scaled to a square of ``side`` pixels, aspect not kept, and normalised.

    Args:
        picture: ``(height, width, 3)`` uint8.
        side: pixels.

    Returns:
        ``(3, side, side)`` float32 on the CPU. The package scales with Pillow; this is the same filter
        (bicubic, widened when shrinking, in 8 bits) to within rounding, 3 of 255 levels, and needs no Pillow.
    """
    planes = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)
    scaled = interpolate(planes[None], size=(side, side), mode="bicubic", antialias=True)[0]
    mean, deviation = (torch.tensor(values)[:, None, None] for values in (MEAN, DEVIATION))
    return (scaled / 255.0 - mean) / deviation


class Screen:
    """The one frame that is looked at, with the network's features of it. Stands where the package keeps a video.

    Args:
        side: of the network's picture, in pixels.

    Attributes:
        features: of the frame that is shown, shared by all objects; kept by ``Predictor``.
    """

    def __init__(self, side: int) -> None:
        self._side = side
        self._frame, self._picture = -1, np.zeros((1, 1, 3), np.uint8)
        self.features: dict[int, Any] = {}

    def show(self, frame: int, picture: RGB) -> None:
        """Show another frame; what was kept of the one before is let go."""
        self._frame, self._picture = frame, picture
        self.features = {}

    def __getitem__(self, frame: int) -> torch.Tensor:
        if frame != self._frame:
            raise LookupError(f"frame {frame} is asked for while {self._frame} is shown")
        return prepared(self._picture, self._side)
