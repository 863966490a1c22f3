from __future__ import annotations

import json
from typing import Any, ClassVar

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from void_audit.canon import statement
from void_audit.canon.dsse import Envelope, Signature, seal
from void_audit.canon.statement import decode, encode, read_entry
from void_audit.errors import EnvelopeError
from void_audit.identity.keys import FileSigner
from void_audit.model.base import BlobRef
from void_audit.model.engine import EngineInfo, RunFacts
from void_audit.model.records import PREDICATES, Approval, Kind, PassRecord, Statement, Subject

ALICE = FileSigner(Ed25519PrivateKey.from_private_bytes(bytes([7]) * 32))
APPROVAL = Statement(
    subjects=(Subject(name="plan", digest={"sha256": "ab" * 32}),),
    predicate=Approval(claimed_time="2026-01-02T03:04:05Z", edit="e1", plan="ab" * 32),
)


def changed(**fields: Any) -> bytes:
    return json.dumps({**json.loads(encode(APPROVAL)), **fields}).encode()


def test_a_statement_survives_encoding() -> None:
    assert decode(encode(APPROVAL)) == APPROVAL


def test_numbers_and_tuples_survive_encoding() -> None:
    engine = EngineInfo(name="propagate", version="1", kind="classical", description="d")
    take = BlobRef(sha256="cd" * 32, size=2**40, media_type="video/x-matroska")
    record = PassRecord(
        claimed_time="t", edit="e1", number=2, plan="ab" * 32, engine=engine, take=take,
        statistics={"whole": 2.0, "huge": 2.0**70, "tiny": 1e-300}, warnings=("a", "ö"),
        execution={"device": "cpu"}, run=RunFacts(device="cpu", wall_seconds=0.0),
    )  # fmt: skip
    whole = Statement(subjects=(), predicate=record)
    assert decode(encode(whole)) == whole
    assert encode(decode(encode(whole))) == encode(whole)


def test_a_pass_of_version_1_said_nothing_of_its_execution() -> None:
    engine = EngineInfo(name="propagate", version="1", kind="classical", description="d")
    take = BlobRef(sha256="cd" * 32, size=7, media_type="video/x-matroska")
    record = PassRecord(
        claimed_time="t", edit="e1", number=1, plan="ab" * 32, engine=engine, take=take, statistics={},
        warnings=(), execution={}, run=RunFacts(device="cpu", wall_seconds=0.0),
    )  # fmt: skip
    whole = Statement(subjects=(), predicate=record)
    old = json.loads(encode(whole))
    del old["predicate"]["execution"]
    with pytest.raises(EnvelopeError):
        decode(json.dumps(old).encode())
    old["predicateType"] = old["predicateType"].replace("/v2", "/v1")
    assert decode(json.dumps(old).encode()) == whole


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"_type": "https://in-toto.io/Statement/v0.1"}, "statement-malformed"),
        ({"note": 1}, "statement-malformed"),
        ({"subject": {}}, "statement-malformed"),
        ({"predicate": []}, "statement-malformed"),
        ({"predicateType": 3}, "record-kind-unknown"),
        ({"predicateType": "https://voidaudit.org/records/approval"}, "record-kind-unknown"),
        ({"predicateType": "https://voidaudit.org/records/approval/v1/"}, "record-kind-unknown"),
        ({"predicateType": "https://evil.org/records/approval/v1"}, "record-kind-unknown"),
        ({"predicateType": "https://voidaudit.org/records/approval/v01"}, "record-kind-unknown"),
        ({"predicateType": "https://voidaudit.org/records/nothing/v1"}, "record-kind-unknown"),
        ({"predicateType": "https://voidaudit.org/records/approval/v2"}, "record-version-unknown"),
        ({"predicateType": "https://voidaudit.org/records/source/v1"}, "record-malformed"),
        ({"subject": [{"name": "plan", "digest": {"md5": "ab" * 16}}]}, "record-malformed"),
        ({"subject": [{"name": "plan", "digest": {"sha256": "AB" * 32}}]}, "record-malformed"),
        ({"subject": ["plan"]}, "record-malformed"),
        ({"predicate": {"claimed_time": "t", "edit": 1, "plan": "ab" * 32}}, "record-malformed"),
    ],
)
def test_anything_else_is_refused(fields: dict[str, Any], code: str) -> None:
    with pytest.raises(EnvelopeError) as caught:
        decode(changed(**fields))
    assert caught.value.code == code


class NewerApproval(Approval):
    """A later schema: it asks for a reason."""

    version: ClassVar[int] = 3
    reason: str


def why_to_reason(old: dict[str, Any]) -> dict[str, Any]:
    return {**{k: v for k, v in old.items() if k != "why"}, "reason": old["why"]}


def test_an_upgrade_that_fails_on_a_hostile_record_is_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PREDICATES, Kind.APPROVAL, NewerApproval)
    for step in (1, 2):
        monkeypatch.setitem(statement.UPGRADES, (Kind.APPROVAL, step), why_to_reason)
    with pytest.raises(EnvelopeError) as caught:
        decode(encode(APPROVAL))
    assert caught.value.code == "record-malformed"


def test_older_records_are_upgraded_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PREDICATES, Kind.APPROVAL, NewerApproval)
    monkeypatch.setitem(statement.UPGRADES, (Kind.APPROVAL, 1), lambda old: {**old, "why": "none given"})
    with pytest.raises(EnvelopeError) as caught:
        decode(encode(APPROVAL))
    assert caught.value.code == "record-version-unknown"
    monkeypatch.setitem(statement.UPGRADES, (Kind.APPROVAL, 2), why_to_reason)
    assert decode(encode(APPROVAL)).predicate.reason == "none given"  # type: ignore[attr-defined]


def test_an_entry_of_another_payload_type_is_none() -> None:
    envelope = Envelope.parse(seal(encode(APPROVAL), [ALICE]))
    other = Envelope(envelope.payload, "application/json", (Signature(ALICE.key_id, b"s"),))
    with pytest.raises(EnvelopeError) as caught:
        read_entry(0, other.to_bytes())
    assert caught.value.code == "payload-type"


def test_no_message_repeats_a_hostile_value_at_length() -> None:
    with pytest.raises(EnvelopeError) as caught:
        decode(changed(predicateType="x" * 30_000))
    assert len(str(caught.value)) < 1000
