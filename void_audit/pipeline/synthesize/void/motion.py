"""Optical flow for the warped noise of pass 2, behind one small interface."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Literal, Protocol

import cv2
import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from void_audit.errors import RequestError, WeightsError
from void_audit.model.clip import RGB

Flow = npt.NDArray[np.float32]
"""``(height, width, 2)``: where each pixel of one picture lies in another, x then y, in pixels."""

LEAST_SIDE = 16
"""Below it DIS has no level of its pyramid left (OpenCV ends the process)."""

RAFT_SIDE = 128
"""RAFT's correlation pyramid needs pictures of at least this size."""

PLAN_WITH_DIS = "Plan with `--flow dis`, which needs no torchvision and no weights."


class FlowProvider(Protocol):
    """Whatever finds where pixels went."""

    @property
    def name(self) -> str:
        """Which method, for the record."""

    def flow(self, one: RGB, other: RGB) -> Flow:
        """Flow from ``one`` to ``other``, two pictures of the same size."""


class DisFlow:
    """DIS in OpenCV (Kroeger et al., "Fast Optical Flow using Dense Inverse Search", 2016).

    The same on any number of threads. Pictures with a side below ``LEAST_SIDE`` are taken for unmoved.
    """

    name = "dis"

    def __init__(self) -> None:
        self._engine = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def flow(self, one: RGB, other: RGB) -> Flow:
        """Flow from ``one`` to ``other``."""
        if min(one.shape[:2]) < LEAST_SIDE:
            return np.zeros((*one.shape[:2], 2), np.float32)
        gray, gray_other = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (one, other))
        unmoved = np.zeros((*one.shape[:2], 2), np.float32)
        return np.asarray(self._engine.calc(gray, gray_other, unmoved), np.float32)


class RaftFlow:
    """RAFT-large of torchvision, on the CPU in float32 (Teed and Deng, 2020).

    Args:
        weights: its state dict as ``.safetensors``; every tensor must be there and no other.

    Raises:
        RequestError: ``flow-unavailable``: torchvision is not installed, or not for this torch.
        WeightsError: ``weights-missing`` or ``weights-mismatch``.
    """

    name = "raft"

    def __init__(self, weights: Path) -> None:
        model = _optical_flow().raft_large(weights=None, progress=False)
        _load(model, weights)
        self._model = model.eval()

    def flow(self, one: RGB, other: RGB) -> Flow:
        """Flow from ``one`` to ``other``. Sides are padded, by repeating the rim, to what RAFT takes."""
        height, width = one.shape[:2]
        with torch.inference_mode():
            flow = self._model(_prepared(one), _prepared(other))[-1][0]
        return np.asarray(flow.permute(1, 2, 0)[:height, :width].float().contiguous().numpy())


def provider(name: Literal["raft", "dis"], weights: Path | None) -> FlowProvider:
    """The flow that the plan names. ``weights`` is RAFT's file; DIS needs none.

    Raises:
        RequestError: ``flow-unavailable``.
        WeightsError: ``weights-missing`` or ``weights-mismatch``.
    """
    if name == "dis":
        return DisFlow()
    if weights is None:
        raise WeightsError(
            "weights-missing", "Flow `raft` needs a file of weights, and none is known.", PLAN_WITH_DIS
        )
    return RaftFlow(weights)


def _optical_flow() -> ModuleType:
    """The flow models of torchvision, imported only where they are asked for.

    A torchvision that was built for another torch is importable in name only, and fails in any of these ways.
    """
    try:
        from torchvision.models import optical_flow  # noqa: PLC0415
    except (ImportError, AttributeError, OSError, RuntimeError) as error:
        raise RequestError(
            "flow-unavailable",
            f"Flow `raft` needs torchvision, which cannot be imported: {error}.",
            PLAN_WITH_DIS,
        ) from error
    return optical_flow  # type: ignore[no-any-return]


def _load(model: torch.nn.Module, weights: Path) -> None:
    if not weights.is_file():
        raise WeightsError("weights-missing", f"RAFT's weights are not at {weights}.", PLAN_WITH_DIS)
    try:
        model.load_state_dict(load_file(weights), strict=True)
    except (SafetensorError, RuntimeError) as error:
        first = str(error).strip().splitlines()[0]
        raise WeightsError(
            "weights-mismatch", f"{weights.name} does not hold RAFT-large: {first}", PLAN_WITH_DIS
        ) from error


def _prepared(picture: RGB) -> torch.Tensor:
    """``(1, 3, H, W)`` float32 in -1 to 1, sides padded to a multiple of 8."""
    height, width = (max(RAFT_SIDE, side + -side % 8) for side in picture.shape[:2])
    bottom, right = height - picture.shape[0], width - picture.shape[1]
    padded = cv2.copyMakeBorder(picture, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
    return torch.from_numpy(padded).permute(2, 0, 1)[None].float() / 127.5 - 1
