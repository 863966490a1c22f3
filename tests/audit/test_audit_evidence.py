"""What is gathered: blobs count under their own digest only, and what is not there is said to be so."""

import base64
import shutil
from dataclasses import replace

import pytest
from bundled import bundled

from void_audit.audit.evidence import MAX_RECEIPT, SALT, Pins, gather, gathered, open_pinned, parse
from void_audit.audit.verify import verify
from void_audit.canon.hashing import sha256_hex
from void_audit.errors import IdentityError, NoteError, StorageError
from void_audit.model.base import BlobRef
from void_audit.model.report import State


def ref(data, salted=False):
    return BlobRef(sha256=sha256_hex(data), size=len(data), media_type="text/plain", salted=salted)


# --- blobs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("salted", [True, False])
def test_the_salt_is_part_of_the_digest_and_not_of_the_content(finished, salted):
    data = bytes(SALT) + b"content"
    _, evidence = finished.with_blob(data)
    assert evidence.blob(ref(data, salted)) == (b"content" if salted else data)
    assert evidence.stored(sha256_hex(data)) == data


def test_a_blob_that_is_only_part_of_a_salt_is_empty(finished):
    _, evidence = finished.with_blob(b"short")
    assert evidence.blob(ref(b"short", salted=True)) == b""


@pytest.mark.parametrize("text", ["", "!", "Zm9v", "Zm9v\n", "=" * 9, "\u20ac"])
def test_bytes_under_anothers_digest_are_not_there(finished, text):
    digest = sha256_hex(b"what was recorded")
    evidence = finished.with_ledger(evidence={digest: text})
    assert evidence.stored(digest) is None
    assert evidence.blob(ref(b"what was recorded")) is None


def test_a_file_without_records_carries_nothing(nothing):
    assert nothing.assertion is None
    assert nothing.entries == nothing.edit_entries == nothing.unreadable == ()
    assert nothing.stored("0" * 64) is None
    assert nothing.subject("source", "source") is None
    assert nothing.checkpoint_problem
    assert nothing.receipt_problem


def test_the_newest_record_of_a_kind_names_the_artifact(finished):
    last = finished.evidence.edit_entries[-1]
    earlier = next(e for e in finished.evidence.edit_entries if e.statement.kind == last.statement.kind)
    named = {s.name: s.digest["sha256"] for s in last.statement.subjects}
    assert named["facts"] != earlier.statement.subjects[0].digest["sha256"]
    assert finished.evidence.subject(str(last.statement.kind), "facts") == named["facts"]


# --- files -----------------------------------------------------------------------------------------


def test_a_folder_a_missing_file_and_an_unreadable_name_are_errors_of_ours(finished, tmp_path):
    for path in (tmp_path, tmp_path / "nowhere.mp4", tmp_path / ("x" * 300)):
        with pytest.raises(StorageError, match="cannot be read"):
            gather(path, finished.pins, None, None)
        with pytest.raises(StorageError, match="cannot be read"):
            gather(finished.path, finished.pins, path, None)


def test_the_file_comes_before_the_pins(tmp_path):
    """Whoever mistypes a name is not told of keys."""
    with pytest.raises(StorageError):
        gather(tmp_path / "nowhere.mp4", Pins("no pem", "no key"), None, None)


@pytest.mark.parametrize(
    ("pins", "code"),
    [
        (Pins(log_vkey="no key"), "log-key-unreadable"),
        (Pins(log_vkey="\x00+00000000+AA=="), "log-key-unreadable"),
        (Pins(trust_pem="no pem"), "trust-unreadable"),
    ],
)
def test_pins_that_are_none_are_refused_even_where_nothing_needs_them(finished, nothing, pins, code):
    for path in (finished.path, nothing.file):
        with pytest.raises(IdentityError) as caught:
            gather(path, pins, None, None)
        assert caught.value.code == code
        assert caught.value.hint


def test_without_pins_everything_is_read_and_nothing_is_believed(finished):
    evidence = gather(finished.path, Pins(), None, None)
    assert evidence.entries == finished.evidence.entries
    assert evidence.checkpoint is None
    assert "no log key is pinned" in evidence.checkpoint_problem
    report = verify(finished.path, Pins())
    assert report.exit_code == 3
    for finding in report.findings[1:6]:
        assert finding.state is not State.PASS or finding.obligation == 3


def test_a_key_of_another_log_opens_nothing(finished):
    other = finished.pins.log_vkey.replace("planet", "planed", 1)
    with pytest.raises(NoteError):
        open_pinned(finished.assertion.checkpoint, replace(finished.pins, log_vkey=other))
    assert open_pinned(finished.assertion.checkpoint, finished.pins).size == len(finished.assertion.records)


def test_parsing_says_nothing_of_the_place_in_the_log(finished):
    logged = finished.assertion.records[0].model_copy(update={"index": 999, "proof": ()})
    assert parse(logged).index == 999
    assert parse(logged).leaf_hash == finished.evidence.entries[0].leaf_hash


# --- receipts --------------------------------------------------------------------------------------


def test_a_receipt_that_is_not_there_is_not_one_that_cannot_be_read(finished, tmp_path):
    missing = gather(finished.path, finished.pins, None, tmp_path / "a.receipt").receipt_problem
    folder = gather(finished.path, finished.pins, None, tmp_path).receipt_problem
    assert "no a.receipt" in missing
    assert "there is no" not in folder
    assert tmp_path.name in folder


def test_a_receipt_padded_beyond_all_bounds_is_none(finished, tmp_path):
    """Its beginning would parse: only all of it counts."""
    path = tmp_path / "padded"
    whole = finished.receipt.read_bytes()
    for padding in (b" " * MAX_RECEIPT, b" " * MAX_RECEIPT + b"garbage"):
        path.write_bytes(whole + padding)
        found = gather(finished.path, finished.pins, None, path)
        assert found.receipt is None
        assert "padded is not a receipt" in found.receipt_problem
    path.write_bytes(whole + b" " * 100)
    assert gather(finished.path, finished.pins, None, path).receipt == finished.evidence.receipt


def test_a_receipt_through_a_link_is_the_receipt(finished, tmp_path):
    path = tmp_path / "linked"
    path.symlink_to(finished.receipt)
    assert gather(finished.path, finished.pins, None, path).receipt == finished.evidence.receipt


def test_a_bundle_without_video_has_nothing_that_a_receipt_could_be_of(finished, tmp_path):
    path = bundled(finished.house, finished.edit, tmp_path / "x.zip", media=False).path
    with gathered(path, finished.pins, None, finished.receipt) as evidence:
        assert evidence.receipt is None
        assert "no video" in evidence.receipt_problem
        assert not evidence.has_video


def test_a_bundle_is_gathered_as_its_file_is(finished, tmp_path):
    path = bundled(finished.house, finished.edit, tmp_path / "x.zip", media=True).path
    with gathered(path, finished.pins, finished.source, None) as evidence:
        assert evidence.sha256 == finished.evidence.sha256
        assert evidence.edit_entries[:-1] == finished.evidence.edit_entries
        assert evidence.file_checkpoint == finished.evidence.checkpoint
        assert evidence.checkpoint.size == evidence.file_checkpoint.size + 1
        assert evidence.state.last == "seal"
        assert evidence.receipt.entry.index == evidence.edit_entries[-1].index
        assert not evidence.disagreements
        for digest in finished.assertion.evidence:
            assert evidence.stored(digest) == finished.evidence.stored(digest)
    with gathered(finished.path, finished.pins, finished.source, None) as evidence:
        assert evidence.entries == finished.evidence.entries


# --- records ---------------------------------------------------------------------------------------


def test_records_that_cannot_be_read_leave_the_others_readable(finished):
    records = list(finished.assertion.records)
    records[7] = records[7].model_copy(update={"envelope": base64.b64encode(b"{" * 60_000).decode()})
    found = finished.gather(ledger=finished.assertion.model_copy(update={"records": tuple(records)}))
    assert len(found.entries) == len(records) - 1
    assert [text.split(":")[0] for text in found.unreadable] == ["entry 7"]
    assert any(text.startswith("entry 7:") for text in found.not_included)


def test_thousands_of_records_are_taken_as_they_come(finished):
    garbage = finished.assertion.records[0].model_copy(update={"envelope": "AAAA"})
    many = tuple(garbage.model_copy(update={"index": n}) for n in range(10_000))
    found = finished.gather(ledger=finished.assertion.model_copy(update={"records": many}))
    assert len(found.unreadable) == len(many)
    assert found.entries == ()


def test_a_sidecar_of_garbage_is_no_traceback(finished, tmp_path):
    path = tmp_path / "x.mp4"
    shutil.copy(finished.path, path)
    path.with_suffix(".c2pa").write_bytes(b"garbage")
    assert verify(path, finished.pins).exit_code != 0
