"""Attacks with keys: by an operator who holds every key of the house, and by whoever stole one."""

from __future__ import annotations

import base64
import shutil

import pytest
from house import STORY, House, quick
from simulator.studio import Story, failures, states

from void_audit.audit.evidence import gather
from void_audit.audit.verify import verify
from void_audit.canon import dsse
from void_audit.canon.statement import encode
from void_audit.identity.keys import FileSigner
from void_audit.model.base import BlobRef
from void_audit.model.proof import Receipt
from void_audit.model.records import KeyEvent, Role, Statement, Subject
from void_audit.model.report import Obligation, State
from void_audit.workflow.enrolment import enrol, registry_of, revoke, rotate, suspect
from void_audit.workflow.recorder import Recorder
from void_audit.workflow.sealing import deliver

HOLDER = BlobRef(sha256="0" * 64, size=40, media_type="text/plain", salted=True)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """clark asked and perry approved; both have a spare key that the log does not know yet."""
    with quick():
        house = House(tmp_path_factory.mktemp("house"))
        key = house.place.people.add("clark", None)
        admin = house.place.person("admin")
        roles = [Role.EDITOR, Role.APPROVER]
        enrol(house.place.writing, house.place.blobs, admin, "clark", key.public_der, roles, house.clock())
        for spare in ("clark2", "perry2", "thief"):
            house.place.people.add(spare, None)
        house.asked = house.approved(requester="clark")
        house.finished = house.run(house.asked, house.folder / "clean.mp4").delivered
        yield house


def told(house, story, name="told.mp4"):
    (house.folder / name).unlink(missing_ok=True)
    shutil.rmtree(house.folder / f"{name}.ledger", ignore_errors=True)
    (house.folder / f"{name}.mark").unlink(missing_ok=True)
    with quick():
        return house.retell(house.asked, story, name)


@pytest.fixture
def story(house) -> Story:
    return house.story(house.asked)


def event(house, action, key: FileSigner, **fields) -> Statement:
    """The next key event after those of the house, at the time of the approval."""
    registry = registry_of(house.place.reading)
    times = [e.statement.predicate.claimed_time for e in house.place.reading.entries(edit=house.asked)]
    record = KeyEvent(
        claimed_time=times[STORY.index("approval")], action=action, key=key.key_id,
        algorithm="ed25519", public_key=base64.b64encode(key.public_der).decode(),
        sequence=registry.events, previous=registry.last_leaf_hash, holder=HOLDER,
        **{"roles": (), **fields},
    )  # fmt: skip
    return Statement(subjects=(Subject(name="key", digest={"sha256": key.key_id}),), predicate=record)


def rotation(house, name, spare, roles):
    old, new = house.place.person(name), house.place.person(spare)
    return event(house, "rotate", new, roles=roles, replaces=old.key_id), f"{name} and {spare}"


def one_more_key_event(house, story):
    output = story.records[story.find("output")][0].predicate
    story.change("output", key_events=output.key_events + 1)


CLARK = (Role.APPROVER, Role.EDITOR)


def test_a_requester_who_rotates_in_between_has_not_approved(house, story):
    at = story.find("approval")
    story.records[at] = (story.records[at][0], "clark2")
    story.records.insert(at, rotation(house, "clark", "clark2", CLARK))
    one_more_key_event(house, story)
    assert failures(told(house, story).verify()) == {9}


def test_an_approver_who_rotates_in_between_counts_once(house, story):
    at = story.find("approval")
    again = (story.records[at][0], "perry2")
    story.records[at + 1 : at + 1] = [rotation(house, "perry", "perry2", (Role.APPROVER,)), again]
    one_more_key_event(house, story)
    sealed = told(house, story)
    assert failures(sealed.verify()) == set()
    found = gather(sealed.path, sealed.pins, None, None)
    assert [len(e.key_ids) for e in found.entries if e.statement.kind == "approval"] == [1, 1]
    assert found.state.valid_approvers == {house.place.person("perry").key_id}


THIEF = {
    "the old key alone": "perry",
    "the new key alone": "thief",
    "an administrator's": "admin and thief",
    "two and a third": "perry and thief and admin",
}


@pytest.mark.parametrize("how", THIEF)
def test_a_rotation_takes_both_keys(house, story, how):
    at = story.find("approval")
    statement, _ = rotation(house, "perry", "thief", (Role.APPROVER,))
    story.records[at] = (story.records[at][0], "thief")
    story.records.insert(at, (statement, THIEF[how]))
    one_more_key_event(house, story)
    assert 4 in failures(told(house, story).verify())


def test_a_rotation_that_was_hidden_is_missed(house, story):
    at = story.find("approval")
    story.records[at] = (story.records[at][0], "perry2")
    story.records.insert(at, rotation(house, "perry", "perry2", (Role.APPROVER,)))
    one_more_key_event(house, story)
    place = len(list(house.place.reading.key_events())) + at
    story.tamper = lambda a: a.model_copy(update={"records": tuple(r for r in a.records if r.index != place)})
    assert 4 in failures(told(house, story).verify())


def test_whoever_signs_after_they_were_revoked_has_not_signed(house, story):
    at = story.find("approval")
    story.records.insert(at, (event(house, "revoke", house.place.person("perry")), "admin"))
    one_more_key_event(house, story)
    assert failures(told(house, story).verify()) == {4, 9}


def test_a_suspect_signature_is_neither_green_nor_red(house, story):
    perry, at = house.place.person("perry"), story.find("approval")
    since = len(list(house.place.reading.key_events())) + at  # of the approval itself
    story.records.insert(at + 1, (event(house, "suspect", perry, compromised_since=since), "admin"))
    one_more_key_event(house, story)
    report = told(house, story).verify()
    assert states(report)[4] is State.UNKNOWN
    assert failures(report) == set()
    finding = next(f for f in report.findings if f.obligation is Obligation.SIGNATURES)
    assert f"approval at entry {since}" in finding.detail
    assert perry.key_id[:16] in finding.detail
    assert f"suspect from entry {since}" in finding.detail
    assert finding.remedy
    assert report.exit_code == 3


def test_a_suspicion_from_after_the_signature_leaves_it_green(house, story):
    perry, at = house.place.person("perry"), story.find("approval")
    since = len(list(house.place.reading.key_events())) + at + 1
    story.records.insert(at + 1, (event(house, "suspect", perry, compromised_since=since), "admin"))
    one_more_key_event(house, story)
    assert states(told(house, story).verify())[4] is State.PASS


class Later:
    """The finished file with the receipt that the house writes once more has happened."""

    def __init__(self, folder, template):
        self.house = House.copied(template.folder, folder)
        self.house.at(template.clock())
        self.house.asked = template.asked
        self.edit, self.file = template.asked, folder / "clean.mp4"
        self.place = self.house.place

    def happens(self, what, name, *arguments, by="admin"):
        public = self.place.people.public_der(name)
        admin, log = self.place.person(by), self.place.writing
        what(log, self.place.blobs, admin, name, public, *arguments)

    def finding(self):
        deliver(Recorder(self.house.workshop, self.edit), self.file)
        return self.verified()

    def verified(self):
        report = verify(self.file, self.house.pins())
        return report, next(f for f in report.findings if f.obligation is Obligation.SIGNATURES)

    @property
    def receipt_path(self):
        return self.file.with_name(self.file.name + ".receipt")

    def receipt(self) -> Receipt:
        return Receipt.model_validate_json(self.receipt_path.read_text())

    def forge(self, **fields):
        self.receipt_path.write_text(self.receipt().model_copy(update=fields).model_dump_json())


@pytest.fixture
def later(house, tmp_path):
    with quick():
        yield Later(tmp_path / "later", house)


def test_a_key_revoked_later_stays_green_for_what_it_signed_before(later):
    later.happens(revoke, "perry", later.house.clock())
    report, found = later.finding()
    assert (failures(report), found.state) == (set(), State.PASS)
    assert "(revoked at entry" in found.detail
    last = later.receipt().key_events[-1].index
    assert f"Revocations after entry {last} would not show" in found.detail


def test_a_suspicion_that_came_later_reaches_what_was_signed_before(later):
    later.happens(suspect, "perry", 3, later.house.clock())
    report, found = later.finding()
    assert (failures(report), found.state) == (set(), State.UNKNOWN)
    assert "approval at entry" in found.detail
    assert states(report)[9] is State.PASS


def test_a_revocation_with_a_range_that_came_later(later):
    later.happens(revoke, "clark", later.house.clock(), 3)
    _, found = later.finding()
    assert found.state is State.UNKNOWN
    assert "intent at entry" in found.detail


def test_a_suspect_machine_taints_the_seal_that_only_the_receipt_holds(later):
    sealed_at = later.receipt().entry.index
    public = later.place.services.public_der("machine")
    admin, log = later.place.person("admin"), later.place.writing
    suspect(log, later.place.blobs, admin, "machine", public, sealed_at, later.house.clock())
    _, found = later.finding()
    assert found.state is State.UNKNOWN
    assert f"seal at entry {sealed_at}" in found.detail


def test_rotations_that_came_later_take_nothing_away(later):
    old = later.place.person("perry")
    new = later.place.people.begin_rotation("perry", None)
    rotate(later.place.writing, later.place.blobs, old, new, "perry", later.house.clock())
    report, found = later.finding()
    assert (failures(report), found.state) == (set(), State.PASS)
    assert "(rotated at entry" in found.detail


def forged(later, how):
    """The receipt with its one later key event bent; and what is then said."""
    (event,) = later.receipt().key_events
    other = later.receipt().entry
    later.forge(**{
        "another entry's proof": {"key_events": (event.model_copy(update={"proof": other.proof[:-1]}),)},
        "another index": {"key_events": (event.model_copy(update={"index": event.index - 1}),)},
        "no key event": {"key_events": (other,)},
        "not base64": {"key_events": (event.model_copy(update={"envelope": "$$$$"}),)},
        "another checkpoint": {"checkpoint": "planet/void-audit/0\n99\n" + "A" * 43 + "=\n\n— x AAAA\n"},
        "no consistency": {"consistency": ()},
        "another consistency": {"consistency": ("0" * 64,)},
    }[how])  # fmt: skip


@pytest.mark.parametrize(
    "how",
    [
        "another entry's proof",
        "another index",
        "no key event",
        "not base64",
        "another checkpoint",
        "no consistency",
        "another consistency",
    ],
)
def test_what_a_receipt_makes_up_about_keys_is_not_believed(later, how):
    later.happens(suspect, "perry", 3, later.house.clock())
    assert later.finding()[1].state is State.UNKNOWN
    forged(later, how)
    _, found = later.verified()
    assert found.state is State.PASS
    assert "is not believed" in found.detail
    assert "would not show here" in found.detail


def test_a_suspicion_left_out_of_the_receipt_is_not_claimed_to_be_known_of(later):
    later.happens(suspect, "perry", 3, later.house.clock())
    later.happens(revoke, "perry", later.house.clock())
    later.finding()
    first, second = later.receipt().key_events
    later.forge(key_events=(second,))  # the chain has a gap
    assert "is not believed" in later.verified()[1].detail
    later.forge(key_events=(first,))
    assert (
        f"after entry {first.index} would not show" not in later.verified()[1].detail
    )  # it is suspect already
    later.forge(key_events=())
    _, found = later.verified()
    assert found.state is State.PASS
    assert f"after entry {first.index}" not in found.detail


def test_a_key_event_that_nobody_signed_validly(later):
    """An operator may log anything: an event that no administrator signed is in the log, and counts for nothing."""
    perry, admin = later.place.person("perry"), later.place.person("admin")

    class Liar:
        key_id = admin.key_id
        sign = staticmethod(perry.sign)

    statement = event(later.house, "suspect", perry, compromised_since=3)
    later.place.writing.append([dsse.seal(encode(statement), [Liar()])])
    _, found = later.finding()
    assert found.state is State.PASS
    assert "is not believed" in found.detail
