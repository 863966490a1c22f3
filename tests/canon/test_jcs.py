from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from void_audit.canon import jcs
from void_audit.errors import EvidenceError, InputError, RequestError

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
SCALARS = (
    st.none() | st.booleans() | TEXT | st.integers(-jcs.MAX_INTEGER, jcs.MAX_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
)  # fmt: skip
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=15)


@given(JSON)
@settings(max_examples=200)
def test_what_is_written_is_read_back(value: object) -> None:
    data = jcs.canonical(value)
    assert jcs.parse(data) == value
    assert jcs.canonical(jcs.parse(data)) == data


@given(st.binary(max_size=60))
@settings(max_examples=200)
def test_any_bytes_are_read_or_refused_with_our_error(data: bytes) -> None:
    with contextlib.suppress(EvidenceError):
        assert jcs.canonical(jcs.parse(data))


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), 2**53, -(2**53), "\ud800", {"\ud800": 1}, {1: 2}, b"bytes", {1, 2}]
)
def test_what_json_cannot_hold_exactly_is_refused(value: object) -> None:
    with pytest.raises(InputError) as caught:
        jcs.canonical([value])
    assert caught.value.code == "json-unrepresentable"


def test_depth_without_end_is_refused() -> None:
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(InputError) as caught:
        jcs.canonical(endless)
    assert caught.value.code == "json-unrepresentable"


def test_limit_counts_bytes() -> None:
    assert jcs.parse("é".join('""').encode(), limit=4) == "é"
    with pytest.raises(EvidenceError) as caught:
        jcs.parse("é".join('""').encode(), limit=3)
    assert caught.value.code == "json-too-large"


def test_callers_choose_the_class_of_the_error() -> None:
    with pytest.raises(RequestError):
        jcs.parse(b"{", error=RequestError)
