"""Certificates of a reply are put in order; nothing else is touched, and nothing that is none breaks it."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tsa import Tsa, response

from void_audit.canon.der import in_order
from void_audit.canon.timestamp import open_reply, request, verify_token
from void_audit.errors import TokenError

DIGEST = hashlib.sha256(b"a checkpoint").digest()
CHAIN = Tsa(name="Deep TSA", middle=True)
SORTED = response(CHAIN.token(DIGEST))
UNSORTED = response(CHAIN.token(DIGEST, sort=False))


def test_certificates_are_put_in_order():
    assert UNSORTED != SORTED
    assert in_order(UNSORTED) == SORTED
    assert in_order(SORTED) == SORTED


def test_an_authority_that_sends_its_chain_as_it_came_is_understood():
    asked = request(DIGEST, 7)
    token, stamp = open_reply(CHAIN.reply(asked, sort=False), DIGEST, 7, CHAIN.root_pem)
    assert verify_token(token, DIGEST, CHAIN.root_pem) == stamp
    with pytest.raises(TokenError):  # a token that is kept or shown is in its one encoding
        verify_token(CHAIN.token(DIGEST, sort=False), DIGEST, CHAIN.root_pem)


@pytest.mark.parametrize(
    "data",
    [b"", b"\x30", b"\x30\x80", b"\x30\x03\x02\x01", response(None, 2), SORTED[:-1], b"\x31" + SORTED[1:]],
)
def test_what_is_no_reply_stays_as_it_is(data):
    assert in_order(data) == data


@given(st.binary(max_size=100), st.integers(0, len(UNSORTED)))
def test_nothing_hostile_breaks_it_or_changes_its_length(junk, place):
    bent = UNSORTED[:place] + junk + UNSORTED[place + len(junk) :]
    assert sorted(in_order(bent)) == sorted(bent)
    assert sorted(in_order(junk)) == sorted(junk)


def test_every_changed_byte_is_survived():
    for place in range(len(UNSORTED)):
        for bit in (1, 0x80):
            bent = bytearray(UNSORTED)
            bent[place] ^= bit
            assert sorted(in_order(bytes(bent))) == sorted(bent)
