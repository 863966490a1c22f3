"""SAM 2 from the command to the verified file, with random weights: planned, killed and planned again, run, refused.

A network of random weights finds nothing in particular, but whatever it finds has to come out the same: on record, in
the mask, and in the file that is delivered.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from cli.terminal import Terminal
from cli.test_cli_end_to_end import FRAMES, request
from copies import copy_place
from safetensors.torch import save_file
from tiny_sam2 import write_tiny_sam2

from void_audit.media.maskfile import MaskFile
from void_audit.pipeline.segment.sam2.loading import NEW_IN_2_1

FOLDER = "sam2.1-hiera-tiny"
FILE = "sam2.1_hiera_tiny.pt"
SAM2 = "--segmenter sam2 --sam2-size tiny"
MARKS = {
    "clicks": [
        {"frame": 2, "x": 76, "y": 48},
        {"frame": 2, "x": 20, "y": 80, "label": "background"},
        {"frame": 5, "x": 20, "y": 20, "object": 2},
    ],
    "boxes": [{"frame": 4, "x": 60, "y": 30, "width": 30, "height": 24}],
}
"""Nothing on the first frames; a box, background and a second object, each on frames of their own."""

KILLED = 9
DYING = f"""
import os, sys
from void_audit.cli.main import app
from void_audit.pipeline.segment.sam2.following import Following
show = Following._show
def dying(self, frame, picture):
    if self._done == 7:
        os._exit({KILLED})
    show(self, frame, picture)
Following._show = dying
app(sys.argv[1:])
"""


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return write_tiny_sam2(tmp_path_factory.mktemp("model") / FOLDER)


@pytest.fixture(scope="module")
def _house(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("house")
    terminal = Terminal(folder)
    terminal.people("base")
    request(folder / "request", **MARKS)
    return folder


@pytest.fixture
def house(_house, model, tmp_path) -> Terminal:
    """A workspace with a request and SAM 2's files in the model store, which nobody has approved."""
    folder = tmp_path / "house"
    copy_place(_house, folder)
    terminal = Terminal(folder)
    terminal.engines = None
    (folder / "models" / FOLDER).mkdir(parents=True)
    for file in model.iterdir():
        (folder / "models" / FOLDER / file.name).write_bytes(file.read_bytes())
    return terminal


def approve_model(terminal: Terminal) -> None:
    terminal(f"models add {FOLDER} --licence Apache-2.0 --origin 'random weights'")


def delivered(terminal: Terminal, planned: dict) -> None:
    """Approve, run, verify against the source."""
    for name in ("perry", "jimmy")[: planned["approvals_missing"]]:
        terminal(f"approve {planned['edit']} --as {name}")
    terminal(f"run {planned['edit']} --out out.mp4")
    said = terminal.json("verify out.mp4 --source request/clip.mp4")
    assert said["exit_code"] == 0, said


def story_of(terminal: Terminal, name: str = "out.mp4") -> dict[str, list[str]]:
    """What an edit's history says of each kind of record, by whatever came last of a kind."""
    return {line["what"]: line["why"] for line in terminal.json(f"history {name}")["records"]}


def opened(terminal: Terminal, planned: dict) -> list[int]:
    """Pixels of each frame that may change."""
    return [int((classes < 3).sum()) for classes in MaskFile(Path(planned["mask_file"])).classes()]


def test_from_clicks_to_a_verified_file(house):
    approve_model(house)
    planned = house.json(f"plan request {SAM2}")
    found = opened(house, planned)
    assert len(found) == FRAMES
    assert all(found[:2])  # before the first mark
    assert len(set(found)) > 2
    delivered(house, planned)
    told = story_of(house)["segmentation"]
    assert told[0].startswith("sam2 1.1.0 on cpu: confidence ")
    for what in ("size tiny", "image_size 64", "dtype float32", "mask_threshold 0", "memories 7", "network "):
        assert what in told[1]
    digest = hashlib.sha256((house.folder / "models" / FOLDER / FILE).read_bytes()).hexdigest()
    assert f"weights {FOLDER}/{FILE} {digest[:16]}" in told


@pytest.mark.slow
def test_killed_while_it_looks_it_is_planned_again_as_if_nothing_had_been(house, tmp_path):
    approve_model(house)
    copy_place(house.folder, tmp_path / "other")
    other = Terminal(tmp_path / "other")
    other.engines = None
    expected = other.json(f"plan request {SAM2}")
    environment = {name: value for name, value in {**os.environ, **house.env}.items() if value is not None}
    ended = subprocess.run(
        [sys.executable, "-c", DYING, "plan", "request", *SAM2.split()],
        cwd=house.folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == KILLED, ended.stderr
    planned = house.json(f"plan request {SAM2}")
    assert planned["resumed"]
    assert planned["plan"]["mask"] == expected["plan"]["mask"]
    assert house.steps(planned["edit"]).count("segmentation") == 1
    delivered(house, planned)


def planned_in_vain(terminal: Terminal, error: str, options: str = SAM2) -> str:
    """The error's whole text; nothing that was found is on record."""
    result = terminal(f"plan request {options}", 2)
    assert f"error {error} " in result.stderr
    edits = terminal.json("history")["edits"]
    assert all("segmentation" not in terminal.steps(edit["edit"]) for edit in edits)
    return " ".join(result.stderr.split())


def test_what_is_missing_is_said_with_the_way_to_it(house):
    said = planned_in_vain(house, "weights-unknown")
    assert f"{FILE} into " in said
    assert f"/models/{FOLDER}, then approve it: `void-audit models add {FOLDER} --licence" in said
    assert "docs/sam2.md" in said
    said = planned_in_vain(house, "weights-unknown", "--segmenter sam2")
    assert "sam2.1_hiera_large.pt into " in said
    approve_model(house)
    said = planned_in_vain(
        house, "weights-unregistered", f"--segmenter sam2 --sam2-size small --sam2-model {FOLDER}"
    )
    assert "sam2.1_hiera_small.pt" in said
    (house.folder / "models" / FOLDER / FILE).rename(house.folder / "elsewhere.pt")
    assert f"{FILE} is not there" in planned_in_vain(house, "weights-missing")


def test_another_file_than_the_approved_one_is_not_loaded(house):
    approve_model(house)
    path = house.folder / "models" / FOLDER / FILE
    content = bytearray(path.read_bytes())
    content[-100_000] ^= 1
    path.write_bytes(content)
    assert "is not the registered file" in planned_in_vain(house, "weights-digest")
    path.write_bytes(content[:-1])
    assert "is not the registered file" in planned_in_vain(house, "weights-digest")


def test_a_checkpoint_of_sam_2_0_is_told_apart(house):
    """It lacks what 2.1 has, and would be filled with noise if it were loaded loosely."""
    path = house.folder / "models" / FOLDER / FILE
    state = torch.load(path, weights_only=True)["model"]
    older = {name: value for name, value in state.items() if name not in NEW_IN_2_1}
    assert len(older) < len(state)
    torch.save({"model": older}, path)
    approve_model(house)
    said = planned_in_vain(house, "weights-keys")
    assert "SAM 2.0" in said


class Code:
    """Unpickled, it would leave a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def test_a_file_with_code_in_it_is_neither_approved_nor_run(house):
    trace = house.folder / "trace"
    torch.save({"model": {"a": torch.zeros(1)}, "x": Code(trace)}, house.folder / "models" / FOLDER / FILE)
    house.refused(f"models add {FOLDER} --licence x --origin x", 2, "weights-pickled")
    path = house.folder / "models" / FOLDER / FILE
    path.write_bytes(path.read_bytes()[:-200])
    house.refused(f"models add {FOLDER} --licence x --origin x", 2, "weights-truncated")
    assert not trace.exists()


def test_the_same_weights_as_safetensors_see_the_same(house):
    approve_model(house)
    expected = house.json(f"plan request {SAM2}")["plan"]["mask"]
    folder = house.folder / "models" / "ours"
    shutil.copytree(house.folder / "models" / FOLDER, folder)
    save_file(
        torch.load(folder / FILE, weights_only=True)["model"], folder / FILE.replace(".pt", ".safetensors")
    )
    (folder / FILE).unlink()
    house("models add ours --licence Apache-2.0 --origin 'random weights'")
    assert house.json(f"plan request {SAM2} --sam2-model ours")["plan"]["mask"] == expected
