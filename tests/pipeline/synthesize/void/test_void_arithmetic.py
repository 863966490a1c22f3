"""What a process around a pass may have set: none of it reaches a pixel, and what cannot be pinned is told."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, suppress

import numpy as np
import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from void_jobs import EXECUTION, PROMPT, footage, plan_for, settings, tiny_folder

from void_audit.pipeline.synthesize.base import Job
from void_audit.pipeline.synthesize.void.arithmetic import computed_by, pinned, variables
from void_audit.pipeline.synthesize.void.engine import VoidSynthesizer

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_folder(tmp_path_factory.mktemp("models") / "void")


def made(folder, dtype="float32"):
    given, scene, got = settings(dtype=dtype), footage(), []
    engine = VoidSynthesizer(folder, given, Job(PROMPT), "cpu")
    report = engine.synthesize(scene.clip, scene.mask, plan_for(given), got.append)
    facts = {name: what for name, what in report.execution.items() if name != "peak memory"}
    return np.stack(got), facts


@contextmanager
def changed(set_, before, after):
    set_(after)
    try:
        yield
    finally:
        set_(before)


def precision(part):
    return lambda value: setattr(part, "fp32_precision", value)


STATES = {
    "default type": lambda: changed(torch.set_default_dtype, torch.float32, torch.float64),
    "half by default": lambda: changed(torch.set_default_dtype, torch.float32, torch.bfloat16),
    "products": lambda: changed(torch.set_float32_matmul_precision, "highest", "medium"),
    "convolutions": lambda: changed(precision(torch.backends.mkldnn.conv), "none", "bf16"),
    "oneDNN": lambda: changed(torch._C._set_mkldnn_enabled, True, False),
    "attention": lambda: sdpa_kernel(SDPBackend.MATH),
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "seed": lambda: changed(torch.manual_seed, 0, 99),
}


@pytest.fixture(scope="module")
def alone(folder):
    return {dtype: made(folder, dtype) for dtype in ("float32", "bfloat16")}


CASES = [(state, "float32") for state in STATES]
CASES += [(state, "bfloat16") for state in ("half by default", "oneDNN", "attention")]


@pytest.mark.parametrize(("state", "dtype"), CASES)
def test_nothing_that_the_process_has_set_changes_a_pixel_or_a_fact(folder, alone, state, dtype):
    with STATES[state]():
        pictures, facts = made(folder, dtype)
    assert np.array_equal(pictures, alone[dtype][0])
    assert facts == alone[dtype][1]


def state_of_process():
    backends = torch.backends
    return (
        torch.get_default_dtype(),
        torch.get_float32_matmul_precision(),
        backends.cudnn.allow_tf32,
        backends.cuda.matmul.allow_tf32,
        *(
            part.fp32_precision
            for part in (backends.mkldnn.conv, backends.mkldnn.matmul, backends.cudnn.conv)
        ),
        backends.cudnn.benchmark,
        backends.cudnn.deterministic,
        torch._C._get_mkldnn_enabled(),
        backends.cuda.flash_sdp_enabled(),
        backends.cuda.math_sdp_enabled(),
        torch.is_autocast_enabled("cpu"),
    )


@pytest.mark.parametrize("names", [(), tuple(STATES)])
def test_a_process_gets_back_what_it_had_set(names):
    with ExitStack() as stack:
        for name in names:
            stack.enter_context(STATES[name]())
        before = state_of_process()
        with suppress(RuntimeError), pinned(CPU):
            assert state_of_process() != before
            raise RuntimeError("inside")
        assert state_of_process() == before


def test_whoever_compiles_may_ask_for_the_precision():
    with changed(torch.set_float32_matmul_precision, "highest", "medium"), pinned(CPU):
        assert torch.get_float32_matmul_precision() == "highest"
        assert torch.backends.cuda.matmul.allow_tf32 is False
        assert torch.backends.cudnn.allow_tf32 is False


def test_variables_that_libraries_read_are_told():
    told = variables({"ONEDNN_MAX_CPU_ISA": "AVX2", "HOME": "/home/lois", "MKL_CBWR": "x" * 200})
    assert told == "MKL_CBWR=" + "x" * 100 + ", ONEDNN_MAX_CPU_ISA=AVX2"
    assert variables({"HOME": "/home/lois"}) == ""


def test_a_variable_is_a_fact_and_without_one_there_is_no_claim(monkeypatch):
    for name in ("ONEDNN_DEFAULT_FPMATH_MODE", "ATEN_CPU_CAPABILITY"):
        monkeypatch.delenv(name, raising=False)
    plain = computed_by(CPU, EXECUTION)
    monkeypatch.setenv("ONEDNN_DEFAULT_FPMATH_MODE", "BF16")
    assert computed_by(CPU, EXECUTION) == plain | {"environment": "ONEDNN_DEFAULT_FPMATH_MODE=BF16"}


def test_who_rounds_to_eight_bits_is_told_where_anybody_does():
    eight = EXECUTION.model_copy(update={"name": "fast", "linears": "int8"})
    assert "torchao" in computed_by(CPU, eight)
    assert "torchao" not in computed_by(CPU, EXECUTION)


def test_a_process_that_speaks_the_newer_way_gets_back_what_it_had_set():
    parts = (torch.backends.cudnn.conv, torch.backends.mkldnn.conv)
    with changed(precision(parts[0]), "tf32", "ieee"), changed(precision(parts[1]), "none", "bf16"):
        with pinned(CPU):
            assert [part.fp32_precision for part in parts] != ["ieee", "bf16"]
        assert [part.fp32_precision for part in parts] == ["ieee", "bf16"]
