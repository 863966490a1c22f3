"""What the tests on a CUDA device share; all of them are skipped where there is none.

Warnings are shown there and fail nothing: a machine with a GPU has its own version of torch.
"""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest
import torch
from diffusers import CogVideoXTransformer3DModel
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from tiny_void import SCHEDULER, TRANSFORMER, randomised, tiny_vae, write_tiny_model
from transformers import T5EncoderModel, T5Tokenizer

from void_audit.pipeline.synthesize.void.arithmetic import pinned
from void_audit.pipeline.synthesize.void.pipeline import VoidPipeline

MARKS = (
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here"),
    pytest.mark.filterwarnings("default"),
)
STEPS = {name: value for name, value in SCHEDULER.items() if name != "snr_shift_scale"}


def pytest_collection_modifyitems(items):
    here = Path(__file__).parent
    for item in items:
        if item.path.parent == here:
            for mark in MARKS:
                item.add_marker(mark)


@pytest.fixture(scope="session")
def device():
    return torch.device("cuda")


@pytest.fixture(scope="session")
def texts(tmp_path_factory):
    base = write_tiny_model(tmp_path_factory.mktemp("void")) / "base"
    return T5Tokenizer.from_pretrained(base / "tokenizer"), T5EncoderModel.from_pretrained(
        base / "text_encoder"
    )


@pytest.fixture
def make(texts):
    """Pipelines on the CPU. ``size`` is that of the transformer: tiny, or of 67 million parameters."""

    def make(dtype=torch.bfloat16, size: str = "tiny", seed: int = 3) -> VoidPipeline:
        larger = {"num_attention_heads": 8, "num_layers": 20} if size == "large" else {}
        transformer = randomised(CogVideoXTransformer3DModel(**TRANSFORMER | larger), seed)
        tokenizer, text_encoder = texts
        networks = (deepcopy(text_encoder), tiny_vae(1), transformer)
        cast = [torch.nn.Module.to(network, dtype) for network in networks]
        pipeline = VoidPipeline(tokenizer, *cast, DDIMScheduler(**STEPS))
        pipeline.set_progress_bar_config(disable=True)
        return pipeline

    return make


@pytest.fixture
def as_rendered(device):
    """PyTorch's settings as an engine pins them: float32 in full, kernels that repeat themselves."""
    with pinned(device):
        yield
