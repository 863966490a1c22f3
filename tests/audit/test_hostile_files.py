"""Reading a file never raises for what the file says: what is broken is a reason in words, and never green."""

from __future__ import annotations

import base64
import json
import os
import random
import shutil

import pytest
from clips import cut_off
from honest import Honest
from pydantic import ValidationError

from void_audit.audit.evidence import MAX_RECEIPT, Pins, gather, parse
from void_audit.audit.verify import verify
from void_audit.canon import dsse, jcs
from void_audit.errors import IdentityError, InputError, StorageError
from void_audit.model.base import BlobRef
from void_audit.model.proof import LedgerAssertion
from void_audit.model.report import Report, State

FLIPS = 24


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return Honest.make(tmp_path_factory.mktemp("honest"))


def failed(report: Report) -> set[int]:
    return {int(f.obligation) for f in report.findings if f.state is State.FAIL}


def test_an_honest_file(finished):
    found = gather(finished.path, finished.pins, finished.source, None)
    assert found.unreadable == found.not_included == found.bad_signatures == ()
    assert found.order_problem is found.approval_problem is None
    assert found.receipt is not None
    assert found.checkpoint.size == found.assertion.records[-1].index + 1
    assert found.subject("source", "source") == found.source_sha256
    assert found.subject("nothing", "source") is None
    assert found.subject("source", "nothing") is None
    assert verify(finished.path, finished.pins, finished.source).exit_code == 0


class TestFilesOfAnyKind:
    @pytest.mark.parametrize(
        "content",
        [b"", b"\0", b"garbage" * 100, b"\0\0\0\x18ftypmp42", b"\0\0\0\0ftypmp42", b"\x1aE\xdf\xa3" + b"\xff" * 64,
         b"\xff\xd8\xff\xe0" + b"\0" * 64, b"%PDF-1.7\n", b"\x89PNG\r\n\x1a\n", b"RIFF\xff\xff\xff\xffAVI "],
        ids=range(10),
    )  # fmt: skip
    @pytest.mark.parametrize("sidecar", [None, b"", b"garbage", b"\0\0\0\x10jumb\0\0\0\x08jumd"])
    def test_a_report_and_never_green(self, finished, tmp_path, content, sidecar):
        path = tmp_path / "file.mp4"
        path.write_bytes(content)
        if sidecar is not None:
            path.with_suffix(".c2pa").write_bytes(sidecar)
        report = verify(path, finished.pins, finished.source)
        assert len(report.findings) == 15
        assert report.exit_code in {1, 3}

    @pytest.mark.parametrize("share", [0.0, 0.01, 0.2, 0.5, 0.9, 0.999])
    def test_truncated(self, finished, tmp_path, share):
        path = tmp_path / "file.mp4"
        shutil.copy(finished.path, path)
        shutil.copy(finished.receipt, tmp_path / "file.mp4.receipt")
        report = verify(cut_off(path, share), finished.pins, finished.source)
        assert report.exit_code in {1, 3}

    @pytest.mark.parametrize("name", ["nowhere.mp4", "folder", ".", "/", ""])
    def test_no_file(self, finished, tmp_path, name, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "folder").mkdir()
        for arguments in ((tmp_path / name, None), (finished.path, tmp_path / name)):
            with pytest.raises(StorageError) as caught:
                verify(arguments[0], finished.pins, arguments[1])
            assert caught.value.code == "file-unreadable"

    def test_a_source_that_is_no_video(self, finished, tmp_path):
        path = tmp_path / "source"
        path.write_bytes(b"no video")
        report = verify(finished.path, finished.pins, path)
        assert failed(report) == {3}


class TestFlippedBytes:
    """Any single byte of the finished file, and any end of it: a report, and never exit code 0."""

    def test_flips_and_cuts(self, finished, tmp_path):
        data, chance = finished.path.read_bytes(), random.Random(7)
        path = tmp_path / "clean.mp4"
        shutil.copy(finished.receipt, tmp_path / "clean.mp4.receipt")
        places = [chance.randrange(len(data)) for _ in range(FLIPS)] + list(range(4, 64, 12))
        for place in places:
            changed = bytearray(data)
            changed[place] ^= 1 << chance.randrange(8)
            path.write_bytes(changed)
            assert verify(path, finished.pins).exit_code != 0, place
        for _ in range(FLIPS // 4):
            length = chance.randrange(len(data))
            path.write_bytes(data[:length])
            assert verify(path, finished.pins).exit_code != 0, length

    @pytest.mark.slow
    def test_many_more(self, finished, tmp_path):
        data, chance = finished.path.read_bytes(), random.Random(8)
        path = tmp_path / "clean.mp4"
        shutil.copy(finished.receipt, tmp_path / "clean.mp4.receipt")
        for place in range(0, len(data), max(1, len(data) // 400)):
            changed = bytearray(data)
            changed[place] = chance.choice([b for b in range(256) if b != data[place]])
            path.write_bytes(changed)
            assert verify(path, finished.pins).exit_code != 0, place


class TestReceipts:
    """Beside the file lies whatever somebody put there."""

    @pytest.mark.parametrize(
        "content",
        [b"", b"{", b"null", b"[]", b"\xff\xfe", b"{" * 100_000, b'{"format": "void-audit-receipt/v1"}',
         b'{"entry": 5}', b" " * (MAX_RECEIPT + 10)],
        ids=range(9),
    )  # fmt: skip
    def test_that_are_none(self, finished, tmp_path, content):
        path = tmp_path / "receipt"
        path.write_bytes(content)
        found = gather(finished.path, finished.pins, None, path)
        assert found.receipt is None
        assert "is not a receipt" in found.receipt_problem
        report = verify(finished.path, finished.pins, None, path)
        assert failed(report) == set()
        assert report.findings[2].state is State.UNKNOWN

    @pytest.mark.parametrize("kind", ["folder", "nothing", "pipe"])
    def test_that_are_no_file(self, finished, tmp_path, kind):
        path = tmp_path / "receipt"
        if kind == "folder":
            path.mkdir()
        if kind == "pipe":
            os.mkfifo(path)  # reading it would wait for ever
        assert gather(finished.path, finished.pins, None, path).receipt is None

    @pytest.mark.parametrize(
        "change",
        [
            lambda r: r["entry"].update(envelope="not base64!"),
            lambda r: r["entry"].update(envelope=""),
            lambda r: r["entry"].update(envelope=base64.b64encode(b"{}").decode()),
            lambda r: r["entry"].update(index=2**70),
            lambda r: r["entry"].update(index=0),
            lambda r: r["entry"].update(proof=[]),
            lambda r: r["entry"].update(proof=["0" * 64] * 63),
            lambda r: r.update(checkpoint=""),
            lambda r: r.update(checkpoint="a\n1\nAAAA\n\n\u2014 a AAAA\n"),
            lambda r: r.update(consistency=["0" * 64] * 63),
            lambda r: r.update(consistency=[]),
        ],
        ids=range(11),
    )
    def test_that_do_not_hold(self, finished, tmp_path, change):
        receipt = json.loads(finished.receipt.read_bytes())
        change(receipt)
        path = tmp_path / "receipt"
        path.write_text(json.dumps(receipt))
        assert failed(verify(finished.path, finished.pins, None, path)) == {2}


class TestPins:
    @pytest.mark.parametrize(
        "pem", ["", "not PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
    )
    def test_roots_that_are_none(self, finished, pem):
        with pytest.raises(IdentityError) as caught:
            verify(finished.path, Pins(pem, finished.pins.log_vkey))
        assert caught.value.code == "trust-unreadable"

    @pytest.mark.parametrize("key", ["nonsense", "a+b+c", "\x00", "a+00000000+AAAA", "\ud800+00000000+AQ=="])
    def test_log_keys_that_are_none(self, finished, key):
        with pytest.raises(IdentityError) as caught:
            verify(finished.path, Pins(finished.pins.trust_pem, key))
        assert caught.value.code == "log-key-unreadable"


def resigned(record, **fields):
    """A logged entry whose envelope says other things; its signatures and proof are what they were."""
    envelope = json.loads(base64.b64decode(record.envelope))
    statement = json.loads(base64.b64decode(envelope["payload"]))
    statement.update(fields)
    envelope["payload"] = base64.b64encode(jcs.canonical(statement)).decode()
    return record.model_copy(update={"envelope": base64.b64encode(jcs.canonical(envelope)).decode()})


class TestHostileRecords:
    """An assertion of the right form that holds anything: told by whoever made the file, before any check."""

    def told(self, finished, **fields):
        return finished.report(ledger=finished.assertion.model_copy(update=fields))

    def with_last(self, finished, record):
        return self.told(finished, records=(*finished.assertion.records[:-1], record))

    @pytest.mark.parametrize(
        "envelope",
        ["", "!", "\u20ac", "AAAA", base64.b64encode(b"{}").decode(), base64.b64encode(b"[" * 50_000).decode(),
         base64.b64encode(b'{"payload":"","payloadType":"x","signatures":[]}').decode()],
        ids=range(7),
    )  # fmt: skip
    def test_an_envelope_that_is_none(self, finished, envelope):
        record = finished.assertion.records[-1].model_copy(update={"envelope": envelope})
        assert 4 in failed(self.with_last(finished, record))

    @pytest.mark.parametrize(
        "fields",
        [
            {"subject": []},
            {"subject": [{"name": "output", "digest": {}}]},
            {"subject": [{"name": "output", "digest": {"md5": "0"}}]},
            {"subject": [{"name": "\x1b[31m", "digest": {"sha256": "0" * 64}}] * 50},
            {"predicate": {}},
            {"predicateType": "https://voidaudit.org/records/override/v1"},
            {"predicateType": "https://voidaudit.org/records/intent/v9"},
            {"_type": "https://in-toto.io/Statement/v0.1"},
            {"extra": True},
        ],
        ids=range(9),
    )
    def test_a_statement_that_says_other_things(self, finished, fields):
        for number in (-1, -2, -6):
            record = resigned(finished.assertion.records[number], **fields)
            records = list(finished.assertion.records)
            records[number] = record
            report = self.told(finished, records=tuple(records))
            assert {4, 5} & failed(report)
            assert report.exit_code == 1

    def test_an_index_that_no_log_reaches(self, finished):
        record = finished.assertion.records[-1].model_copy(update={"index": 2**200})
        assert 5 in failed(self.with_last(finished, record))

    def test_no_records_at_all(self, finished):
        assert self.told(finished, records=()).exit_code != 0

    def test_the_same_record_twice(self, finished):
        records = (*finished.assertion.records, finished.assertion.records[-1])
        assert failed(self.told(finished, records=records)) == {7}

    @pytest.mark.parametrize("kind", ["approval", "plan", "policy-decision", "key-event", "pass"])
    def test_any_record_twice(self, finished, kind):
        """Also of the kinds that the lifecycle lets follow themselves."""
        twice = next(r for r in finished.assertion.records if parse(r).statement.kind == kind)
        report = self.told(finished, records=(*finished.assertion.records, twice))
        assert {4, 7} & failed(report)

    def test_the_order_of_the_list_does_not_matter(self, finished):
        assert failed(self.told(finished, records=finished.assertion.records[::-1])) == set()

    @pytest.mark.parametrize(
        "note", ["", "\n", "x" * 90_000, "a\n-1\nAAAA\n\n\u2014 a AAAA\n", "\ud83d\ude00"]
    )
    def test_a_checkpoint_that_is_none(self, finished, note):
        assert 5 in failed(self.told(finished, checkpoint=note))

    def test_another_edits_name(self, finished):
        assert 7 in failed(self.told(finished, edit="another"))

    @pytest.mark.parametrize("stored", ["", "!", "AAAA", "\u20ac"])
    def test_evidence_that_is_not_what_its_digest_says(self, finished, stored):
        evidence = dict.fromkeys(finished.assertion.evidence, stored)
        report = self.told(finished, evidence=evidence)
        assert report.exit_code != 0
        found = finished.gather(ledger=finished.assertion.model_copy(update={"evidence": evidence}))
        digest = next(iter(evidence))
        assert found.stored(digest) is None
        assert found.blob(BlobRef(sha256=digest, size=1, media_type="x", salted=True)) is None

    @pytest.mark.parametrize("mask", [b"", b"garbage", b"\x1aE\xdf\xa3" + b"\xff" * 100])
    def test_a_mask_that_is_none(self, finished, mask):
        assert 10 in failed(finished.report(embedded={**finished.manifest.embedded, "quadmask.mkv": mask}))

    def test_claims_of_a_manifest_that_is_empty(self, finished):
        report = finished.report(ledger=None, embedded={}, ingredients=(), actions=())
        assert report.exit_code == 3 or failed(report)

    def test_records_signed_by_a_key_that_nobody_enrolled(self, finished, tmp_path):
        from void_audit.identity.keys import create  # noqa: PLC0415

        stranger = create(tmp_path / "stranger.pem", None)
        envelope = dsse.Envelope.parse(base64.b64decode(finished.assertion.records[-1].envelope))
        forged = base64.b64encode(dsse.seal(envelope.payload, [stranger])).decode()
        record = finished.assertion.records[-1].model_copy(update={"envelope": forged})
        assert {4, 5} <= failed(self.with_last(finished, record))


def places(value, path=()):
    """Every place in a JSON value."""
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*path, key))
    elif isinstance(value, list):
        for number in range(min(len(value), 40)):
            yield from places(value[number], (*path, number))


ODD = (
    None,
    True,
    0,
    -1,
    2**63,
    1.5,
    1e308,
    "",
    "0" * 64,
    "\u20ac\x00\n",
    "x" * 5000,
    [],
    {},
    [0],
    {"a": None},
    [[[]]],
)
"""What is put in place of something; none of them is what an honest file holds anywhere but by chance."""


def bent(value, chance: random.Random):
    """A JSON value with something odd in one place of it; and where."""
    whole = json.loads(json.dumps(value))
    path = chance.choice([p for p in places(whole) if p])
    holder, odd = whole, chance.choice(ODD)
    for key in path[:-1]:
        holder = holder[key]
    changed = holder[path[-1]] != odd
    holder[path[-1]] = odd
    return whole, f"{path} = {str(odd)[:40]}", changed


@pytest.mark.parametrize("seed", range(3))
def test_statements_with_anything_anywhere(finished, seed):
    """One value inside one signed statement is replaced: the signature no longer holds, and nothing raises."""
    chance = random.Random(seed)
    for _ in range(12):
        records = list(finished.assertion.records)
        number = chance.randrange(len(records))
        envelope = json.loads(base64.b64decode(records[number].envelope))
        statement, where, changed = bent(json.loads(base64.b64decode(envelope["payload"])), chance)
        if not changed:
            continue
        try:
            payload = jcs.canonical(statement)
        except InputError:  # no JSON in the sense of RFC 8785, so it cannot be in an envelope
            continue
        envelope["payload"] = base64.b64encode(payload).decode()
        text = base64.b64encode(jcs.canonical(envelope)).decode()[:90_000]
        records[number] = records[number].model_copy(update={"envelope": text})
        report = finished.report(ledger=finished.assertion.model_copy(update={"records": tuple(records)}))
        assert report.exit_code == 1, where
        assert 5 in failed(report), where


@pytest.mark.parametrize("seed", range(3))
def test_assertions_with_anything_anywhere(finished, seed):
    """Whatever of it still has the form of an assertion is judged without raising, and is not green."""
    chance, judged = random.Random(seed), 0
    whole = json.loads(finished.assertion.model_dump_json())
    while judged < 8:
        told, where, changed = bent(whole, chance)
        try:
            ledger = LedgerAssertion.model_validate_json(json.dumps(told))
        except ValidationError:
            continue
        judged += 1
        report = finished.report(ledger=ledger)
        words = ("('format'", "('disclaimer'", "('origin'")  # the checkpoint says which log it is
        assert report.exit_code != 0 or where.startswith(words) or not changed, where
