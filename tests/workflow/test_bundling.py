"""What goes into a bundle, what stays out and is said to, and what happens where it cannot be written."""

import base64
import json
import os
import shutil
import subprocess
import zipfile
from dataclasses import replace
from datetime import timedelta

import outsiders
import pytest
from bundled import bundled, listing_of, signed_again, unzipped, written
from house import House
from simulator.studio import START, failures, states

from void_audit.audit.evidence import gathered
from void_audit.audit.verify import verify
from void_audit.canon import bundle as layout
from void_audit.canon.hashing import sha256_hex
from void_audit.canon.note import VerifierKey
from void_audit.canon.timestamp import note_digest
from void_audit.canon.tlog_proof import parse
from void_audit.canon.tlog_proof import verify as verify_proof
from void_audit.errors import LedgerError, OrderError, RequestError, StorageError, WorkspaceError
from void_audit.model.plan import EncoderSettings
from void_audit.model.proof import Receipt, TimestampToken
from void_audit.model.report import Report, State
from void_audit.workflow import erasing
from void_audit.workflow.bundling import write_bundle
from void_audit.workflow.drafting import Choices
from void_audit.workflow.enrolment import revoke
from void_audit.workflow.notary import Attested, NobodyAsked
from void_audit.workflow.owned import owned_by_edit


@pytest.fixture(scope="module")
def sealed(house):
    edit = house.approved("bundling")
    return edit, house.run(edit, house.folder / "bundling.mp4").delivered


@pytest.fixture(scope="module")
def files(house, sealed):
    return unzipped(bundled(house, sealed[0], house.folder / "bundling.zip", media=True).path)


def test_a_bundle_proves_everything_that_the_file_does_and_more(house, sealed):
    path = house.folder / "bundling.zip"
    source = house.folder / "bundling" / "clip.mp4"
    done = bundled(house, sealed[0], path, media=True)
    assert (done.exit_code, done.size) == (0, path.stat().st_size)
    assert done.sha256 == sha256_hex(path.read_bytes())
    report = verify(path, house.pins(), source)
    assert report.exit_code == 0
    assert {states(report)[n] for n in range(13) if n != 6} == {State.PASS}
    file = verify(sealed[1].path, house.pins(), source)
    with gathered(path, house.pins(), None, None) as evidence:
        assert evidence.state.seal is not None
    assert {f.obligation for f in file.findings} == {f.obligation for f in report.findings}


def test_every_entry_is_there_to_the_byte_with_a_proof_for_outsiders(house, sealed, files):
    log, key = house.place.reading, VerifierKey.parse(house.place.log_vkey())
    wanted = {e.index for e in (*log.entries(edit=sealed[0]), *log.key_events())}
    assert {i for name in files if (i := layout.entry_index(name)) is not None} == wanted
    for index in wanted:
        assert files[layout.entry_name(index)] == log.entry(index).envelope
        checkpoint = verify_proof(parse(files[layout.proof_name(index)]), log.entry(index).envelope, key)
        assert checkpoint.size == listing_of(files).size


def test_the_video_is_the_delivered_one_with_its_receipt(house, sealed, files):
    assert files["media/sealed.mp4"] == sealed[1].path.read_bytes()
    receipt = Receipt.model_validate_json(files["media/sealed.mp4.receipt"])
    assert receipt.checkpoint.encode() == files["checkpoint.txt"]
    target = house.folder / "taken-out.mp4"
    target.write_bytes(files["media/sealed.mp4"])
    target.with_name("taken-out.mp4.receipt").write_bytes(files["media/sealed.mp4.receipt"])
    assert states(verify(target, house.pins()))[2] is State.PASS


def test_what_is_absent_is_listed_with_a_reason(house, sealed, files):
    absent = {blob.media_type: blob.because for blob in listing_of(files).absent}
    assert absent == {"text/plain": "left out", "video/x-matroska": "left out"}
    names = {*house.place.people.names(), "machine"}
    assert not any(
        name.encode() in data for name in names - {"machine"} for data in files.values() if b"{" in data[:1]
    )


def test_without_media_pictures_stay_in_the_house(house, sealed):
    path = house.folder / "bare.zip"
    done = bundled(house, sealed[0], path, media=False)
    bare, full = (
        unzipped(path),
        unzipped(bundled(house, sealed[0], house.folder / "bundling.zip", media=True).path),
    )
    assert done.exit_code == 3
    assert set(full) - set(bare) >= {"media/sealed.mp4"}
    assert "media/sealed.mp4.receipt" in bare
    sent = {name for name in set(full) - set(bare) if name.startswith("blobs/")}
    assert len(sent) == 2  # what the reasoner was asked, and the preview of the mask
    assert not any(data.startswith(b"\x89PNG") for data in bare.values())
    report = verify(path, house.pins())
    assert not failures(report)
    assert {n for n, s in states(report).items() if s is State.UNKNOWN} == {0, 1, 2, 6, 12}
    digest = sha256_hex(full["media/sealed.mp4"])
    assert any(digest in f.detail for f in report.findings if f.obligation == 2)


def test_mkv_and_its_manifest_travel_together(house):
    edit = house.approved("lossless", choices=Choices(encoder=EncoderSettings(codec="ffv1")))
    house.run(edit, house.folder / "lossless.mkv")
    done = bundled(house, edit, house.folder / "lossless.zip", media=True)
    files = unzipped(done.path)
    assert {"media/sealed.mkv", "media/sealed.c2pa", "media/sealed.mkv.receipt"} <= set(files)
    assert done.exit_code == 0
    assert verify(done.path, house.pins()).exit_code == 0


def test_the_report_says_whose_it_is_and_is_the_houses_own(files):
    report = Report.model_validate_json(files[layout.REPORT_JSON])
    assert report.exit_code == 0
    text = files[layout.REPORT_HTML].decode()
    assert "what the house itself found" in text
    assert "lois" not in text


def test_names_are_in_the_report_only_if_they_are_given(house, sealed):
    key = house.place.person("lois").key_id
    done = write_bundle(
        house.workshop, sealed[0], house.folder / "named.zip", house.pins(), {key: "lois"}, media=False
    )
    assert b"lois" in unzipped(done.path)[layout.REPORT_HTML]


def test_the_same_edit_twice_differs_only_in_the_clock(house, sealed):
    one, two = (unzipped(bundled(house, sealed[0], house.folder / f"{n}.zip").path) for n in ("one", "two"))
    assert {n for n in one if one[n] != two[n]} <= {
        layout.LISTING, layout.SIGNATURE, layout.REPORT_HTML, layout.REPORT_JSON
    }  # fmt: skip


def test_any_unzip_opens_it(house, sealed, tmp_path):
    files = unzipped(house.folder / "bundling.zip")
    with zipfile.ZipFile(house.folder / "bundling.zip") as opened:
        assert opened.testzip() is None
        assert {n: opened.read(n) for n in opened.namelist()} == files
    if shutil.which("unzip"):
        run = ["unzip", "-q", str(house.folder / "bundling.zip"), "-d", str(tmp_path)]
        subprocess.run(run, check=True)
        assert (tmp_path / "README.txt").read_bytes() == files["README.txt"]


class Vouching(NobodyAsked):
    """A notary whose authority stamps everything."""

    def attest(self, ledger, size):
        return Attested(ledger.cosigned(size), (self._token("checkpoint"),))

    def stamp(self, ledger, sha256):
        return (self._token("file"),)

    def _token(self, covers):
        return TimestampToken(covers=covers, authority="https://tsa.example", token="REVS")


def test_tokens_are_there_as_files_and_said_what_they_cover(house, sealed):
    studio = replace(house.workshop, notary=Vouching())
    done = write_bundle(studio, sealed[0], house.folder / "stamped.zip", house.pins(), {})
    files = unzipped(done.path)
    told = {token.member: token.covers for token in listing_of(files).timestamps}
    assert told == {"timestamps/checkpoint-0.der": "checkpoint", "timestamps/file-0.der": "file"}
    assert {files[name] for name in told} == {b"DER"}


def test_tokens_of_the_checkpoint_inside_the_file_too(own):
    edit = own.approved()
    own.run(edit, own.folder / "x.mp4")
    log = own.place.writing
    size = next(e for e in log.entries(edit=edit) if e.statement.kind == "seal").statement.predicate.log_size
    text = log.checkpoint_at(size).partition("\n\n")[0] + "\n"
    log.add_token(bytes.fromhex(sha256_hex(text.encode())), "https://tsa.example", b"DER")
    files = unzipped(bundled(own, edit, own.folder / "x.zip").path)
    assert [t.covers for t in listing_of(files).timestamps] == ["file-checkpoint"]
    assert files["timestamps/file-checkpoint-0.der"] == b"DER"


class Outsiders(NobodyAsked):
    """A witness and an authority that answer."""

    def attest(self, ledger, size):
        note = ledger.cosigned(size)
        return Attested(outsiders.cosigned(note), (outsiders.token(note_digest(note)),))

    def stamp(self, ledger, sha256):
        return (outsiders.token(bytes.fromhex(sha256), covers="file"),)


@pytest.mark.parametrize("media", [True, False])
def test_a_witness_and_an_authority_are_believed_if_they_are_pinned(house, sealed, tmp_path, media):
    studio = replace(house.workshop, notary=Outsiders())
    done = write_bundle(studio, sealed[0], tmp_path / "x.zip", house.pins(), {}, media)
    pins = replace(
        house.pins(),
        tsa_pem=outsiders.TSA.root_pem,
        witness_policy=f"log {house.place.log_vkey()}\n{outsiders.POLICY}",
    )
    report = verify(done.path, pins)
    assert not failures(report)
    assert states(report)[6] is State.PASS
    told = {int(f.obligation): f.detail for f in report.findings}
    assert "2026-02-01" in told[6]
    assert "Witnessed 1 of 1" in told[5]
    bent = unzipped(done.path)
    bent["timestamps/checkpoint-0.der"] = base64.b64decode(outsiders.token(bytes(32)).token)
    assert 6 in failures(
        verify(written(tmp_path / "y.zip", signed_again(bent, house.workshop.machine)), pins)
    )


def test_key_events_since_the_file_was_sealed_are_in_it(own):
    edit = own.approved()
    delivered = own.run(edit, own.folder / "x.mp4").delivered.path
    admin, jimmy = own.place.person("admin"), own.place.people.load("jimmy", None)
    revoke(own.place.writing, own.place.blobs, admin, "jimmy", jimmy.public_der, own.clock())
    path = bundled(own, edit, own.folder / "x.zip", media=True).path
    with gathered(path, own.pins(), None, None) as evidence:
        assert evidence.registry.get(jimmy.key_id).revoked is not None
    with gathered(delivered, own.pins(), None, None) as evidence:
        assert evidence.registry.get(jimmy.key_id).revoked is None
    assert verify(path, own.pins()).exit_code == 0


class Prompt(Outsiders):
    """Outsiders who say when they were first asked."""

    def __init__(self, clock):
        self.clock, self.said = clock, {}

    def stamp(self, ledger, sha256):
        digest = bytes.fromhex(sha256)
        kept = self.said.setdefault(sha256, outsiders.token(digest, self.clock.now, covers="file"))
        return (kept,)

    def attest(self, ledger, size):
        note = ledger.cosigned(size)
        return Attested(note, (outsiders.token(note_digest(note), self.clock.now),))


def test_what_came_after_the_file_is_not_held_to_when_the_file_was_there(own):
    """Keys come and go for years: a file's old token says nothing of when they did."""
    own.workshop = replace(own.workshop, notary=Prompt(own.clock))
    edit = own.approved()
    own.run(edit, own.folder / "x.mp4")
    pins = replace(own.pins(), tsa_pem=outsiders.TSA.root_pem)
    own.at(own.clock.now + timedelta(days=30))
    admin, jimmy = own.place.person("admin"), own.place.people.load("jimmy", None)
    revoke(own.place.writing, own.place.blobs, admin, "jimmy", jimmy.public_der, own.clock())
    path = write_bundle(own.workshop, edit, own.folder / "x.zip", pins, {}, True).path
    report = verify(path, pins)
    assert report.exit_code == 0, [f.detail for f in report.findings if f.state is State.FAIL]
    assert states(report)[6] is State.PASS


def test_what_is_in_the_file_is_held_to_when_the_file_was_there(house, sealed, tmp_path):
    notary = Prompt(house.clock)
    digest = sha256_hex(sealed[1].path.read_bytes())
    notary.said[digest] = outsiders.token(bytes.fromhex(digest), START - timedelta(days=1), covers="file")
    pins = replace(house.pins(), tsa_pem=outsiders.TSA.root_pem)
    studio = replace(house.workshop, notary=notary)
    report = verify(write_bundle(studio, sealed[0], tmp_path / "x.zip", pins, {}, True).path, pins)
    assert failures(report) == {6}
    assert "was there by 2026-01-04" in next(f.detail for f in report.findings if f.obligation == 6)


def test_a_log_that_no_longer_has_the_checkpoint_inside_the_file_takes_it_from_there(own, monkeypatch):
    """As one that was made again from its tiles."""
    edit = own.approved()
    own.run(edit, own.folder / "x.mp4")
    whole, log = own.place.writing.cosigned, own.place.writing
    newest = log.size

    def forgetful(size):
        if size != newest:
            raise LedgerError("checkpoint-missing", "The log has no checkpoint of that size.")
        return whole(size)

    monkeypatch.setattr(log, "cosigned", forgetful)
    done = bundled(own, edit, own.folder / "x.zip", media=True)
    assert (done.exit_code, verify(done.path, own.pins()).exit_code) == (0, 0)
    seal = next(e for e in log.entries(edit=edit) if e.statement.kind == "seal").statement
    video = own.place.blobs.path(own.place.blobs.ref(seal.subjects[0].digest["sha256"], "video/mp4"))
    video.rename(video.with_name("gone"))
    with pytest.raises(LedgerError, match="no checkpoint"):
        bundled(own, edit, own.folder / "y.zip")


def test_an_erased_edit_says_erased(own):
    edit = own.approved()
    own.run(edit, own.folder / "x.mp4")
    place = own.place
    eraser = erasing.House(place.writing, place.blobs, own.workshop.edits, own.clock)
    owned = owned_by_edit(place.writing, edit)
    erasing.erase(eraser, owned, "asked for", place.person("admin"), media=True)
    own = House.reopen(own.folder, START)
    done = bundled(own, edit, own.folder / "x.zip", media=True)
    files = unzipped(done.path)
    assert {blob.because for blob in done.listing.absent} == {"erased", "left out"}
    assert "media/sealed.mp4" not in files
    payloads = [json.loads(data)["payload"] for name, data in files.items() if name.startswith("entries/")]
    kinds = [json.loads(base64.b64decode(payload))["predicateType"] for payload in payloads]
    assert any("/erasure/" in kind for kind in kinds)
    report = verify(done.path, own.pins())
    assert not failures(report), [f.detail for f in report.findings if f.state is State.FAIL]
    assert any("erased" in line for line in report.about)
    assert states(report)[4] is states(report)[5] is State.PASS
    assert any("ERASED" in f.detail for f in report.findings)
    assert b"ERASED" in files[layout.REPORT_HTML]


# --- what cannot be ---------------------------------------------------------------------------------


def test_nothing_is_written_of_what_is_not_sealed(house, tmp_path):
    with pytest.raises(WorkspaceError, match="No edit"):
        bundled(house, "nowhere", tmp_path / "x.zip")
    with pytest.raises(OrderError, match="not sealed"):
        bundled(house, house.planned("unsealed"), tmp_path / "x.zip")
    with pytest.raises(RequestError, match=r"\.zip"):
        bundled(house, "any", tmp_path / "x.mp4")
    assert not list(tmp_path.iterdir())


def test_a_damaged_blob_or_video_stops_it(own, tmp_path):
    edit = own.approved()
    own.run(edit, own.folder / "x.mp4")
    record = next(e for e in own.place.reading.entries(edit=edit) if e.statement.kind == "seal").statement
    mask = next(
        e for e in own.place.reading.entries(edit=edit) if e.statement.kind == "mask"
    ).statement.predicate
    for digest in (record.subjects[0].digest["sha256"], mask.mask.sha256):
        with own.damaged(digest), pytest.raises(LedgerError) as caught:
            bundled(own, edit, tmp_path / "x.zip", media=True)
        assert caught.value.code == "blob-corrupt"
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_the_old_bundle(house, sealed, tmp_path, monkeypatch):
    path = tmp_path / "x.zip"
    path.write_bytes(b"the old one")
    real, calls = os.fsync, []

    def full(descriptor):
        calls.append(descriptor)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError):
        bundled(house, sealed[0], path)
    monkeypatch.setattr(os, "fsync", real)
    assert calls
    assert path.read_bytes() == b"the old one"
    assert [p.name for p in tmp_path.iterdir()] == ["x.zip"]


def test_a_folder_that_is_not_there(house, sealed, tmp_path):
    with pytest.raises(StorageError):
        bundled(house, sealed[0], tmp_path / "no" / "x.zip")


def test_another_process_goes_on_while_it_is_written(own, tmp_path):
    """All proofs are on the checkpoint of when it began, whatever is logged meanwhile."""
    edit = own.approved()
    own.run(edit, own.folder / "x.mp4")
    size = own.place.writing.size

    class Busy(NobodyAsked):
        def attest(self, ledger, size):
            jimmy = own.place.people.load("jimmy", None)
            admin = own.place.person("admin")
            revoke(own.place.writing, own.place.blobs, admin, "jimmy", jimmy.public_der, own.clock())
            return super().attest(ledger, size)

    studio = replace(own.workshop, notary=Busy())
    done = write_bundle(studio, edit, tmp_path / "x.zip", own.pins(), {}, media=True)
    assert done.listing.size == size < own.place.writing.size
    assert verify(done.path, own.pins()).exit_code == 0


def test_progress_is_told(house, sealed, tmp_path):
    told = []
    studio = replace(house.workshop, progress=lambda *step: told.append(step))
    write_bundle(studio, sealed[0], tmp_path / "x.zip", house.pins(), {})
    assert {what for what, _, _ in told} == {"records and proofs", "verifying", "writing"}
    assert all(done <= total for _, done, total in told)
