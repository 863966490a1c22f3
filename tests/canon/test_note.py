from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from void_audit.canon import note
from void_audit.canon.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from void_audit.canon.note import VerifierKey
from void_audit.errors import NoteError
from void_audit.identity.keys import FileSigner

LOG = FileSigner(Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32))
KEY = VerifierKey.of("log.example/1", LOG)
NOTE = sign_checkpoint(Checkpoint("log.example/1", 5, bytes(32)), LOG)


class FaultySigner(FileSigner):
    def sign(self, data: bytes) -> bytes:
        return bytes(64)


@pytest.mark.parametrize("place", range(0, len(NOTE.encode()), 3))
def test_no_byte_of_a_checkpoint_can_change(place: int) -> None:
    data = bytearray(NOTE.encode())
    data[place] ^= 0x01
    with pytest.raises(NoteError):
        open_checkpoint(bytes(data), KEY)


@given(st.binary(max_size=80))
@settings(max_examples=100)
def test_any_bytes_are_refused_with_our_error(data: bytes) -> None:
    with pytest.raises(NoteError):
        note.parse(data)


@given(st.text(max_size=60))
@settings(max_examples=100)
def test_any_vkey_is_refused_with_our_error(text: str) -> None:
    with pytest.raises(NoteError):
        VerifierKey.parse(text)


def test_a_published_vkey_is_read() -> None:
    vkey = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
    key = VerifierKey.parse(vkey)
    assert (key.name, key.key_hash.hex(), str(key)) == ("sum.golang.org", "033de0ae", vkey)


def test_a_faulty_signer_is_noticed_before_its_signature_is_used() -> None:
    with pytest.raises(NoteError) as caught:
        note.sign("text\n", "log.example/1", FaultySigner(Ed25519PrivateKey.from_private_bytes(bytes(32))))
    assert caught.value.code == "note-signature-bad"


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\nb"])
def test_a_key_has_a_usable_name(name: str) -> None:
    with pytest.raises(NoteError) as caught:
        VerifierKey.of(name, LOG)
    assert caught.value.code == "key-name"


@pytest.mark.parametrize("text", ["", "no line feed", "tab\t\n", "null\0\n"])
def test_text_that_no_note_can_hold_is_not_signed(text: str) -> None:
    with pytest.raises(NoteError) as caught:
        note.sign(text, "log.example/1", LOG)
    assert caught.value.code == "note-malformed"


def test_the_log_does_not_sign_what_it_could_not_read() -> None:
    with pytest.raises(NoteError) as caught:
        sign_checkpoint(Checkpoint("two\nlines", 1, bytes(32)), LOG)
    assert caught.value.code == "checkpoint-malformed"
