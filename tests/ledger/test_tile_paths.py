"""Where cosigned checkpoints and time stamps lie."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from void_audit.ledger.tile_paths import checkpoint_path, checkpoint_size, stamped, token_path

URL = "http://tsa.example:8080/a b?c=1/../x"


def test_the_paths():
    assert checkpoint_path(1234) == "void-audit/checkpoints/1234"
    digest = bytes(range(32))
    path = token_path(digest, URL)
    assert (
        path
        == f"void-audit/timestamps/{digest.hex()}/http%3A%2F%2Ftsa.example%3A8080%2Fa%20b%3Fc%3D1%2F..%2Fx.tsr"
    )
    assert stamped(path) == (digest, URL)


@given(st.integers(0, 2**63 - 1))
def test_every_size_is_read_back(size):
    assert checkpoint_size(checkpoint_path(size)) == size


@given(st.binary(min_size=32, max_size=32), st.text(st.characters(codec="utf-8"), min_size=1, max_size=20))
def test_every_authority_is_read_back(digest, authority):
    assert stamped(token_path(digest, authority)) == (digest, authority)


def test_an_address_without_end_still_has_a_path():
    path = token_path(bytes(32), "http://tsa.example/" + "ü" * 2000)
    assert len(path.rpartition("/")[2]) <= 255
    assert stamped(path) is not None


@pytest.mark.parametrize("path", ["", "checkpoint", "void-audit/checkpoints/", "void-audit/checkpoints/01",
                                  "void-audit/checkpoints/x", "void-audit/checkpoints/1/2",
                                  "void-audit/checkpoints/99999999999999999999"])  # fmt: skip
def test_what_is_no_checkpoint(path):
    assert checkpoint_size(path) is None
    assert stamped(path) is None


@pytest.mark.parametrize("name", ["", ".tsr", "a.txt", "a/b.tsr", "a b.tsr", "x" * 300 + ".tsr"])
def test_what_is_no_time_stamp(name):
    assert stamped(f"void-audit/timestamps/{'ab' * 32}/{name}") is None
    assert stamped("void-audit/timestamps/abc/x.tsr") is None
