from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from void_audit.pipeline.synthesize.void.checkpoint import Checkpoints, State, state_key

KEY = state_key({"plan": "one", "device": "cpu"})


def latents(seed=0, dtype=torch.float32):
    return torch.randn((1, 2, 4, 3, 5), generator=torch.Generator().manual_seed(seed)).to(dtype)


FACTS = {"noise initial": "ab" * 32, "flow": 'dis, "4.11"'}


def state(step, seed=0, dtype=torch.float32):
    return State(step, latents(seed, dtype), FACTS)


def states(folder: Path, key=KEY, name="pass-1"):
    return Checkpoints(folder, name, key)


def names(folder: Path):
    return sorted(p.name for p in folder.iterdir())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_last_state_comes_back_bit_for_bit(tmp_path, dtype):
    folder = tmp_path / "edit" / "checkpoints"
    for step in (5, 10):
        states(folder).save(state(step, step, dtype))
    again = states(folder)
    found = again.latest()
    assert found.step == 10
    assert found.latents.dtype == dtype
    assert torch.equal(found.latents, latents(10, dtype))
    assert found.facts == FACTS
    assert not again.warnings


def test_latents_may_lie_in_memory_as_they_like(tmp_path):
    turned = latents().transpose(3, 4)
    states(tmp_path).save(State(5, turned, FACTS))
    assert torch.equal(states(tmp_path).latest().latents, turned)


def test_states_of_a_thousand_steps_are_in_order(tmp_path):
    kept = states(tmp_path)
    for step in (995, 1000):
        kept.save(state(step, step))
    assert states(tmp_path).latest().step == 1000


def test_without_a_folder_nothing_is_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kept = Checkpoints(None, "pass-1", KEY)
    kept.save(state(5))
    assert kept.latest() is None
    assert not kept.warnings
    assert not names(tmp_path)


def test_an_empty_or_missing_folder_has_no_state_and_no_warning(tmp_path):
    for folder in (tmp_path, tmp_path / "never"):
        kept = states(folder)
        assert kept.latest() is None
        assert not kept.warnings


def test_only_the_last_two_are_kept(tmp_path):
    kept = states(tmp_path)
    for step in (5, 10, 15, 20):
        kept.save(state(step, step))
    assert names(tmp_path) == ["pass-1-0015.safetensors", "pass-1-0020.safetensors"]


def test_a_later_run_forgets_states_that_it_did_not_use(tmp_path):
    for step in (20, 25):
        states(tmp_path, state_key({"plan": "old"})).save(state(step))
    (tmp_path / ".pass-1-0030.77.partial.safetensors").write_bytes(b"killed while writing")
    (tmp_path / "notes.txt").write_text("not a state")
    states(tmp_path, name="pass-2").save(state(3))
    states(tmp_path).save(state(5))
    assert names(tmp_path) == ["notes.txt", "pass-1-0005.safetensors", "pass-2-0003.safetensors"]


def test_a_resumed_run_keeps_the_state_that_it_came_from_until_it_has_two_newer_ones(tmp_path):
    states(tmp_path).save(state(5, 5))
    again = states(tmp_path)
    again.latest()
    again.save(state(10, 10))
    assert names(tmp_path) == ["pass-1-0005.safetensors", "pass-1-0010.safetensors"]


@pytest.mark.parametrize("changed", ["plan", "device"])
def test_a_state_of_another_run_is_ignored_with_a_warning(tmp_path, changed):
    states(tmp_path).save(state(5))
    other = states(tmp_path, state_key({"plan": "one", "device": "cpu", changed: "two"}))
    assert other.latest() is None
    assert len(other.warnings) == 1
    assert "another plan, device or library" in other.warnings[0]
    assert str(tmp_path) not in other.warnings[0]


def test_keys_tell_names_from_values():
    assert state_key({"a": "b", "c": "d"}) == state_key({"c": "d", "a": "b"})
    assert (
        len({state_key({"a": "bc"}), state_key({"ab": "c"}), state_key({"a": "b", "c": ""}), state_key({})})
        == 4
    )


def test_another_passs_state_is_not_even_looked_at(tmp_path):
    states(tmp_path, name="pass-2").save(state(5))
    kept = states(tmp_path)
    assert kept.latest() is None
    assert not kept.warnings


def test_no_flipped_byte_anywhere_gives_other_latents(tmp_path):
    states(tmp_path).save(state(5))
    path = tmp_path / "pass-1-0005.safetensors"
    whole = path.read_bytes()
    refused = 0
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x01]) + whole[place + 1 :])
        damaged = states(tmp_path)
        found = damaged.latest()
        refused += found is None
        assert (found is None) == bool(damaged.warnings)
        assert found is None or (found.step == 5 and found.facts == FACTS)
        assert found is None or torch.equal(found.latents, latents())
    assert refused >= len(whole) - 16  # spaces of the header's padding, which say nothing


def test_a_truncated_file_is_ignored_wherever_it_ends(tmp_path):
    states(tmp_path).save(state(5))
    path = tmp_path / "pass-1-0005.safetensors"
    whole = path.read_bytes()
    for length in {0, 1, 7, 8, 9, 100, *range(110, len(whole), 37), len(whole) - 1}:
        path.write_bytes(whole[:length])
        damaged = states(tmp_path)
        assert damaged.latest() is None
        assert "cannot be read" in damaged.warnings[0]


def test_the_state_before_serves_where_the_last_is_damaged(tmp_path):
    kept = states(tmp_path)
    for step in (5, 10):
        kept.save(state(step, step))
    (tmp_path / "pass-1-0010.safetensors").write_bytes(b"\0" * 3000)
    again = states(tmp_path)
    found = again.latest()
    assert found.step == 5
    assert torch.equal(found.latents, latents(5))
    assert len(again.warnings) == 1


@pytest.mark.parametrize(
    ("tensors", "metadata"),
    [
        ({"latents": latents()}, None),
        ({"latents": latents()}, {"key": KEY}),
        ({"latents": latents()}, {"key": KEY, "state": "{}"}),
        ({"latents": latents()}, {"key": KEY, "state": "no JSON", "sha256": "0" * 64}),
        ({"others": latents()}, {"key": KEY, "state": "{}", "sha256": "0" * 64}),
        ({}, {"key": KEY, "state": "{}", "sha256": "0" * 64}),
    ],
)
def test_what_only_looks_like_a_state_is_ignored(tmp_path, tensors, metadata):
    save_file(tensors, tmp_path / "pass-1-0005.safetensors", metadata)
    kept = states(tmp_path)
    assert kept.latest() is None
    assert len(kept.warnings) == 1


def test_a_state_cannot_be_given_out_for_one_of_another_step(tmp_path):
    states(tmp_path).save(state(5))
    path = tmp_path / "pass-1-0005.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b'\\"step\\": 5', b'\\"step\\": 6'))
    assert path.read_bytes() != whole
    kept = states(tmp_path)
    assert kept.latest() is None
    assert "digest" in kept.warnings[0]


def test_the_same_numbers_in_another_shape_or_type_are_refused(tmp_path):
    states(tmp_path).save(state(5))
    path = tmp_path / "pass-1-0005.safetensors"
    whole = path.read_bytes()
    for old, new in ((b"[1,2,4,3,5]", b"[1,2,4,5,3]"), (b'"F32"', b'"I32"')):
        assert old in whole
        path.write_bytes(whole.replace(old, new))
        assert states(tmp_path).latest() is None


def test_a_folder_where_a_state_should_be_is_ignored(tmp_path):
    (tmp_path / "pass-1-0005.safetensors").mkdir()
    kept = states(tmp_path)
    assert kept.latest() is None
    kept.save(state(10))
    assert states(tmp_path).latest().step == 10


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES])
@pytest.mark.parametrize("call", ["write_bytes", "mkdir", "replace", "touch"])
def test_a_disk_that_refuses_costs_the_state_and_not_the_render(tmp_path, monkeypatch, call, number):
    def refuse(*_args, **_kwargs):
        raise OSError(number, os.strerror(number), str(tmp_path))

    kept = states(tmp_path / "made")
    kept.save(state(5, 5))
    with monkeypatch.context() as patch:
        patch.setattr(Path, call, refuse)
        for step in (10, 15):
            kept.save(state(step, step))
    assert len(kept.warnings) == 1
    assert ("storage-full" if number == errno.ENOSPC else "storage-unwritable") in kept.warnings[0]
    assert str(tmp_path) not in kept.warnings[0]
    again = states(tmp_path / "made")
    assert again.latest().step == 5
    kept.save(state(20, 20))
    assert states(tmp_path / "made").latest().step == 20


KILLED = """
import os, sys, torch
from pathlib import Path
from void_audit.pipeline.synthesize.void import checkpoint
kept = checkpoint.Checkpoints(Path(sys.argv[1]), "pass-1", "k")
kept.save(checkpoint.State(5, torch.zeros(4, 4), {}))
os.fsync = lambda _: os._exit(9)
kept.save(checkpoint.State(10, torch.ones(4, 4), {}))
"""


def test_a_process_killed_while_it_saves_leaves_the_state_before(tmp_path):
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False, timeout=60)
    assert done.returncode == 9
    found = Checkpoints(tmp_path, "pass-1", "k").latest()
    assert found.step == 5
    assert not found.latents.any()
