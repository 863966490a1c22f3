"""What stands out in a picture: the interface, and U2-Net-P behind it.

U2-Net: Qin et al., "U2-Net: Going deeper with nested U-structure for salient object detection",
Pattern Recognition 2020, arXiv:2005.09007. The network is read by OpenCV; no other runtime is needed.
"""

from __future__ import annotations

from threading import Lock
from typing import Protocol

import cv2
import numpy as np

from void_audit.errors import WeightsError
from void_audit.pipeline.segment.window import Colours, Heat

_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_SPREAD = np.array([0.229, 0.224, 0.225], np.float32)


class Saliency(Protocol):
    """Says how much each pixel belongs to what stands out in a picture."""

    def __call__(self, picture: Colours, side: int) -> Heat:
        """0 to 1 per pixel, in the size of ``picture``; ``side`` is the working resolution in pixels."""


class SaliencyNetwork:
    """U2-Net-P on the CPU.

    Args:
        model: the bytes of ``u2netp.onnx``; whoever passes them has checked their digest.
    """

    def __init__(self, model: bytes) -> None:
        try:
            self._net = cv2.dnn.readNetFromONNX(np.frombuffer(model, np.uint8))
        except cv2.error as error:
            raise WeightsError(
                "weights-unreadable",
                f"OpenCV {cv2.__version__} cannot read the saliency network: {error.err}.",
                "Use the OpenCV version that void-audit asks for.",
            ) from error
        self._one_at_a_time = Lock()

    def __call__(self, picture: Colours, side: int) -> Heat:
        """See ``Saliency``. ``side`` must be a multiple of 32."""
        rows, columns = picture.shape[:2]
        shrink = min(rows, columns) > side
        scaled = cv2.resize(
            picture, (side, side), interpolation=cv2.INTER_AREA if shrink else cv2.INTER_LINEAR
        ).astype(np.float32)
        scaled = (scaled / max(float(scaled.max()), 1.0) - _MEAN) / _SPREAD
        with self._one_at_a_time:
            self._net.setInput(np.ascontiguousarray(scaled.transpose(2, 0, 1)[None]))
            found = self._net.forward()[0, 0].copy()
        return np.asarray(cv2.resize(found, (columns, rows), interpolation=cv2.INTER_LINEAR), np.float32)
