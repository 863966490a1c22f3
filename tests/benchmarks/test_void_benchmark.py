"""The benchmark of the VOID engine: that it measures the real model, keeps failures apart, and judges honestly."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from diffusers import CogVideoXTransformer3DModel

from benchmarks.void import __main__ as command
from benchmarks.void import codecs, forwards, passes, tables
from benchmarks.void.sizes import REAL, TINY, random_pipeline, random_transformer, transformer_inputs
from benchmarks.void.timing import NotHere, kept_apart, psnr, relative_error, timed

ROOT = Path(__file__).resolve().parents[2]
CPU = torch.device("cpu")


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500, check=False)


def test_the_real_size_is_the_published_model():
    with torch.device("meta"):
        transformer = CogVideoXTransformer3DModel(**REAL.transformer)
    assert sum(parameter.numel() for parameter in transformer.parameters()) == 5_571_462_784
    assert len(transformer.state_dict()) == 1024
    assert (REAL.tokens, REAL.latents) == (11_314, 22)


@pytest.mark.slow
def test_its_operations_are_those_of_the_specification():
    assert forwards.forward_operations(REAL, 1) / 1e12 == pytest.approx(173.73, abs=0.005)
    assert forwards.forward_operations(REAL, 2) == 2 * forwards.forward_operations(REAL, 1)
    assert codecs.whole_operations(REAL)["encode"] / 1e12 == pytest.approx(192, abs=0.5)


def test_weights_are_random_and_of_a_size_that_keeps_values_alive():
    transformer = random_transformer(TINY, CPU)
    for name, parameter in transformer.named_parameters():
        assert parameter.dtype == torch.bfloat16
        assert parameter.float().std() > 0.01, name
    with torch.no_grad():
        one, other = (
            transformer(**transformer_inputs(TINY, 1, CPU, seed), return_dict=False)[0] for seed in (1, 2)
        )
    assert 0.1 < one.float().std() < 10
    assert not torch.equal(one, other)
    again = random_transformer(TINY, CPU)
    assert all(torch.equal(a, b) for a, b in zip(transformer.parameters(), again.parameters(), strict=True))


def test_the_text_encoder_has_one_embedding():
    text = random_pipeline(TINY, CPU).text_encoder
    assert text.shared.weight is text.encoder.embed_tokens.weight


def test_a_failing_variant_says_why_and_takes_no_other_with_it():
    rows = []
    for fails in (True, False):
        row = {"variant": f"fails: {fails}"}
        with kept_apart(row, CPU):
            if fails:
                raise RuntimeError("no kernel\nand a long trace")
            row["seconds"] = 1.5
        rows.append(row)
    text = tables.table(rows, tables.CODECS)
    assert "- fails: True: RuntimeError: no kernel" in text
    assert "long trace" not in text
    assert "| fails: False | 1,500.0 |" in text


def test_a_variant_that_is_not_here_and_a_stop_by_hand():
    row = {}
    with kept_apart(row, CPU):
        raise NotHere("only on CUDA")
    assert row["failed"] == "only on CUDA"
    with pytest.raises(KeyboardInterrupt), kept_apart({}, CPU):
        raise KeyboardInterrupt


def test_the_warm_up_is_not_timed_and_each_half_is_measured():
    seconds = iter([5.0, 1.0, 1.0, 3.0, 3.0])
    now = [0.0]

    def action():
        now[0] += next(seconds)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchmarks.void.timing.time.perf_counter", lambda: now[0])
        timing = timed(CPU, action, rounds=2)
    assert (timing.seconds, timing.spread, timing.peak) == (2.0, 1.0, None)


def test_likeness():
    reference = torch.tensor([0.0, 4.0])
    assert relative_error(torch.tensor([0.0, 5.0]), reference) == 0.25
    assert psnr(reference, reference) == float("inf")
    assert psnr(torch.tensor([0.0, 4.0]) + 0.4, reference) == pytest.approx(20, abs=1e-4)


def test_steps_that_were_not_run_are_multiplied_by_the_median():
    taken = passes.Taken(text=1, encode=2, decode=3, first_step=99, steps=[1.0, 2.0, 30.0], wanted=10)
    assert taken.total == 1 + 2 + 20 + 3
    whole = passes.Taken(steps=[1.0, 2.0, 30.0], wanted=3)
    assert whole.total == 33


def row(name, seconds, against, peak):
    return {"profile": name, "seconds": seconds, "against stock": against, "peak": peak}


def test_aims_are_met_missed_or_not_measured():
    rows = [row("stock", 80, 1.0, 14), row("resident", 40, 2.0, 11.5), row("small", 50, 1.6, 4.9)]
    rows.append({"profile": "fast fp8", "failed": "RuntimeError"})
    judged = dict(passes.aims(rows))
    assert judged["resident at least 1.7 times stock"] == "met (2.00)"
    assert judged["resident at most 12 GiB"] == "met (11.50)"
    assert judged["small at most 5 GiB"] == "met (4.90)"
    assert judged["small at most 1.1 times resident's time"] == "MISSED (1.25)"
    assert judged["fast at least 3 times stock"] == "not measured"
    rows += [row("fast int8", 30, 2.7, 8), row("fast fp8", 25, 3.2, 8)]
    assert dict(passes.aims(rows))["fast fp8 at least 3 times stock"] == "met (3.20)"


def test_a_cpu_has_no_figures_of_the_devices_memory():
    rows = [row("stock", 80, 1.0, None), row("resident", 40, 2.0, None)]
    assert dict(passes.aims(rows))["resident at most 12 GiB"] == "not measured"


@pytest.mark.slow
def test_the_whole_benchmark_on_a_cpu(tmp_path):
    file = tmp_path / "void.json"
    made = run("benchmarks.void", "--device", "cpu", "--size", "tiny", "--json", file)
    assert made.returncode == 0, made.stderr
    report = json.loads(file.read_text())
    assert report["tokens"] == TINY.tokens
    assert report["versions"]["torch"] == torch.__version__
    assert "--size tiny" in report["command"]
    assert report["date"]
    by_name = {r["variant"]: r for r in report["forwards"] if r["batch"] == 1}
    assert by_name["own attention, native"]["error to stock"] == 0
    assert 0 < by_name["stock"]["error to float32"] < 0.05
    assert 0 < by_name["int8"]["error to stock"] < 0.05
    profiles = {r["profile"]: r for r in report["passes"]}
    assert profiles.keys() == passes.PROFILES.keys()
    assert "fp8" in profiles["fast fp8"]["failed"]
    assert profiles["resident"]["measured"] == ["4/4", "4/4"]
    assert profiles["small"]["error to stock"] == 0
    assert profiles["fast int8"]["psnr of pass 1"] > 25
    assert len(report["vae"]) == 4
    for title in ("forward", "VAE", "both passes"):
        assert f"\n| {title} |" in made.stdout


@pytest.mark.slow
def test_some_parts_some_profiles_and_few_steps(tmp_path):
    file = tmp_path / "void.json"
    made = run(
        "benchmarks.void", "--only", "passes", "--profiles", "small,stock", "--minutes", 0, "--json", file,
        "--device", "cpu",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    report = json.loads(file.read_text())
    assert [r["profile"] for r in report["passes"]] == ["stock", "small"]
    assert report["passes"][0]["measured"] == ["3/4", "3/4"]
    assert "psnr of pass 1" not in report["passes"][1]
    assert "forwards" not in report


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--only", "pases"], "pases: there are forwards, vae, passes"),
        (["--profiles", "small,quick"], "quick: there are stock, resident, small"),
        (["--device", "cuda"], "no CUDA device here"),
    ],
)
def test_what_is_not_there_is_refused(monkeypatch, capsys, arguments, said):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(sys, "argv", ["benchmarks.void", *arguments])
    with pytest.raises(SystemExit):
        command.arguments()
    assert said in capsys.readouterr().err


@pytest.mark.slow
def test_memory_against_length():
    made = run("benchmarks.void.memory", 5, 13)
    assert made.returncode == 0, made.stderr
    lines = [line for line in made.stdout.splitlines() if line.startswith(("| 5 ", "| 13 "))]
    assert len(lines) == 2
    assert all(float(cell) > 50 for line in lines for cell in line.split("|")[2:4])
    assert "tensors as long as the clip: 15.0" in made.stdout
