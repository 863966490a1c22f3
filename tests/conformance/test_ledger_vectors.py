"""Runs the vectors of tokens, log proofs and marks: each names the answer, or the error that it must meet."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import pytest
from vector_files import VECTORS, Case, cases, check, check_regenerated

from void_audit.canon import tlog_proof
from void_audit.canon.note import VerifierKey
from void_audit.canon.timestamp import verify_token
from void_audit.errors import LedgerError
from void_audit.ledger.mark_slots import SLOT, newest_slot


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


@pytest.mark.parametrize(("name", "case"), cases(VECTORS / "ledger", RUN))
def test_vector(name: str, case: Case) -> None:
    check(RUN[name], case)


def test_vectors_are_what_the_generator_writes(tmp_path: Path) -> None:
    check_regenerated(VECTORS / "ledger", RUN, tmp_path)
