"""Runs the vectors of tokens, log proofs and marks: each names the answer, or the error that it must meet."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from void_audit.canon import tlog_proof
from void_audit.canon.note import VerifierKey
from void_audit.canon.timestamp import verify_token
from void_audit.errors import LedgerError, VoidAuditError
from void_audit.ledger.mark_slots import SLOT, newest_slot

VECTORS = Path(__file__).parents[1] / "vectors" / "ledger"
Case = dict[str, Any]


def token(given: Case) -> Case:
    stamp = verify_token(base64.b64decode(given["token"]), bytes.fromhex(given["digest"]), given["roots"])
    return {
        "time": stamp.time.isoformat(),
        "accuracy": int(stamp.accuracy.total_seconds()),
        "authority": stamp.authority,
    }


def log_proof(given: Case) -> int:
    proof = tlog_proof.parse(given["proof"].encode())
    assert str(proof) == given["proof"]
    key = VerifierKey.parse(given["vkey"])
    return tlog_proof.verify(proof, base64.b64decode(given["entry"]), key).size


def mark(given: Case) -> Case:
    found = newest_slot(b"".join(s.encode().ljust(SLOT - 1) + b"\n" for s in given["slots"]))
    if found is None:
        raise LedgerError("ledger-mark-damaged", "No mark.", "")
    held = found.mark
    return {"sequence": found.sequence, "origin": held.origin, "size": held.size, "root": held.root.hex()}


RUN: dict[str, Callable[[Case], object]] = {"token": token, "tlog-proof": log_proof, "mark": mark}


def cases() -> list[Any]:
    return [
        pytest.param(name, case, id=f"{name}: {case['name']}")
        for name in RUN
        for case in json.loads((VECTORS / f"{name}.json").read_text())
    ]


@pytest.mark.parametrize(("name", "case"), cases())
def test_vector(name: str, case: Case) -> None:
    if "error" in case:
        with pytest.raises(VoidAuditError) as caught:
            RUN[name](case["input"])
        assert caught.value.code == case["error"]
    else:
        assert RUN[name](case["input"]) == case["expected"]


def test_vectors_are_what_the_generator_writes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, VECTORS / "generate.py", tmp_path], check=True)
    written = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    assert written == {p.name: p.read_bytes() for p in VECTORS.glob("*.json")}
    assert set(written) == {f"{name}.json" for name in RUN}
