"""Files of vectors: each case names what must be answered, or the error that must be met."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from void_audit.errors import VoidAuditError

VECTORS = Path(__file__).parent / "vectors"
Case = dict[str, Any]


def cases(folder: Path, names: Iterable[str]) -> list[Any]:
    """Parameters ``name, case`` of every case in the files of these names."""
    return [
        pytest.param(name, case, id=f"{name}: {case['name']}")
        for name in names
        for case in json.loads((folder / f"{name}.json").read_text())
    ]


def check(run: Callable[[Case], object], case: Case) -> None:
    if "error" in case:
        with pytest.raises(VoidAuditError) as caught:
            run(case["input"])
        assert caught.value.code == case["error"]
    else:
        assert run(case["input"]) == case["expected"]


def check_regenerated(folder: Path, names: Iterable[str], scratch: Path) -> None:
    """The folder's generator writes exactly these files again."""
    subprocess.run([sys.executable, folder / "generate.py", scratch], check=True)
    written = {p.name: p.read_bytes() for p in scratch.iterdir()}
    assert written == {p.name: p.read_bytes() for p in folder.glob("*.json")}
    assert set(written) == {f"{name}.json" for name in names}
