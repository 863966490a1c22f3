"""Kills the story plan, approve, run at chosen durable steps, each time in a process of its own, and tells it again.

    python killer.py FOLDER points                names of all points, in order, as JSON
    python killer.py FOLDER kill NUMBER...        kill there, tell again, and report as JSON
    python killer.py FOLDER story REQUEST HOUR    the story of a request, to be killed from outside

Processes are forked before anything has run in this one, so that no thread or lock is inherited.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from copies import copy_place
from house import FAST, House, quick
from simulator.studio import START

from void_audit.ledger.blobs import BlobStore
from void_audit.ledger.log import Ledger
from void_audit.ledger.mark import HeldMark
from void_audit.ledger.sequencer import Sequencer
from void_audit.workflow.edits import EditFolders

KILLED = 9
SEAMS: list[tuple[object, str]] = [
    (BlobStore, "put"),
    (BlobStore, "put_file"),
    (Ledger, "append"),
    (Sequencer, "_commit"),
    (HeldMark, "raise_to"),
    (EditFolders, "create"),
    (Path, "replace"),  # how working files and the finished one appear
]
"""Durable steps; a point lies before and after every call."""


class Seams:
    """Counts points; at the chosen one the process is gone, with no chance to tidy up."""

    def __init__(self, kill_at: int | None = None) -> None:
        self.names: list[str] = []
        self.kill_at = kill_at
        for owner, name in SEAMS:
            setattr(owner, name, self._wrapped(name, getattr(owner, name)))

    def _wrapped(self, name: str, real: Callable[..., object]) -> Callable[..., object]:
        def step(*args: object, **kwargs: object) -> object:
            self._pass(f"before {name}")
            result = real(*args, **kwargs)
            self._pass(f"after {name}")
            return result

        return step

    def _pass(self, name: str) -> None:
        if self.kill_at == len(self.names):
            os._exit(KILLED)
        self.names.append(name)


def tell(house: House, request: str = "request") -> Path:
    """The story: the same commands, whatever was done of them before."""
    log_calls(house)
    out = house.folder / f"{request}.mp4"
    edit = house.plan(house.folder / request, FAST).edit
    house.approve(edit)
    return house.run(edit, out).delivered.path


def log_calls(house: House) -> None:
    """Every engine call in a file: it outlives the process."""

    def note(name: str) -> None:
        with (house.folder / "calls").open("a") as file:
            file.write(name + "\n")

    house.engines.before = note


def calls(folder: Path) -> list[str]:
    path = folder / "calls"
    return path.read_text().split() if path.exists() else []


def forked(work: Callable[[], object]) -> object:
    """What ``work`` returns, run in a child; None if the child was killed."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(reading)
            with quick():
                result = work()
            with os.fdopen(writing, "w") as pipe:
                json.dump(result, pipe)
            code = 0
        finally:
            sys.stderr.flush()
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code not in (0, KILLED):
        raise SystemExit(f"a child ended with {code}")
    return json.loads(text) if code == 0 else None


def list_points(folder: Path) -> list[str]:
    house = House.reopen(folder, START + timedelta(hours=1))
    seams = Seams()
    tell(house)
    return seams.names


def kill_at(folder: Path, number: int) -> None:
    house = House.reopen(folder, START + timedelta(hours=1))
    Seams(number)
    tell(house)


def tell_again(folder: Path) -> dict[str, object]:
    """The same commands in another process, a day later; what was there before, and what is there now."""
    house = House.reopen(folder, START + timedelta(days=1))
    house.place.writing.settle()
    edits = {e.statement.predicate.edit for e in house.place.writing.entries()} - {None}
    recorded = [step for edit in edits for step in house.steps(edit)]
    before = calls(folder)
    path = tell(house)
    edits = {e.statement.predicate.edit for e in house.place.writing.entries()} - {None}
    leftovers = [str(p) for p in (folder / "ws" / "edits").rglob("*") if "partial" in p.name]
    report = house.sealed(path).verify(source=True, receipt=True)
    return {
        "recorded_before": recorded,
        "calls_before": before,
        "calls_again": calls(folder)[len(before) :],
        "edits": len(edits),
        "steps": [step for edit in edits for step in house.steps(edit)],
        "verify": report.exit_code,
        "found": [f.detail for f in report.findings if f.state == "fail"],
        "fsck": [p.code for p in house.place.fsck().problems],
        "leftovers": leftovers,
    }


def prepared(folder: Path) -> Path:
    template = folder / "template"
    if not template.exists():
        forked(lambda: House(template) and None)
    return template


def killed(folder: Path, number: int) -> object:
    copy = folder / f"at-{number}"
    copy_place(prepared(folder), copy)
    if forked(lambda: kill_at(copy, number)) is not None:
        raise SystemExit(f"nothing was killed at point {number}")
    result = forked(lambda: tell_again(copy))
    shutil.rmtree(copy)
    return result


def main() -> None:
    folder, command, *rest = Path(sys.argv[1]), *sys.argv[2:]
    if command == "points":
        copy = folder / "counted"
        copy_place(prepared(folder), copy)
        print(json.dumps(forked(lambda: list_points(copy))))  # noqa: T201
    elif command == "kill":
        prepared(folder)
        print(json.dumps({number: killed(folder, int(number)) for number in rest}))  # noqa: T201
    else:
        request, hour = rest
        house = House.reopen(folder, START + timedelta(hours=int(hour)))
        print("begins", flush=True)  # noqa: T201
        tell(house, request)
        house.place.writing.close()


if __name__ == "__main__":
    main()
