"""A finished edit (``finished`` of tests/audit) as it looks when outsiders have vouched for it."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tsa import Tsa

from void_audit.audit.bounds import EarlierCheckpoint
from void_audit.canon.cosignature import ED25519_COSIGNATURE, CosignerKey, cosign
from void_audit.canon.note import parse as parse_note
from void_audit.canon.timestamp import note_digest
from void_audit.errors import LedgerError
from void_audit.model.proof import TimestampToken

TSA = Tsa()
LATER = datetime(2026, 2, 1, tzinfo=UTC)
WITNESS = Ed25519PrivateKey.from_private_bytes(bytes([9]) * 32)
KEY = CosignerKey("witness.example", ED25519_COSIGNATURE, WITNESS.public_key().public_bytes_raw())
POLICY = f"witness council {KEY}\nquorum council\n"


def token(digest, when=LATER, tsa=TSA, covers="checkpoint", **changes):
    data = base64.b64encode(tsa.token(digest, when, **changes)).decode()
    return TimestampToken(covers=covers, authority="tsa.example", token=data)


def pinned(evidence, tsa_pem=TSA.root_pem, **pins):
    return replace(evidence, pins=replace(evidence.pins, tsa_pem=tsa_pem, **pins))


def inside(finished, *tokens, **fields):
    """The file carries these tokens."""
    return pinned(finished.with_ledger(timestamps=tokens, **fields))


def delivered(finished, *tokens, **fields):
    """The receipt carries these tokens."""
    evidence = finished.evidence
    receipt = evidence.receipt.model_copy(update={"timestamps": tokens, **fields})
    return pinned(replace(evidence, receipt=receipt))


def inner(finished):
    return note_digest(finished.assertion.checkpoint)


def outer(finished):
    return note_digest(finished.evidence.receipt.checkpoint)


def cosigned(note, when=LATER):
    line = cosign(parse_note(note).text, KEY, WITNESS.sign, int(when.timestamp()))
    return note + line.line()


def earlier_one(finished, size, when=LATER):
    ledger = finished.house.place.reading
    note = ledger.checkpoint_at(size)
    proof = ledger.consistency(size, finished.evidence.checkpoint.size)
    return EarlierCheckpoint(cosigned(note, when), tuple(h.hex() for h in proof))


def sizes(finished):
    """Sizes of checkpoints before and after the edit's first record."""
    first = finished.evidence.edit_entries[0].index
    ledger, known = finished.house.place.reading, []
    for size in range(1, finished.evidence.checkpoint.size + 1):
        try:
            ledger.checkpoint_at(size)
            known.append(size)
        except LedgerError:  # appending in batches leaves sizes out
            continue
    return [s for s in known if s <= first], [s for s in known if s > first]
