"""Besides the vectors: what a signer is kept from signing, and that no byte of a note can be changed."""

from __future__ import annotations

import contextlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from void_audit.canon import note as notes
from void_audit.canon.checkpoint import MAX_SIZE, Checkpoint, open_checkpoint, parse_text, sign_checkpoint
from void_audit.canon.note import VerifierKey
from void_audit.errors import NoteError
from void_audit.identity.keys import FileSigner

ORIGIN = "newsroom.example/void-audit/1"
SIGNER, WITNESS = (FileSigner(Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32)) for n in (1, 2))
LOG = VerifierKey.of(ORIGIN, SIGNER)
CHECKPOINT = Checkpoint(ORIGIN, 40, bytes(range(32)))

LINES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
CHECKPOINTS = st.builds(
    Checkpoint,
    LINES,
    st.integers(0, MAX_SIZE),
    st.binary(min_size=32, max_size=32),
    st.lists(LINES, max_size=2).map(tuple),
)


@given(CHECKPOINTS)
@settings(max_examples=60)
def test_the_text_says_all_of_it(checkpoint: Checkpoint) -> None:
    assert parse_text(checkpoint.text) == checkpoint


@given(st.text(max_size=40) | CHECKPOINTS.map(lambda c: c.text[:-1] + " \n"))
@settings(max_examples=80)
def test_any_other_text_is_refused_with_our_error(text: str) -> None:
    with contextlib.suppress(NoteError):
        assert parse_text(text).text == text


@pytest.mark.parametrize("size", [0, MAX_SIZE])
def test_what_is_signed_is_opened_from_text_and_bytes(size: int) -> None:
    checkpoint = Checkpoint(ORIGIN, size, bytes(32), ("an extension", "another"))
    note = sign_checkpoint(checkpoint, SIGNER)
    assert open_checkpoint(note, LOG) == open_checkpoint(note.encode(), LOG) == checkpoint


@pytest.mark.parametrize(
    ("checkpoint", "code"),
    [
        (Checkpoint(ORIGIN, MAX_SIZE + 1, bytes(32)), "checkpoint-malformed"),
        (Checkpoint(ORIGIN, -1, bytes(32)), "checkpoint-malformed"),
        (Checkpoint(ORIGIN, 1, bytes(33)), "checkpoint-malformed"),
        (Checkpoint("", 1, bytes(32)), "checkpoint-malformed"),
        (Checkpoint(f"{ORIGIN}\n99", 1, bytes(32)), "checkpoint-malformed"),
        (Checkpoint(ORIGIN, 1, bytes(32), ("",)), "checkpoint-malformed"),
        (Checkpoint("two words", 1, bytes(32)), "key-name"),
        (Checkpoint("half\ud800", 1, bytes(32)), "note-malformed"),
        (Checkpoint(ORIGIN, 1, bytes(32), ("half \udcff",)), "note-malformed"),
        (Checkpoint(ORIGIN, 1, bytes(32), ("a\tb",)), "note-malformed"),
    ],
)
def test_what_could_not_be_read_back_is_not_signed(checkpoint: Checkpoint, code: str) -> None:
    with pytest.raises(NoteError) as caught:
        sign_checkpoint(checkpoint, SIGNER)
    assert caught.value.code == code


def test_a_line_feed_does_not_smuggle_in_another_checkpoint() -> None:
    """Read back, the first would be of 99 entries; the second would have two extensions."""
    root = Checkpoint("", 0, bytes(32)).text.split("\n")[2]
    for checkpoint in (
        Checkpoint(f"{ORIGIN}\n99\n{root}", 1, bytes(32)),
        Checkpoint(ORIGIN, 1, bytes(32), ("one\ntwo",)),
    ):
        assert parse_text(checkpoint.text) != checkpoint
        with pytest.raises(NoteError) as caught:
            sign_checkpoint(checkpoint, SIGNER)
        assert caught.value.code == "checkpoint-malformed"


def test_no_byte_of_a_note_can_be_changed_or_left_out() -> None:
    note = sign_checkpoint(CHECKPOINT, SIGNER).encode()
    for place in range(len(note)):
        for forged in (
            note[:place] + bytes([note[place] ^ 1]) + note[place + 1 :],
            note[:place] + note[place + 1 :],
        ):
            with pytest.raises(NoteError):
                open_checkpoint(forged, LOG)


def test_another_key_under_the_same_name_opens_nothing() -> None:
    with pytest.raises(NoteError) as caught:
        open_checkpoint(sign_checkpoint(CHECKPOINT, WITNESS), LOG)
    assert caught.value.code == "note-unsigned"


def test_the_signature_of_another_checkpoint_does_not_carry_over() -> None:
    old = sign_checkpoint(CHECKPOINT, SIGNER)
    grown = Checkpoint(ORIGIN, 41, CHECKPOINT.root)
    with pytest.raises(NoteError) as caught:
        open_checkpoint(grown.text + old.removeprefix(CHECKPOINT.text), LOG)
    assert caught.value.code == "note-signature-bad"


def test_a_witness_may_sign_beside_the_log_but_not_instead_of_it() -> None:
    by_witness = notes.sign(CHECKPOINT.text, "witness.example", WITNESS)
    with pytest.raises(NoteError) as caught:
        open_checkpoint(str(by_witness), LOG)
    assert caught.value.code == "note-unsigned"
    both = sign_checkpoint(CHECKPOINT, SIGNER) + by_witness.signatures[0].line()
    assert open_checkpoint(both, LOG) == CHECKPOINT
