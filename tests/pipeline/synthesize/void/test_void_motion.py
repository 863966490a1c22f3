"""Optical flow behind one interface: where things went, and what is said when a method cannot be had."""

from __future__ import annotations

import builtins
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from void_audit.errors import RequestError, WeightsError
from void_audit.model.clip import RGB
from void_audit.pipeline.synthesize.void.motion import DisFlow, RaftFlow, provider


def texture(height: int, width: int, seed: int = 0) -> RGB:
    drawn = np.random.default_rng(seed).normal(0, 1, (height, width, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(drawn, (0, 0), 3)
    return cv2.normalize(smooth, np.empty_like(smooth), 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


@pytest.mark.parametrize(("x", "y"), [(3, 0), (0, -2), (-5, 4)])
def test_dis_says_how_far_and_in_which_direction(x: int, y: int) -> None:
    whole = texture(140, 220)
    one, other = whole[10:-10, 10:-10], whole[10 - y : -10 - y, 10 - x : -10 - x]
    flow = DisFlow().flow(one, other)
    assert flow.shape == (120, 200, 2)
    assert flow.dtype == np.float32
    inner = flow[15:-15, 15:-15]
    assert np.abs(inner - (x, y)).mean() < 0.1


def test_dis_sees_no_motion_where_there_is_none() -> None:
    picture = texture(96, 168)
    assert not DisFlow().flow(picture, picture.copy()).any()


def test_dis_answers_alike_whatever_it_was_asked_before_and_on_any_number_of_threads() -> None:
    one, other = texture(96, 168, 1), texture(96, 168, 2)
    used, threads = DisFlow(), cv2.getNumThreads()
    used.flow(texture(64, 64, 3), texture(64, 64, 4))
    expected = DisFlow().flow(one, other)
    try:
        for number in (1, 2, 5):
            cv2.setNumThreads(number)
            assert np.array_equal(used.flow(one, other), expected)
    finally:
        cv2.setNumThreads(threads)


@pytest.mark.parametrize(
    ("height", "width"),
    [(1, 1), (8, 8), (15, 15), (15, 700), (700, 15), (16, 16), (16, 700), (31, 17), (32, 64)],
)
def test_dis_takes_every_size(height: int, width: int) -> None:
    # OpenCV ends the process on pictures that are too small for its pyramid.
    noise = np.random.default_rng(0).integers(0, 256, (2, height, width, 3), np.uint8)
    flow = DisFlow().flow(noise[0], noise[1])
    assert flow.shape == (height, width, 2)
    assert np.isfinite(flow).all()
    assert flow.any() == (min(height, width) >= 16)


class FakeRaft(torch.nn.Module):
    """Answers with the mean red of both pictures as flow, and refuses what RAFT refuses."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.zeros(2))
        self.seen: list[tuple[torch.Tensor, torch.Tensor]] = []

    def forward(self, one: torch.Tensor, other: torch.Tensor) -> list[torch.Tensor]:
        assert not self.training
        assert not torch.is_grad_enabled()
        assert one.dtype == torch.float32
        assert one.shape == other.shape
        assert all(side % 8 == 0 and side >= 128 for side in one.shape[-2:])
        self.seen.append((one, other))
        flow = torch.cat([one[:, :1], other[:, :1]], dim=1)
        return [torch.full_like(flow, torch.nan), flow * self.scale.view(1, 2, 1, 1)]


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[FakeRaft]:
    """A torchvision that has one model; the list of what was built with it."""
    models: list[FakeRaft] = []

    def raft_large(*, weights: object, progress: bool) -> FakeRaft:
        assert weights is None, "nothing is downloaded"
        assert not progress
        models.append(FakeRaft())
        return models[-1]

    torchvision, models_module, flow_module = (
        ModuleType(name) for name in ("torchvision", "torchvision.models", "torchvision.models.optical_flow")
    )
    flow_module.raft_large = raft_large  # type: ignore[attr-defined]
    models_module.optical_flow = flow_module  # type: ignore[attr-defined]
    torchvision.models = models_module  # type: ignore[attr-defined]
    for module in (torchvision, models_module, flow_module):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return models


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "raft_large.safetensors"
    save_file({"scale": torch.tensor([2.0, -4.0])}, path)
    return path


@pytest.mark.parametrize(("height", "width"), [(192, 336), (130, 201), (20, 30)])
def test_raft_is_given_pictures_as_it_takes_them(
    built: list[FakeRaft], weights: Path, height: int, width: int
) -> None:
    one, other = np.zeros((height, width, 3), np.uint8), np.full((height, width, 3), 255, np.uint8)
    one[:, :, 0] = np.arange(width) % 256
    flow = RaftFlow(weights).flow(one, other)
    assert flow.shape == (height, width, 2)
    assert flow.dtype == np.float32
    np.testing.assert_allclose(flow[..., 0], 2 * (one[..., 0] / 127.5 - 1), atol=1e-6)
    assert (flow[..., 1] == -4).all()
    red = built[0].seen[0][0][0, 0]
    assert torch.equal(red[:, width:], red[:, width - 1 : width].expand(-1, red.shape[1] - width))
    assert (built[0].seen[0][1] == 1).all()


def test_the_plan_names_the_flow(built: list[FakeRaft], weights: Path) -> None:
    assert provider("dis", None).name == "dis"
    assert provider("raft", weights).name == "raft"
    assert len(built) == 1


@pytest.mark.usefixtures("built")
def test_raft_without_weights_is_refused(tmp_path: Path) -> None:
    for path in (None, tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(WeightsError) as caught:
            provider("raft", path)
        assert caught.value.code == "weights-missing"
        assert "--flow dis" in caught.value.hint


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize(
    "tensors",
    [
        {},
        {"scale": torch.zeros(3)},
        {"scale": torch.zeros(2), "another": torch.zeros(1)},
        {"other": torch.zeros(2)},
    ],
    ids=["empty", "shape", "too many", "name"],
)
def test_raft_takes_no_other_models_weights(tmp_path: Path, tensors: dict[str, torch.Tensor]) -> None:
    path = tmp_path / "raft_large.safetensors"
    save_file(tensors, path)
    with pytest.raises(WeightsError, match=r"raft_large\.safetensors does not hold") as caught:
        provider("raft", path)
    assert caught.value.code == "weights-mismatch"


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize("content", [b"", b"\x00" * 7, b"PK\x03\x04 a pickle"])
def test_raft_takes_no_other_files(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "raft_large.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsError) as caught:
        provider("raft", path)
    assert caught.value.code == "weights-mismatch"


@pytest.mark.parametrize(
    "failure",
    [
        ModuleNotFoundError("No module named 'torchvision'"),
        RuntimeError("operator torchvision::nms does not exist"),
        AttributeError("partially initialized module 'torchvision' has no attribute 'extension'"),
        OSError("libtorchvision.so: undefined symbol"),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_a_torchvision_that_does_not_work_is_named(
    monkeypatch: pytest.MonkeyPatch, weights: Path, failure: Exception
) -> None:
    real = builtins.__import__

    def refuse(name: str, *rest: Any, **named: Any) -> ModuleType:
        if name.startswith("torchvision"):
            raise failure
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(RequestError, match="torchvision") as caught:
        provider("raft", weights)
    assert caught.value.code == "flow-unavailable"
    assert str(failure) in caught.value.message
    assert "--flow dis" in caught.value.hint


def test_dis_asks_for_no_torchvision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchvision", None)
    assert provider("dis", None).flow(texture(32, 32), texture(32, 32)).shape == (32, 32, 2)
