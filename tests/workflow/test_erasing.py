"""Erasing an edit or a name: what goes, what stays, what still proves, and what an interruption leaves."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from copies import copy_place
from house import FAST, House
from simulator.studio import START, failures, states

from void_audit.canon import dsse
from void_audit.canon.checkpoint import open_checkpoint
from void_audit.canon.merkle import verify_consistency
from void_audit.canon.note import VerifierKey
from void_audit.canon.proof import verify_logged
from void_audit.canon.statement import encode
from void_audit.errors import DeniedError, LedgerError, OrderError, RequestError, VoidAuditError
from void_audit.ledger.blobs import BlobStore
from void_audit.ledger.vault import Vault
from void_audit.model.house_records import MAX_ERASED
from void_audit.model.records import Erasure, Kind, Role
from void_audit.model.report import State
from void_audit.workflow import erasing, planning
from void_audit.workflow.approving import approve, reject
from void_audit.workflow.edits import EditFolders
from void_audit.workflow.enrolment import enrol, registry_of, revoke, rotate
from void_audit.workflow.erasing import MAX_REASON, erase, finish, look
from void_audit.workflow.owned import owned_by_edit, owned_by_person
from void_audit.workflow.planning import replan
from void_audit.workflow.recorder import statement_of
from void_audit.workflow.replaying import replay_edit
from void_audit.workflow.revising import revise_prompt
from void_audit.workflow.running import run_edit

REASON = "asked for by the person shown"


@pytest.fixture(scope="session")
def _finished(_template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("finished")
    house = House.copied(_template, folder)
    edit = house.approved()
    house.run(edit, folder / "edited.mp4")
    house.run(edit)  # and once more, to its own folder
    house.place.writing.close()
    return folder, edit


@pytest.fixture
def done(_finished: tuple[Path, str], tmp_path: Path) -> tuple[House, str]:
    """A house with one finished edit."""
    copy_place(_finished[0], tmp_path / "done")
    return House.reopen(tmp_path / "done", START + timedelta(hours=2)), _finished[1]


def eraser(house: House) -> erasing.House:
    place = house.place
    return erasing.House(place.writing, place.blobs, house.workshop.edits, house.clock)


def erased(house: House, edit: str, media: bool = False, by: str = "admin", reason: str = REASON):
    tool = eraser(house)
    return erase(tool, owned_by_edit(tool.ledger, edit), reason, house.place.person(by), media)


def refused(code: str, work, *args: object, **kwargs: object) -> VoidAuditError:
    with pytest.raises(VoidAuditError) as caught:
        work(*args, **kwargs)
    assert caught.value.code == code
    return caught.value


def stored_bytes(house: House) -> bytes:
    folder = house.place.folder
    parts = [folder / "blobs", folder / "keys" / "subjects", folder / "edits"]
    return b"".join(p.read_bytes() for part in parts for p in part.rglob("*") if p.is_file())


def records(house: House) -> list[Erasure]:
    return [e.statement.predicate for e in house.place.writing.entries(kinds=[Kind.ERASURE])]


def test_words_lie_nowhere_in_the_clear_before_and_nowhere_at_all_after(done):
    house, edit = done
    owned = owned_by_edit(house.place.reading, edit)
    sealed = (house.folder / "edited.mp4").read_bytes()
    plain = {d: house.place.blobs.size_of(d) for d in owned.words}
    assert all(plain.values())
    assert sealed in stored_bytes(house)  # the finished file carries its words
    found = erased(house, edit)
    assert (found.finished, found.entries, found.new) == (True, (house.place.writing.size - 1,), ())
    assert set(found.goes) == set(owned.words)
    assert all(house.place.blobs.size_of(d) is None for d in owned.words)
    assert sealed not in stored_bytes(house)
    assert not house.place.blobs.has_key(owned.subject)


def test_every_proof_still_holds_and_fsck_says_erased(done):
    house, edit = done
    log = house.place.writing
    before, size = log.checkpoint(), log.size
    erased(house, edit, media=True)
    key = VerifierKey.parse(log.vkey)
    old, new = open_checkpoint(before, key), open_checkpoint(log.checkpoint(), key)
    assert new.size == size + 1
    verify_consistency(old.size, old.root, new.size, new.root, log.consistency(old.size))
    for index in range(new.size):
        verify_logged(log.prove(index), new)
    report = house.place.fsck()
    assert report.problems == ()
    assert report.erased > 10


def test_the_delivered_file_is_still_verified(done):
    house, edit = done
    erased(house, edit, media=True)
    report = house.sealed(house.folder / "edited.mp4").verify(source=True, receipt=True)
    assert failures(report) == set()
    assert states(report)[8] is State.PASS  # it carries its own copies


def test_pictures_stay_unless_they_are_asked_for(done):
    house, edit = done
    owned = owned_by_edit(house.place.reading, edit)
    found = erased(house, edit)
    assert set(found.kept) == set(owned.media)
    assert all(house.place.blobs.size_of(d) for d in owned.media)
    found = erased(house, edit, media=True)
    assert len(found.entries) == 2
    assert found.kept == ()
    assert not any(house.place.blobs.size_of(d) for d in owned.media)
    assert house.place.fsck().problems == ()


def test_what_another_edit_is_made_of_stays(done):
    house, edit = done
    other = house.approved("another")  # the same clip, the same mask
    owned, mine = (owned_by_edit(house.place.reading, e) for e in (edit, other))
    shared = set(owned.media) & set(mine.media)
    assert len(shared) >= 2
    found = erased(house, edit, media=True)
    assert set(found.shared) == shared
    assert not shared.intersection(found.goes)
    assert house.place.fsck().problems == ()
    house.run(other)
    assert states(house.sealed(house.workshop.edits.path(other) / "edited.mp4").verify())[8] is State.PASS


def test_what_two_edits_were_made_of_goes_with_the_second(done):
    house, edit = done
    other = house.approved("another")
    owned, mine = (owned_by_edit(house.place.reading, e) for e in (edit, other))
    shared = set(owned.media) & set(mine.media)
    erased(house, edit, media=True)
    assert all(house.place.blobs.size_of(d) for d in shared)
    found = erased(house, other, media=True)
    assert found.shared == ()
    assert not any(house.place.blobs.size_of(d) for d in shared)
    assert house.place.fsck().problems == ()


def test_a_finished_file_of_which_another_edit_is_made_stays_until_that_is_erased(done):
    house, edit = done
    shutil.copyfile(house.workshop.edits.path(edit) / "edited.mp4", house.request("chained") / "clip.mp4")
    other = house.approved("chained")
    owned = owned_by_edit(house.place.reading, edit)
    (finished,) = set(owned.words).intersection(owned_by_edit(house.place.reading, other).media)
    found = erased(house, edit)
    assert finished in found.shared
    assert finished not in found.goes
    house.run(other)
    erased(house, other, media=True)
    assert house.place.blobs.size_of(finished) is None
    assert erased(house, edit).finished
    assert house.place.fsck().problems == ()


def test_the_same_clip_may_come_in_again(done):
    house, edit = done
    erased(house, edit, media=True)
    again = house.approved()  # the very request that was erased
    assert again != edit
    house.run(again)
    assert house.place.fsck().problems == ()
    found = erased(house, edit, media=True)  # finishing the old one takes nothing from the new one
    assert found.finished
    assert house.place.fsck().problems == ()


def test_its_folder_is_emptied_and_nothing_goes_on_in_it(done):
    house, edit = done
    folder = house.workshop.edits.path(edit)
    assert (folder / "edited.mp4").is_file()
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / "state").write_bytes(b"pictures")
    erased(house, edit)
    assert {p.name for p in folder.iterdir()} <= {"lock", "request.sha256"}
    person = house.place.person("perry")
    for work in (
        lambda: run_edit(house.workshop, edit),
        lambda: approve(house.workshop, edit, person),
        lambda: reject(house.workshop, edit, person),
        lambda: replan(house.workshop, edit, FAST),
        lambda: revise_prompt(house.workshop, edit, house.place.person("lois"), "x"),
    ):
        assert "entry" in refused("blob-erased", work).message


def test_a_replay_says_that_its_material_was_erased(done):
    house, edit = done
    erased(house, edit)
    told = {stage.stage: stage for stage in replay_edit(house.place.archive(), edit).stages}
    assert "prompt (ERASED)" in told["pass 1"].detail
    assert told["pass 1"].state is State.UNKNOWN


def test_an_edit_that_is_not_finished_ends(own: House):
    edit = own.planned()
    assert look(eraser(own), owned_by_edit(own.place.reading, edit)).ended
    erased(own, edit)
    refused("blob-erased", own.run, edit)
    assert own.planned() != edit
    assert own.place.fsck().problems == ()


def test_an_edit_that_somebody_works_on_is_left_alone(done):
    house, edit = done
    before = stored_bytes(house)
    with EditFolders(house.place.folder / "edits").lock(edit):
        refused("edit-busy", erased, house, edit)
    assert stored_bytes(house) == before
    assert records(house) == []


def test_an_edit_whose_folder_is_gone_can_be_erased(done):
    house, edit = done
    shutil.rmtree(house.workshop.edits.path(edit))
    assert erased(house, edit).finished


def test_whoever_may_not_erase_does_not(done):
    house, edit = done
    before = stored_bytes(house)
    for name in ("lois", "perry"):
        with pytest.raises(DeniedError) as caught:
            erased(house, edit, by=name)
        assert caught.value.code == "role-missing"
    assert stored_bytes(house) == before


def test_compliance_may(done):
    house, edit = done
    key = house.place.people.add("carla", None)
    admin, place = house.place.person("admin"), house.place
    enrol(place.writing, place.blobs, admin, "carla", key.public_der, [Role.COMPLIANCE], house.clock())
    assert erased(house, edit, by="carla").finished


@pytest.mark.parametrize("reason", ["", "  \n", "x" * (MAX_REASON + 1)])
def test_a_reason_is_needed(done, reason: str):
    house, edit = done
    with pytest.raises(RequestError) as caught:
        erased(house, edit, reason=reason)
    assert caught.value.code == "reason-unusable"
    assert records(house) == []
    assert house.place.fsck().problems == ()


def test_the_reason_is_kept_and_is_not_in_the_log(done):
    house, edit = done
    erased(house, edit)
    (record,) = records(house)
    assert house.place.blobs.read(record.reason) == REASON.encode()
    assert REASON.encode() not in b"".join(e.envelope for e in house.place.reading.entries())


def test_doing_it_again_changes_nothing(done):
    house, edit = done
    erased(house, edit, media=True)
    size = house.place.writing.size
    assert erased(house, edit, media=True).finished
    assert erased(house, edit).finished
    assert house.place.writing.size == size


def test_more_blobs_than_a_record_holds_take_several(done, monkeypatch: pytest.MonkeyPatch):
    house, edit = done
    monkeypatch.setattr(erasing, "MAX_ERASED", 5)
    erased(house, edit, media=True)
    parts = records(house)
    assert len(parts) > 3
    assert all(len(part.blobs) <= 5 for part in parts)
    assert len({d for part in parts for d in part.blobs}) == sum(len(part.blobs) for part in parts)
    assert house.place.fsck().problems == ()
    assert MAX_ERASED == 800


def test_a_backup_of_the_blobs_is_closed_too(done, tmp_path: Path):
    house, edit = done
    owned = owned_by_edit(house.place.reading, edit)
    backup = tmp_path / "backup"
    shutil.copytree(house.place.folder / "blobs", backup)
    erased(house, edit)
    shutil.copytree(backup, house.place.folder / "blobs", dirs_exist_ok=True)
    assert "erasure-unfinished" in {p.code for p in house.place.fsck().problems}  # files are there again
    blobs = house.place.blobs
    for entry in house.place.reading.entries(edit=edit, kinds=[Kind.INTENT]):
        refused("blob-erased", blobs.read, entry.statement.predicate.request)
    other = BlobStore(backup, Vault(tmp_path / "nothing"))
    for entry in house.place.reading.entries(edit=edit, kinds=[Kind.INTENT]):
        refused("blob-missing", other.read, entry.statement.predicate.request)
    assert owned.subjects == (f"edit:{edit}",)
    assert erased(house, edit).finished  # and are taken away again
    assert house.place.fsck().problems == ()


def test_a_restored_key_is_noticed(done):
    house, edit = done
    keys = house.place.folder / "keys" / "subjects"
    kept = {p.name: p.read_bytes() for p in keys.iterdir()}
    erased(house, edit)
    for name, content in kept.items():
        (keys / name).write_bytes(content)
    problems = {(p.code, "key of" in p.detail) for p in house.place.fsck().problems}
    assert problems == {("erasure-unfinished", True)}
    assert erased(house, edit).finished
    assert house.place.fsck().problems == ()


class Killed(BaseException):
    """A process that ends here."""


def steps_of(tool: erasing.House) -> list[tuple[object, str]]:
    return [
        (tool.ledger, "append"), (tool.blobs, "destroy_key"), (tool.blobs, "delete"), (tool.edits, "forget"),
    ]  # fmt: skip


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", ["append", "destroy_key", "delete", "forget"])
def test_killed_at_any_step_it_is_finished_by_the_same_command(
    done, step: str, when: str, monkeypatch: pytest.MonkeyPatch
):
    house, edit = done
    tool = eraser(house)
    (target,) = (t for t, name in steps_of(tool) if name == step)
    real = getattr(type(target), step)

    def kill(self: object, *args: object, **kwargs: object) -> object:
        if when == "after":
            real(self, *args, **kwargs)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(type(target), step, kill)
        with pytest.raises(Killed):
            erased(house, edit, media=True)
    house.place.writing.close()
    house = House.reopen(house.folder, START + timedelta(hours=3))
    recorded = (step, when) != ("append", "before")
    assert len(records(house)) == recorded
    codes = {p.code for p in house.place.fsck().problems}
    if not recorded:  # nothing is lost
        assert codes == set()
        house.run(edit)
    else:
        assert codes == {"erasure-unfinished"}
        refused("blob-erased", run_edit, house.workshop, edit)
        assert not look(eraser(house), owned_by_edit(house.place.reading, edit)).finished
        assert house.planned() != edit  # the same request begins anew
    assert erased(house, edit, media=True).finished
    assert len(records(house)) == 1
    assert house.place.fsck().problems == ()


def test_nothing_goes_before_it_is_on_record(done):
    house, edit = done
    before = stored_bytes(house)
    finish(eraser(house), owned_by_edit(house.place.reading, edit))
    assert stored_bytes(house) == before


def test_a_name_goes_and_its_key_stays_enrolled(own: House):
    place = own.place
    key = place.people.load("lois", None).key_id
    owned = owned_by_person(place.reading, key[:16])
    found = erase(eraser(own), owned, REASON, place.person("admin"))
    assert found.finished
    assert len(found.goes) == 1
    assert registry_of(place.writing).roles_at(key, place.writing.size) == {Role.EDITOR}
    assert own.approved()  # lois still asks
    events = [e.statement.predicate for e in place.writing.key_events()]
    (holder,) = [e.holder for e in events if e.key == key]
    refused("blob-erased", place.blobs.read, holder)
    assert place.fsck().problems == ()


def test_a_key_whose_holders_name_was_erased_can_be_revoked_and_the_name_stays_erased(own: House):
    place = own.place
    lois, admin = place.people.load("lois", None), place.person("admin")
    erase(eraser(own), owned_by_person(place.reading, lois.key_id), REASON, admin)
    revoke(place.writing, place.blobs, admin, "lois", lois.public_der, own.clock())
    event = list(place.writing.key_events())[-1].statement.predicate
    assert (event.action, place.blobs.read(event.holder)) == ("revoke", b"(erased)")
    assert place.fsck().problems == ()
    assert erase(eraser(own), owned_by_person(place.reading, lois.key_id), REASON, admin).finished


def test_a_name_goes_under_every_key_that_a_person_had(own: House):
    place, admin = own.place, own.place.person("admin")
    old = place.people.load("lois", None)
    new = place.people.add("lois-2", None)
    rotate(place.writing, place.blobs, old, new, "lois", own.clock())
    for key in (old.key_id, new.key_id):
        assert len(owned_by_person(place.reading, key).words) == 2
    assert erase(eraser(own), owned_by_person(place.reading, new.key_id), REASON, admin).finished
    for entry in place.writing.key_events():
        event = entry.statement.predicate
        if event.key in {old.key_id, new.key_id}:
            refused("blob-erased", place.blobs.read, event.holder)
    assert registry_of(place.writing).roles_at(new.key_id, place.writing.size) == {Role.EDITOR}
    assert place.fsck().problems == ()


def test_what_nothing_is_stored_of(own: House):
    refused("edit-unknown", owned_by_edit, own.place.reading, "0" * 12)
    for key in ("lois", "0" * 64, own.place.people.load("lois", None).key_id[:11], ""):
        refused("key-not-enrolled", owned_by_person, own.place.reading, key)


def test_an_edit_of_which_only_a_clip_is_stored(own: House, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(planning, "_intent", lambda *a: (_ for _ in ()).throw(OrderError("stop", "Stop.")))
    refused("stop", own.planned)
    (edit,) = own.edits()
    refused("nothing-to-erase", erased, own, edit)
    assert erased(own, edit, media=True).finished
    assert own.place.fsck().problems == ()


def test_an_erasure_by_somebody_who_may_not_is_no_erasure(done):
    """An insider with the log key and an approver's: fsck says so, and what is missing stays missing."""
    house, edit = done
    owned, place = owned_by_edit(house.place.reading, edit), house.place
    reason = place.blobs.put(b"x", "text/plain", salted=True, subject="erasure:1")
    record = Erasure(claimed_time="t", subject=owned.subject, blobs=owned.words, reason=reason)
    place.writing.append([dsse.seal(encode(statement_of(record, {})), [place.person("perry")])])
    for digest in owned.words:
        place.blobs.delete(digest)
    codes = {p.code for p in place.fsck().problems}
    assert codes == {"erasure-unauthorised", "blob-missing"}
    (intent,) = [e.statement.predicate for e in place.reading.entries(edit=edit, kinds=[Kind.INTENT])]
    with pytest.raises(LedgerError) as caught:
        place.blobs.read(intent.request)
    assert caught.value.code == "blob-missing"
