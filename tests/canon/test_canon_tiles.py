"""Paths and bytes of C2SP tlog-tiles, to the byte."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from void_audit.canon.tiles import (
    ENTRIES,
    MAX_BUNDLE,
    MAX_ENTRY,
    TileName,
    decode_bundle,
    decode_tile,
    encode_bundle,
    encode_tile,
    level_tiles,
    parse_path,
    tiles_at,
)
from void_audit.errors import EvidenceError

PATHS = {
    "tile/0/000": TileName(0, 0),
    "tile/0/255.p/1": TileName(0, 255, 1),
    "tile/0/999": TileName(0, 999),
    "tile/0/x001/000": TileName(0, 1000),
    "tile/0/x001/x234/067": TileName(0, 1234067),  # the example of the specification
    "tile/0/x001/x234/067.p/255": TileName(0, 1234067, 255),
    "tile/2/x999/999.p/7": TileName(2, 999999, 7),
    "tile/entries/000": TileName(ENTRIES, 0),
    "tile/entries/x001/x234/067.p/8": TileName(ENTRIES, 1234067, 8),
    "tile/7/000.p/127": TileName(7, 0, 127),
}


@pytest.mark.parametrize(("path", "name"), PATHS.items())
def test_golden_paths(path, name):
    assert name.path == path
    assert parse_path(path) == name


@pytest.mark.parametrize(
    "path",
    ["", "tile", "tile/0", "tile/0/0", "tile/0/00", "tile/0/0000", "tile/0/x000/001", "tile/0/1000", "tile/00/000",
     "tile/8/000", "tile/10/000", "tile/-1/000", "tile/0/000.p", "tile/0/000.p/", "tile/0/000.p/0", "tile/0/000.p/01",
     "tile/0/000.p/256", "tile/0/000.p/999", "tile/0/000.p/1/1", "tile/0/001/000", "tile/0/x001/x000", "/tile/0/000",
     "tile/0/000\n", "tile/0/０００", "tile/Entries/000", "tile/entries/000.tmp", "../tile/0/000",
     "tile/0/" + "x001/" * 7 + "000"],
)  # fmt: skip
def test_whatever_is_no_path_of_a_tile(path):
    assert parse_path(path) is None


@given(st.integers(0, 10**15), st.integers(ENTRIES, 7), st.integers(1, 256))
def test_every_name_is_read_back(number, level, width):
    name = TileName(level, number, width)
    assert parse_path(name.path) == name


def test_the_tiles_of_the_specifications_example():
    """ "A tree of size 70,000 will be represented by 273 full level 0 tiles, one partial ... of width 112 ..."."""
    names = list(tiles_at(70_000))
    assert len(set(names)) == len(names) == 2 * 274 + 2 + 1
    by_level = {level: [n for n in names if n.level == level] for level in range(ENTRIES, 4)}
    assert [len(by_level[level]) for level in range(ENTRIES, 4)] == [274, 274, 2, 1, 0]
    assert by_level[0][-1] == TileName(0, 273, 112)
    assert by_level[1] == [TileName(1, 0), TileName(1, 1, 17)]
    assert by_level[2] == [TileName(2, 0, 1)]
    assert [n.path for n in tiles_at(256)] == ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]
    assert list(tiles_at(0)) == []


@given(st.integers(0, 5000), st.integers(0, 5000), st.integers(ENTRIES, 3))
def test_what_a_growing_log_adds(one, other, level):
    start, size = sorted((one, other))
    before, after = set(level_tiles(level, 0, start)), set(level_tiles(level, 0, size))
    assert set(level_tiles(level, start, size)) == after - before


def test_golden_bytes_of_a_bundle():
    assert encode_bundle([b"a", b"bcd", b"\0" * 256]).hex() == "000161" + "0003626364" + "0100" + "00" * 256
    assert decode_bundle(bytes.fromhex("0001610003626364"), 2) == [b"a", b"bcd"]
    assert TileName(ENTRIES, 0).max_bytes == MAX_BUNDLE == 256 * 65537


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=256))
def test_bundles_are_read_back(entries):
    assert decode_bundle(encode_bundle(entries), len(entries)) == entries


def test_the_longest_entry():
    entry = b"x" * MAX_ENTRY
    assert decode_bundle(encode_bundle([entry]), 1) == [entry]


@pytest.mark.parametrize("entries", [[], [b""], [b"a", b""], [b"x" * (MAX_ENTRY + 1)], [b"a"] * 257])
def test_what_no_bundle_can_hold(entries):
    with pytest.raises(EvidenceError) as caught:
        encode_bundle(entries)
    assert caught.value.code == "bundle-malformed"


@pytest.mark.parametrize(
    ("data", "count"),
    [(b"", 1), (b"\0", 1), (b"\0\1", 1), (b"\0\0", 1), (b"\0\2a", 1), (b"\0\1ab", 1), (b"\0\1a", 2), (b"\0\1a\0\1b", 1),
     (b"\0\1a\0\0", 2), (b"\xff\xffa", 1)],
)  # fmt: skip
def test_bundles_that_are_damaged(data, count):
    with pytest.raises(EvidenceError) as caught:
        decode_bundle(data, count)
    assert caught.value.code == "bundle-malformed"


def test_tiles_are_hashes_one_after_the_other():
    hashes = [hashlib.sha256(bytes([n])).digest() for n in range(256)]
    assert encode_tile(hashes) == b"".join(hashes)
    assert decode_tile(b"".join(hashes), 256) == hashes
    for wrong in ([], [b"short"], hashes + hashes[:1]):
        with pytest.raises(EvidenceError) as caught:
            encode_tile(wrong)
        assert caught.value.code == "tile-malformed"
    for width, size in ((1, 31), (1, 33), (2, 32), (256, 8191)):
        with pytest.raises(EvidenceError):
            decode_tile(bytes(size), width)


def test_the_fullest_and_the_emptiest():
    assert len(decode_bundle(encode_bundle([b"a"] * 256), 256)) == 256
    assert decode_tile(encode_tile([bytes(32)]), 1) == [bytes(32)]
