"""A bundle by a house that lies: every listing here is signed, and something else gives it away."""

from dataclasses import replace

import pytest
from bundled import bundled, signed_again, unzipped, written
from house import House, quick
from simulator.studio import failures, states

from void_audit.audit.verify import verify
from void_audit.canon import bundle as layout
from void_audit.canon.tlog_proof import TlogProof
from void_audit.errors import LedgerError
from void_audit.model.proof import Receipt
from void_audit.model.records import KeyEvent, Role
from void_audit.model.report import State
from void_audit.workflow.enrolment import enrol, revoke, suspect
from void_audit.workflow.recorder import Recorder
from void_audit.workflow.sealing import write_receipt


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A house with two finished edits, then a key that came and went, and the first edit's bundle."""
    with quick():
        house = House(tmp_path_factory.mktemp("lying"))
        edits = [house.approved(name) for name in ("request", "second")]
        for edit in edits:
            house.run(edit, house.folder / f"{edit}.mp4")
        admin, key = house.place.person("admin"), house.place.people.add("clark", None)
        enrol(
            house.place.writing,
            house.place.blobs,
            admin,
            "clark",
            key.public_der,
            [Role.EDITOR],
            house.clock(),
        )
        ends = (house.place.writing, house.place.blobs, admin)
        revoke(*ends, "clark", key.public_der, house.clock())
        path = bundled(house, edits[0], house.folder / "x.zip", media=True).path
    return house, edits, unzipped(path)


@pytest.fixture
def judged(told, tmp_path):
    """Report on files that the machine, or whoever is named, has listed and signed as they are."""
    house, _, files = told

    def judge(changed=None, signer=None, tell=lambda listing: listing, **pins):
        signed = signed_again(changed or files, signer or house.workshop.machine, tell)
        return verify(written(tmp_path / "x.zip", signed), replace(house.pins(), **pins))

    return judge


def entries(files):
    return sorted(i for name in files if (i := layout.entry_index(name)) is not None)


def without(files, *indices):
    gone = {name for i in indices for name in (layout.entry_name(i), layout.proof_name(i))}
    return {name: data for name, data in files.items() if name not in gone}


def added(house, files, *indices):
    """The files with further entries of the log, proved on the bundle's checkpoint."""
    note, size = files[layout.CHECKPOINT].decode(), int(files[layout.CHECKPOINT].split(b"\n")[1])
    more = {}
    for index in indices:
        proof = house.place.writing.prove(index, size)
        path = tuple(bytes.fromhex(digest) for digest in proof.proof)
        more[layout.entry_name(index)] = house.place.writing.entry(index).envelope
        more[layout.proof_name(index)] = str(TlogProof(index, path, note)).encode()
    return {**files, **more}


def detail(report, number):
    return next(f.detail for f in report.findings if f.obligation == number)


def test_the_honest_bundle_passes_and_says_how_far_it_reaches(told, judged):
    report = judged()
    assert report.exit_code == 0
    assert any("bundle of edit" in line and "with its video" in line for line in report.about)
    assert any("known up to entry" in line for line in report.about)
    assert "source to the seal" in detail(report, 7)


# --- 4: the listing's signature -------------------------------------------------------------------


def test_4_signed_by_an_editor(told, judged):
    report = judged(signer=told[0].place.person("lois"))
    assert failures(report) == {4}
    assert "key of a machine" in detail(report, 4)


def test_4_signed_by_somebody_who_was_never_enrolled(told, judged, tmp_path):
    report = judged(signer=House(tmp_path / "other").workshop.machine)
    assert 4 in failures(report)
    assert "listing" in detail(report, 4)


def test_4_signed_under_a_key_that_was_revoked_before(told, judged):
    report = judged(signer=told[0].place.people.load("clark", None))
    assert failures(report) == {4}
    assert "not valid at entry" in detail(report, 4)


def test_4_a_signature_of_other_bytes(told, tmp_path):
    house, _, files = told
    text = files[layout.SIGNATURE]
    at = text.index(b'"sig":"') + 7
    flipped = text[:at] + (b"A" if text[at : at + 1] != b"A" else b"B") + text[at + 1 :]
    report = verify(written(tmp_path / "x.zip", {**files, layout.SIGNATURE: flipped}), house.pins())
    assert 4 in failures(report)


def test_4_a_machine_that_was_revoked_before_the_bundle_was_made(tmp_path):
    with quick():
        house = House(tmp_path)
        edit = house.approved()
        house.run(edit, tmp_path / "x.mp4")
        machine, admin = house.workshop.machine, house.place.person("admin")
        ends = (house.place.writing, house.place.blobs, admin)
        revoke(*ends, "machine", machine.public_der, house.clock())
        path = bundled(house, edit, tmp_path / "x.zip").path
    report = verify(path, house.pins())
    assert failures(report) == {4}
    assert "listing" in detail(report, 4)


def test_4_a_machine_that_is_suspect_from_after_the_edit_on_is_neither_green_nor_red(tmp_path):
    """Said before the bundle was made, or after: only a later receipt then tells of it."""
    with quick():
        house = House(tmp_path)
        edit = house.approved()
        house.run(edit, tmp_path / "x.mp4")
        ends = (house.place.writing, house.place.blobs, house.place.person("admin"))
        before = bundled(house, edit, tmp_path / "before.zip", media=True).path
        size, machine = house.place.writing.size, house.workshop.machine.public_der
        suspect(*ends, "machine", machine, size, house.clock())
        after = bundled(house, edit, tmp_path / "after.zip", media=True).path
        write_receipt(Recorder(house.workshop, edit), tmp_path / "later.receipt")
    for path, receipt in ((after, None), (before, tmp_path / "later.receipt")):
        report = verify(path, house.pins(), receipt=receipt)
        assert not failures(report)
        assert states(report)[4] is State.UNKNOWN
        assert "the bundle's listing: key" in detail(report, 4)
    assert verify(before, house.pins()).exit_code == 0


def test_4_a_key_history_with_its_tail_cut_off(told, judged):
    """The count in the listing gives it away; a house that lies about that too says up to where keys are known."""
    house, _, files = told
    tail = [e.index for e in house.place.reading.key_events()][-1:]
    cut = without(files, *tail)
    assert "counts" in detail(judged(cut), 4)
    bare = {name: data for name, data in cut.items() if not name.startswith("media/")}
    report = judged(
        bare, tell=lambda listing: listing.model_copy(update={"key_events": listing.key_events - 1})
    )
    assert states(report)[4] is State.PASS
    assert "as far as the house shows it: 6 key events" in " ".join(report.about)


def test_4_a_key_history_with_a_gap(told, judged):
    house, _, files = told
    events = [e.index for e in house.place.reading.key_events()]
    report = judged(without(files, events[-2]))
    assert 4 in failures(report)


# --- 5: one checkpoint, which continues the file's --------------------------------------------------


def test_5_an_older_checkpoint_with_newer_records(told, judged):
    house, _, files = told
    old = files[layout.FILE_CHECKPOINT]
    size = int(old.split(b"\n")[1])
    bent = {**files, layout.CHECKPOINT: old}
    for index in entries(files):
        path = house.place.writing.prove(index, size).proof if index < size else ()
        told_path = tuple(bytes.fromhex(digest) for digest in path)
        bent[layout.proof_name(index)] = str(TlogProof(index, told_path, old.decode())).encode()
    report = judged(bent, tell=lambda listing: listing.model_copy(update={"size": size, "consistency": ()}))
    assert 5 in failures(report)
    assert "entry" in detail(report, 5)


def test_5_a_consistency_proof_that_proves_nothing(judged):
    for path in ((), ("00" * 32,)):
        report = judged(tell=lambda listing, path=path: listing.model_copy(update={"consistency": path}))
        assert 5 in failures(report)
        assert "does not continue" in detail(report, 5)


def test_5_sizes_that_the_checkpoints_do_not_have(judged):
    report = judged(tell=lambda listing: listing.model_copy(update={"size": listing.size - 1}))
    assert 5 in failures(report)


def test_5_a_checkpoint_of_another_log(told, judged, tmp_path):
    other = House(tmp_path / "other").place.reading.checkpoint()
    report = judged({**told[2], layout.FILE_CHECKPOINT: other.encode()})
    assert 5 in failures(report)
    assert "inside the file is not the pinned log" in detail(report, 5)


def test_5_and_4_without_a_pinned_log_nobody_can_tell(judged):
    report = judged(log_vkey=None)
    assert states(report)[4] is states(report)[5] is State.UNKNOWN
    assert report.exit_code == 3


# --- 7: the video's records are the bundle's ---------------------------------------------------------


def test_7_a_record_of_the_file_that_the_bundle_leaves_out(told, judged):
    house, edits, files = told
    approval = next(
        e.index for e in house.place.reading.entries(edit=edits[0]) if e.statement.kind == "approval"
    )
    report = judged(without(files, approval))
    assert {7, 9} <= failures(report)


def test_7_a_record_of_another_edit(told, judged):
    house, edits, files = told
    stranger = next(house.place.reading.entries(edit=edits[1])).index
    report = judged(added(house, files, stranger))
    assert 7 in failures(report)
    assert edits[1] in detail(report, 7)


def test_7_the_video_of_another_edit(told, judged):
    house, edits, files = told
    video = (house.folder / f"{edits[1]}.mp4").read_bytes()
    report = judged({**files, layout.VIDEOS[0]: video})
    assert {2, 7} <= failures(report)
    assert "disagree" in detail(report, 7)


def test_7_the_members_of_another_edits_bundle(told, judged, tmp_path):
    house, edits, files = told
    other = unzipped(bundled(house, edits[1], tmp_path / "y.zip").path)
    mixed = {**files, **{n: d for n, d in other.items() if n.startswith(("entries/", "proofs/"))}}
    assert 7 in failures(judged(mixed))


def test_7_without_the_seals_record(told, judged):
    house, edits, files = told
    seal = next(e.index for e in house.place.reading.entries(edit=edits[0]) if e.statement.kind == "seal")
    report = judged(without(files, seal))
    assert {2, 7} <= failures(report)
    assert "no record of a seal" in detail(report, 7)


def test_7_a_receipt_of_another_entry(told, judged):
    house, _, files = told
    name = layout.receipt_name(layout.VIDEOS[0])
    receipt = Receipt.model_validate_json(files[name])
    size = house.place.writing.size
    bent = receipt.model_copy(update={"entry": house.place.writing.prove(0, size)})
    report = judged({**files, name: bent.model_dump_json().encode()})
    assert 7 in failures(report)
    assert "receipt's entry" in detail(report, 7)


def test_7_another_size_of_the_files_log(told, judged):
    """The seal names the checkpoint inside the file: the bundle cannot show another one."""
    house, _, files = told
    size = int(files[layout.FILE_CHECKPOINT].split(b"\n")[1])
    older = next(n for n in range(size - 1, 0, -1) if _has_checkpoint(house, n))
    note = house.place.reading.checkpoint_at(older)
    path = tuple(d.hex() for d in house.place.writing.consistency(older))
    report = judged(
        {**files, layout.FILE_CHECKPOINT: note.encode()},
        tell=lambda listing: listing.model_copy(update={"file_size": older, "consistency": path}),
    )
    assert 7 in failures(report)
    assert "seal speaks of" in detail(report, 7)


def _has_checkpoint(house, size):
    try:
        return bool(house.place.reading.checkpoint_at(size))
    except LedgerError:
        return False


def test_erasing_nothing_the_bundle_shows_all_key_events(told):
    house, _, files = told
    shown = [
        i for i in entries(files) if isinstance(house.place.reading.entry(i).statement.predicate, KeyEvent)
    ]
    assert shown == [e.index for e in house.place.reading.key_events()]
