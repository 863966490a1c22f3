from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from void_audit.errors import NoteError
from void_audit.ledger.witness_protocol import AddCheckpoint, monitoring_path, parse_size

VECTORS = Path(__file__).parents[1] / "vectors" / "witness" / "request.json"


@pytest.mark.parametrize("case", [pytest.param(c, id=c["name"]) for c in json.loads(VECTORS.read_text())])
def test_request(case) -> None:
    body = case["input"].encode()
    if "error" in case:
        with pytest.raises(NoteError) as caught:
            AddCheckpoint.parse(body)
        assert caught.value.code == case["error"]
        return
    read = AddCheckpoint.parse(body)
    assert {"old": read.old, "proof": [h.hex() for h in read.proof], "note": read.note} == case["expected"]
    assert read.body() == body


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_with_our_error(body: bytes) -> None:
    with pytest.raises(NoteError):
        AddCheckpoint.parse(b"\xff" + body)


@pytest.mark.parametrize(
    ("body", "size"),
    [
        (b"0\n", 0), (b"17\n", 17), (b"17", 17), (b"", None), (b"017\n", None), (b"-1\n", None), (b"17\n\n", None),
        (b"9223372036854775808\n", None), (b"9" * 500, None), (b"<html>", None), (b"\xd9\xa1\n", None),
    ],
)  # fmt: skip
def test_size_of_a_conflict(body: bytes, size: int | None) -> None:
    assert parse_size(body) == size


def test_monitoring_path_is_the_hash_of_the_origin() -> None:
    assert monitoring_path("example.com/log").startswith("/") and monitoring_path("a") != monitoring_path("b")  # noqa: PT018
    assert (
        monitoring_path("") == "/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855/checkpoint"
    )
