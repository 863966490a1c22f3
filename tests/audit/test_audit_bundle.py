"""A bundle is opened whole and as it was listed, or refused with a reason; nothing of it stays behind."""

import base64
import tempfile
import tracemalloc
from pathlib import Path

import pytest
from bundled import bundled, listing_of, signed_again, unzipped, written, zipped

from void_audit.audit import bundle as bundles
from void_audit.audit.bundle import is_bundle, opened_bundle
from void_audit.canon import bundle as layout
from void_audit.canon.tlog_proof import TlogProof, parse
from void_audit.errors import BundleError, EvidenceError, StorageError


@pytest.fixture(scope="module")
def path(finished, tmp_path_factory):
    return bundled(
        finished.house, finished.edit, tmp_path_factory.mktemp("bundle") / "x.zip", media=True
    ).path


@pytest.fixture
def files(path):
    return unzipped(path)


@pytest.fixture
def refused(finished, tmp_path):
    """Insists on the refusal of files that the machine has listed and signed as they are."""

    def insist(files, code, signed=True):
        files = signed_again(files, finished.house.workshop.machine) if signed else files
        with pytest.raises(EvidenceError) as caught, opened_bundle(written(tmp_path / "bent.zip", files)):
            pass
        assert caught.value.code == code
        assert caught.value.hint
        return caught.value.message

    return insist


def test_an_opened_bundle_holds_the_records_as_a_file_would(finished, path, files):
    with opened_bundle(path) as found:
        own = {r.index: r.envelope for r in found.assertion.records}
        assert own.items() >= {r.index: r.envelope for r in finished.assertion.records}.items()
        assert found.assertion.checkpoint.encode() == files["checkpoint.txt"]
        assert found.file_checkpoint == finished.assertion.checkpoint
        assert found.video.read_bytes() == finished.path.read_bytes()
        for digest in finished.assertion.evidence:
            assert found.stored(digest) == finished.evidence.stored(digest)
        assert found.stored("0" * 64) is None


def test_nothing_stays_behind_whatever_happens(path, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with opened_bundle(path) as found:
        assert found.folder.parent == tmp_path
    (tmp_path / "cut.zip").write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BundleError), opened_bundle(tmp_path / "cut.zip"):
        pass
    with pytest.raises(ZeroDivisionError), opened_bundle(path):
        raise ZeroDivisionError
    assert [p.name for p in tmp_path.iterdir()] == ["cut.zip"]


def test_what_no_bundle_has_is_refused_before_it_is_written(tmp_path, monkeypatch):
    """A small file of long names would else make millions of folders."""
    deep = "/".join(["a"] * 90)
    made = []
    monkeypatch.setattr(Path, "mkdir", lambda self, **options: made.append(self))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "bent.zip").write_bytes(zipped({f"{deep}/{n}": b"" for n in range(10)}))
    with (
        pytest.raises(BundleError, match="No bundle has a member") as caught,
        opened_bundle(tmp_path / "bent.zip"),
    ):
        pass
    assert caught.value.code == "bundle-listing"
    assert made == []


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(StorageError, match="cannot be read"), opened_bundle(tmp_path / "no.zip"):
        pass


def test_bundles_are_known_by_name_or_beginning(finished, path, tmp_path):
    (tmp_path / "x.mp4").write_bytes(path.read_bytes())
    assert is_bundle(path)
    assert is_bundle(Path("nowhere.ZIP"))
    assert is_bundle(tmp_path / "x.mp4")
    assert not is_bundle(finished.path)
    assert not is_bundle(tmp_path / "nowhere.mp4")


def test_a_member_that_is_another_missing_or_more_is_named(files, refused):
    blob = next(name for name in files if name.startswith("blobs/"))
    other = {**files, blob: files[blob] + b"x"}
    assert "is another one" in refused(other, "bundle-listing", signed=False)
    less = {n: d for n, d in files.items() if n != blob}
    assert "is missing" in refused(less, "bundle-listing", signed=False)
    more = {**files, "blobs/" + "ab" * 32: b"x"}
    assert "is not listed" in refused(more, "bundle-listing", signed=False)
    assert "No bundle has" in refused({**files, "stowaway": b""}, "bundle-listing", signed=False)


@pytest.mark.parametrize("name", [layout.LISTING, layout.SIGNATURE])
def test_without_listing_or_signature_it_is_no_bundle(files, refused, name):
    files.pop(name)
    assert name in refused(files, "bundle-incomplete", signed=False)


@pytest.mark.parametrize("name", [layout.CHECKPOINT, layout.FILE_CHECKPOINT])
def test_even_the_house_cannot_leave_out_a_checkpoint(files, refused, name):
    files.pop(name)
    assert name in refused(files, "bundle-incomplete")


def test_a_checkpoint_that_is_no_text_or_too_long(files, refused):
    refused({**files, layout.CHECKPOINT: b"\xff"}, "bundle-incomplete")
    refused({**files, layout.CHECKPOINT: b"a" * 200_000}, "bundle-incomplete")


def test_every_entry_has_its_proof_and_every_proof_its_entry(files, refused):
    entry, proof = layout.entry_name(3), layout.proof_name(3)
    refused({n: d for n, d in files.items() if n != proof}, "bundle-incomplete")
    refused({n: d for n, d in files.items() if n != entry}, "bundle-incomplete")
    refused({**files, proof: b"garbage"}, "tlog-proof-malformed")


def test_a_proof_is_for_its_entry_on_the_bundles_checkpoint(finished, files, refused):
    one, other = layout.proof_name(3), layout.proof_name(4)
    told = parse(files[one])
    assert "not for that entry" in refused({**files, one: files[other]}, "bundle-incomplete")
    older = TlogProof(told.index, told.path, finished.assertion.checkpoint)
    assert "not for that entry" in refused({**files, one: str(older).encode()}, "bundle-incomplete")
    extra = TlogProof(told.index, told.path, told.checkpoint, b"unsigned words")
    assert "not for that entry" in refused({**files, one: str(extra).encode()}, "bundle-incomplete")


def test_two_videos_are_one_too_many(files, refused):
    refused({**files, layout.VIDEOS[1]: b"x"}, "bundle-incomplete")


def test_more_or_larger_records_than_any_edit_has(files, refused, monkeypatch):
    refused({**files, layout.entry_name(3): b"{" * 70_000}, "bundle-incomplete")
    monkeypatch.setattr(bundles, "MAX_RECORDS", 1000)
    refused(files, "bundle-too-large")


def test_a_time_stamp_that_is_listed_is_there(finished, files, tmp_path):
    token = {"member": "timestamps/checkpoint-0.der", "covers": "checkpoint", "authority": "x"}
    named = [{**token, "member": "checkpoint.txt"}, {**token, "member": "../../etc/passwd"}, token]
    machine = finished.house.workshop.machine
    for bad in named:
        lied = signed_again(files, machine, lambda told, bad=bad: _stamped(told, bad))
        with pytest.raises(BundleError, match="time stamp"), opened_bundle(written(tmp_path / "t.zip", lied)):
            pass
    good = signed_again({**files, token["member"]: b"DER"}, machine, lambda told: _stamped(told, token))
    with opened_bundle(written(tmp_path / "t.zip", good)) as found:
        (stamp,) = found.assertion.timestamps
        assert base64.b64decode(stamp.token) == b"DER"


def _stamped(told, token):
    return type(told).model_validate_json(
        told.model_copy(update={"timestamps": ()})
        .model_dump_json()
        .replace('"timestamps":[]', '"timestamps":[' + str(token).replace("'", '"') + "]")
    )


def test_a_blob_too_large_to_look_into_is_only_hashed(path, monkeypatch):
    monkeypatch.setattr(bundles, "MAX_BLOB", 10)
    with opened_bundle(path) as found:
        digest = next(
            m.name[6:] for m in found.listing.members if m.name.startswith("blobs/") and m.size > 10
        )
        assert found.stored(digest) is None


def test_a_bundle_of_a_newer_format_says_so(files, refused):
    data = files[layout.LISTING].replace(b"bundle/v1", b"bundle/v2")
    with pytest.raises(BundleError, match="bundle/v2"):
        layout.read_listing(data)
    assert listing_of(files).format == "void-audit-bundle/v1"
    assert zipped(files)


def test_memory_does_not_grow_with_what_is_in_it(finished, files, tmp_path):
    big = bytes(48 << 20)
    bent = signed_again({**files, layout.VIDEOS[0]: big}, finished.house.workshop.machine)
    path = written(tmp_path / "big.zip", bent)
    del big, bent
    tracemalloc.start()
    with opened_bundle(path) as found:
        assert found.video.stat().st_size == 48 << 20
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20
