"""Within: full precision, repeatable kernels, no gradients. Afterwards everything is as it was."""

import pytest
import torch

from void_audit.pipeline.segment.sam2.arithmetic import best_device, best_type, device_name, pinned

CPU = torch.device("cpu")


def settings() -> dict[str, object]:
    backends = torch.backends
    parts = (
        backends.mkldnn.conv,
        backends.mkldnn.matmul,
        backends.cudnn.conv,
        backends.cudnn.rnn,
        backends.cuda.matmul,
    )
    return {
        "type": torch.get_default_dtype(), "products": torch.get_float32_matmul_precision(),
        "precision": [part.fp32_precision for part in parts], "mkldnn": backends.mkldnn.enabled,
        "cudnn": backends.cudnn.enabled, "benchmark": backends.cudnn.benchmark,
        "deterministic": backends.cudnn.deterministic, "autocast": torch.is_autocast_enabled("cpu"),
        "inference": torch.is_inference_mode_enabled(), "flash": backends.cuda.flash_sdp_enabled(),
    }  # fmt: skip


@pytest.mark.parametrize("precision", ["highest", "high", "medium"])
def test_it_is_put_back_whatever_it_was_and_however_one_leaves(precision):
    torch.set_float32_matmul_precision(precision)
    torch.backends.cudnn.benchmark = True
    try:
        before = settings()
        with pinned(CPU, torch.float32):
            assert settings() != before
        assert settings() == before
        with pytest.raises(ZeroDivisionError), pinned(CPU, torch.bfloat16):
            raise ZeroDivisionError
        assert settings() == before
    finally:
        torch.set_float32_matmul_precision("highest")
        torch.backends.cudnn.benchmark = False


def test_what_the_older_names_say_can_still_be_asked():
    before = torch.backends.cudnn.allow_tf32
    with pinned(CPU, torch.float32):
        pass
    assert torch.backends.cudnn.allow_tf32 is before


def test_within_products_are_in_full():
    torch.set_float32_matmul_precision("medium")
    try:
        with pinned(CPU, torch.float32):
            assert torch.get_float32_matmul_precision() == "highest"
            assert not torch.backends.cudnn.allow_tf32
            assert torch.backends.mkldnn.conv.fp32_precision == "ieee"
            assert torch.backends.cudnn.deterministic
            assert not torch.backends.cudnn.benchmark
    finally:
        torch.set_float32_matmul_precision("highest")


def test_within_networks_compute_in_the_type_that_is_asked_for():
    one = torch.ones(2, 2)
    with torch.autocast("cpu", dtype=torch.float16):
        with pinned(CPU, torch.float32):
            assert (one @ one).dtype == torch.float32
        with pinned(CPU, torch.bfloat16):
            assert (one @ one).dtype == torch.bfloat16


def test_threads_are_nobodys_business():
    threads = torch.get_num_threads()
    with pinned(CPU, torch.float32):
        assert torch.get_num_threads() == threads
    assert torch.get_num_threads() == threads


def test_the_device_is_the_gpu_where_there_is_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert best_device() == CPU
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert best_device() == torch.device("cuda")
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Some GPU")
    assert device_name(torch.device("cuda")) == "cuda: Some GPU"
    assert device_name(CPU) == "cpu"


def test_the_type_goes_by_the_device():
    assert best_type(CPU) == torch.float32
    assert best_type(torch.device("cuda")) == torch.bfloat16
