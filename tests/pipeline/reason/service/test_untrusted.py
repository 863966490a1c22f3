"""JSON of whatever shape."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from void_audit.pipeline.reason.service.untrusted import at, counts_at, items_at, parsed, printable, text_at

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=10,
)
PATHS = st.lists(st.sampled_from("ab") | st.integers(0, 3), max_size=4)


@given(ANY, PATHS)
def test_no_shape_raises(value: Any, path: list[str | int]) -> None:
    at(value, *path)
    assert isinstance(items_at(value, *path), list)
    assert len(text_at(value, *path, limit=5)) <= 5
    assert all(n >= 0 for n in counts_at(value, {"n": ("a", "b")}).values())


@given(ANY)
def test_what_is_there_is_found(value: Any) -> None:
    assert at({"a": [value]}, "a", 0) is value
    assert at(value) is value


def test_what_is_not_there_is_none() -> None:
    value = {"a": [1], "t": "text"}
    for path in (("b",), ("a", 1), ("a", "0"), ("t", 0), ("a", 0, "x"), (0,)):
        assert at(value, *path) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"\xff",
        '"é"'.encode("utf-16"),
        b"[" * 100_000,
        b"9" * 9999,
        b"nope",
        b"NaN",
        b'{"a": -Infinity}',
        b'{"a": 1, "a": 2}',
        b'[{"b": {"\\u0061": 1, "a": 1}}]',
        b"\xef\xbb\xbf{}",
    ],
)
def test_what_is_no_json(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # a decoder's own words
        parsed(data)


@given(ANY)
def test_json_comes_back(value: Any) -> None:
    data = json.dumps(value).encode()
    assert json.dumps(parsed(data)).encode() == data


@given(st.text(), st.integers(1, 30))
def test_text_is_bounded_and_printable(text: str, limit: int) -> None:
    said = printable(text, limit)
    assert len(said) <= limit
    assert said.isprintable()


def test_text_that_fits_is_left_alone() -> None:
    assert printable("Größe: 3 m²", 11) == "Größe: 3 m²"
    assert printable("Größe: 3 m²", 10).endswith("…")
    assert printable("a\x1b[2Jb\u202ec\n\td", 50) == "a [2Jb c d"


@pytest.mark.parametrize("odd", [True, -1, 1.0, "3", None, 2**53, [3]])
def test_what_is_no_count(odd: Any) -> None:
    assert counts_at({"a": odd}, {"n": ("a",)}) == {}
    assert counts_at({"a": 2**53 - 1}, {"n": ("a",)}) == {"n": 2**53 - 1}
