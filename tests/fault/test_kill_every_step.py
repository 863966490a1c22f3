"""A process that is killed at any durable step: the same commands again finish the edit, and nothing is doubled."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from house import STORY, House
from simulator.studio import START

HERE = Path(__file__).parent
KILLER = HERE / "killer.py"
ENGINES = {"segment": "segmentation", "reason": "reasoning", "synthesize": "pass:1", "refine": "pass:2"}
"""Engine by the step that records its work."""


def command(folder: Path, *words: str) -> list[str]:
    return [sys.executable, "-W", "error", str(KILLER), str(folder), *words]


def environment() -> dict[str, str]:
    single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {**os.environ, **single, "PYTHONPATH": str(HERE.parent)}


def killer(folder: Path, *words: str):
    done = subprocess.run(
        command(folder, *words), env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("killed")


@pytest.fixture(scope="module")
def points(folder) -> list[str]:
    return killer(folder, "points")


def goes_on_at(before: list[str]) -> int:
    """A question whose answer is not on record may have been put: it is asked, and recorded, once more."""
    open_question = before and before[-1] in {"query", "policy-decision:reason"}
    return STORY.index("query") if open_question else len(before)


def check(name: str, result: dict) -> None:
    assert result["edits"] == 1, name
    before = result["recorded_before"]
    assert before == STORY[: len(before)], name
    assert result["steps"] == [*before, *STORY[goes_on_at(before) :]], name
    assert result["verify"] == 0, (name, result["found"])
    assert result["fsck"] == [], name
    assert result["leftovers"] == [], name
    for engine, step in ENGINES.items():
        again = result["calls_again"].count(engine)
        if step in result["recorded_before"]:
            assert again == 0, f"{engine} ran again after being killed {name}, although its record was there"
        else:
            assert again == 1, name
            assert result["calls_before"].count(engine) <= 1, name


def test_the_points_cover_the_story(points):
    names = [p.removeprefix("before ").removeprefix("after ") for p in points]
    assert names.count("append") == 2 * len(STORY)
    assert names.count("_commit") == names.count("raise_to") == names.count("append")
    assert names.count("put_file") == 2 * 7  # source, track, mask, two takes, output, sealed file
    assert names.count("replace") >= 2 * 7
    assert names.count("create") == 2
    assert names.count("put") > 30


def test_killed_at_a_sample_of_steps(folder, points):
    """Evenly spread over the story."""
    results = killer(folder, "kill", *map(str, range(20, len(points), len(points) // 4)))
    for number, result in results.items():
        check(f"at point {number}, {points[int(number)]}", result)


@pytest.mark.slow
def test_killed_at_every_step(folder, points):
    results = killer(folder, "kill", *map(str, range(len(points))))
    assert len(results) == len(points)
    for number, result in results.items():
        check(f"at point {number}, {points[int(number)]}", result)
    reached = {len(r["recorded_before"]) for r in results.values()}
    assert reached == set(range(len(STORY) + 1))


@pytest.mark.slow
def test_killed_at_random_moments(tmp_path):
    """SIGKILL from outside in the middle of whatever it is doing, ten times; then the same command once more."""
    chance, requests = random.Random(20261122), [f"request-{n}" for n in range(11)]
    house = House(tmp_path)
    for name in requests:
        house.request(name)
    house.place.writing.close()
    seconds = story(tmp_path, requests[0], 1)
    for hour, name in enumerate(requests[1:], 1):
        story(tmp_path, name, 2 * hour, kill_after=chance.uniform(0, seconds))
        story(tmp_path, name, 2 * hour + 1)
    house = House.reopen(tmp_path, START + timedelta(days=2))
    edits = {e.statement.predicate.edit for e in house.place.writing.entries()} - {None}
    assert len(edits) == len(requests)
    asked_twice = [*STORY[:6], *STORY[4:]]
    asked_and_not_judged = [*STORY[:5], *STORY[4:]]
    assert all(house.steps(edit) in (STORY, asked_twice, asked_and_not_judged) for edit in edits)
    for name in requests:
        assert house.sealed(tmp_path / f"{name}.mp4").verify(source=True, receipt=True).exit_code == 0
    assert house.place.fsck().ok
    house.place.writing.close()


def story(folder: Path, request: str, hour: int, kill_after: float | None = None) -> float:
    """Tell a story in a process, perhaps cut short; returns how long it took from its begin."""
    process = subprocess.Popen(
        command(folder, "story", request, str(hour)),
        env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout.readline() == "begins\n"
    begin = time.monotonic()
    if kill_after is not None:
        time.sleep(kill_after)
        process.send_signal(signal.SIGKILL)
    _, errors = process.communicate()
    assert process.returncode in ({0} if kill_after is None else {0, -signal.SIGKILL}), errors[-2000:]
    assert errors == ""
    return time.monotonic() - begin
