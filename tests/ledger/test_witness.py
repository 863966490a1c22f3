"""A witness as a state machine: what it answers, and that nothing makes it sign two histories."""

from __future__ import annotations

import base64
import multiprocessing
import shutil
import signal
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from conftest_ledger import ORIGIN, key
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, rule
from witnessing import HONEST, LOG_KEY, NOW, MemoryLog, die, make_witness, opened

from void_audit.canon import merkle
from void_audit.canon import note as notes
from void_audit.canon.checkpoint import Checkpoint, open_checkpoint, parse_text, sign_checkpoint
from void_audit.canon.cosignature import CosignerKey, time_of
from void_audit.canon.note import VerifierKey
from void_audit.errors import StorageError
from void_audit.ledger.witness import NOTHING, Known, refusal
from void_audit.ledger.witness_protocol import AddCheckpoint, monitoring_path

FORKED = MemoryLog.of(40, "rewritten", fork_at=7)


@pytest.fixture
def place(tmp_path):
    return make_witness(tmp_path / "witness")


def cosigned(place, answer, log: MemoryLog, size: int) -> list[int]:
    """Times of the cosignatures in an answer, each checked under the witness's keys."""
    assert answer.status == 200
    keys = [CosignerKey.parse(vkey) for vkey in place.vkeys]
    note = notes.parse(notes.parse(log.note(size)).text + "\n" + answer.body)
    return [time_of(s) for k in keys for s in notes.signatures_of(note, k)]


def test_a_growing_log_is_cosigned_with_every_key(place) -> None:
    witness = opened(place)
    for old, size in [(0, 1), (1, 7), (7, 8), (8, 8), (8, 40)]:
        assert cosigned(place, witness.add_checkpoint(HONEST.request(old, size)), HONEST, size) == [NOW, NOW]
    assert witness.latest(ORIGIN) == Known(40, HONEST.tree.root())


def test_the_first_checkpoint_may_have_any_size_and_zero_is_one(place) -> None:
    witness = opened(place)
    assert witness.add_checkpoint(HONEST.request(0, 0)).status == 200
    assert witness.add_checkpoint(HONEST.request(0, 33)).status == 200


def status(witness, body: bytes) -> int:
    return witness.add_checkpoint(body).status


def test_every_refusal_has_its_status(place) -> None:
    witness = opened(place)
    assert status(witness, HONEST.request(0, 8)) == 200
    other_origin = MemoryLog(HONEST.tree, "log.example/other")
    good = AddCheckpoint.parse(HONEST.request(8, 20))
    text = notes.parse(good.note).text
    refused = {
        400: [b"", b"old 8\n\nwords\n", b"old 8\n\n" + text.encode(), replace(good, old=21).body(),
              replace(good, note=good.note.replace("\n20\n", "\n020\n")).body()],
        404: [other_origin.request(0, 8)],
        403: [replace(good, note=good.note.replace("\n20\n", "\n21\n")).body(),
              replace(good, note=str(notes.sign(text, ORIGIN, key(5)))).body(),
              replace(good, note=str(notes.sign(text, "log.example/other", key(1)))).body()],
        409: [HONEST.request(0, 20), HONEST.request(7, 20), HONEST.request(9, 20), HONEST.request(5, 5)],
        422: [replace(good, proof=()).body(), replace(good, proof=(*good.proof, bytes(32))).body(),
              replace(good, proof=tuple(reversed(good.proof))).body(), FORKED.request(8, 20), FORKED.request(8, 8),
              replace(AddCheckpoint.parse(HONEST.request(8, 8)), proof=(bytes(32),)).body()],
    }  # fmt: skip
    for expected, bodies in refused.items():
        assert [status(witness, body) for body in bodies] == [expected] * len(bodies)
    assert "forked" in witness.add_checkpoint(FORKED.request(8, 8)).body
    stale = witness.add_checkpoint(HONEST.request(0, 20))
    assert (stale.body, stale.media_type) == ("8\n", "text/x.tlog.size")
    assert witness.latest(ORIGIN).size == 8


def test_a_false_signature_under_the_log_s_name_condemns_even_beside_a_good_one(place) -> None:
    good = AddCheckpoint.parse(HONEST.request(0, 8))
    line = notes.parse(good.note).signatures[0]
    false = notes.NoteSignature(line.name, line.key_hash, bytes(64))
    assert status(opened(place), replace(good, note=good.note + false.line()).body()) == 403
    stranger = notes.NoteSignature("stranger.example", bytes(4), bytes(64))
    assert status(opened(place), replace(good, note=good.note + stranger.line()).body()) == 200


def test_a_log_may_be_known_by_two_keys(place) -> None:
    witness = opened(place)
    assert status(witness, HONEST.request(0, 8)) == 200
    place.store.add_log(VerifierKey.of(ORIGIN, key(6)))
    text = notes.parse(HONEST.note(20)).text
    request = AddCheckpoint.parse(HONEST.request(8, 20))
    assert status(witness, replace(request, note=str(notes.sign(text, ORIGIN, key(6)))).body()) == 200


def test_an_empty_tree_with_another_root_is_no_empty_tree(place) -> None:
    note = sign_checkpoint(Checkpoint(ORIGIN, 0, bytes(32)), key(1))
    assert status(opened(place), AddCheckpoint(0, (), note).body()) == 422


def test_what_monitors_see_was_cosigned_and_holds_no_stranger_s_line(place) -> None:
    witness = opened(place)
    hashed = monitoring_path(ORIGIN).split("/")[1]
    assert witness.checkpoint(hashed) is None
    good = AddCheckpoint.parse(HONEST.request(0, 8))
    stranger = notes.NoteSignature("stranger.example", bytes(4), bytes(64))
    witness.add_checkpoint(replace(good, note=good.note + stranger.line()).body())
    shown = witness.checkpoint(hashed)
    assert open_checkpoint(shown, LOG_KEY).size == 8
    assert [s.name for s in notes.parse(shown).signatures] == [
        ORIGIN,
        "witness.example/w1",
        "witness.example/w1",
    ]


def test_extensions_of_a_checkpoint_are_cosigned_with_it(place) -> None:
    checkpoint = Checkpoint(ORIGIN, 8, parse_text(notes.parse(HONEST.note(8)).text).root, ("more",))
    note = sign_checkpoint(checkpoint, key(1))
    assert status(opened(place), AddCheckpoint(0, (), note).body()) == 200
    assert status(opened(place), HONEST.request(8, 9)) == 200


def test_the_pure_part_says_nothing_against_an_extension_of_what_it_knows() -> None:
    request = AddCheckpoint.parse(HONEST.request(0, 8))
    checkpoint = parse_text(notes.parse(request.note).text)
    assert refusal(request, checkpoint, NOTHING) is None
    assert refusal(request, checkpoint, Known(8, checkpoint.root)).status == 409


def test_two_requests_that_race_do_not_both_win(place) -> None:
    """The race of the specification: B is stored between A's check and A's commit."""
    assert status(opened(place), HONEST.request(0, 7)) == 200
    rival = opened(place)
    beside: list[int] = []

    def come_between() -> None:
        thread = threading.Thread(target=lambda: beside.append(status(rival, FORKED.request(7, 30))))
        thread.start()
        thread.join(0.3)  # it must wait for the one that is in between
        come_between.thread = thread

    first = opened(place, before_commit=come_between)
    assert status(first, HONEST.request(7, 20)) == 200
    come_between.thread.join()
    assert beside == [409]
    assert rival.latest(ORIGIN) == Known(20, merkle.root_of(HONEST.tree.read, 20))


def test_many_clients_with_two_histories_get_only_one(place) -> None:
    assert status(opened(place), HONEST.request(0, 7)) == 200
    requests = [log.request(7, 8 + n) for n in range(8) for log in (HONEST, FORKED)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda body: status(opened(place), body), requests))
    assert answers.count(200) == 1
    assert set(answers) == {200, 409}


@pytest.mark.parametrize(
    ("death", "size"),
    [("before the answer", 20), ("before the mark", 20), ("before the commit", 7)],
)
def test_killed_between_check_and_answer_it_remembers_what_it_may_have_signed(
    place, death: str, size: int
) -> None:
    assert status(opened(place), HONEST.request(0, 7)) == 200
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=die, args=(place.folder, death, HONEST.request(7, 20)))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    again = opened(place)
    assert again.latest(ORIGIN).size == size
    answer = status(again, FORKED.request(7, 20))
    assert answer == (409 if size == 20 else 200)  # never both histories


def test_a_database_from_a_backup_does_not_make_it_sign_another_history(place) -> None:
    assert status(opened(place), HONEST.request(0, 7)) == 200
    backup = place.folder.with_name("backup")
    shutil.copytree(place.folder, backup)
    assert status(opened(place), HONEST.request(7, 20)) == 200
    for path in place.folder.glob("witness.sqlite*"):
        path.unlink()
    for path in backup.glob("witness.sqlite*"):
        shutil.copy(path, place.folder)
    restored = opened(place)
    assert restored.latest(ORIGIN).size == 20
    assert status(restored, FORKED.request(7, 30)) == 409
    assert status(restored, FORKED.request(20, 30)) == 422
    assert status(restored, HONEST.request(20, 30)) == 200
    assert [log.known.size for log in place.logs()] == [30]


def test_a_database_that_is_gone_altogether(place) -> None:
    assert status(opened(place), HONEST.request(0, 20)) == 200
    for path in place.folder.glob("witness.sqlite*"):
        path.unlink()
    again = opened(place)
    assert status(again, HONEST.request(0, 20)) == 404
    again._store.add_log(LOG_KEY)
    assert status(again, FORKED.request(0, 20)) == 409


def test_what_cannot_be_stored_is_not_cosigned(place, monkeypatch) -> None:
    witness = opened(place)
    monkeypatch.setattr(
        "void_audit.ledger.witness.write_mark",
        lambda *args: (_ for _ in ()).throw(StorageError("storage-full", "No room.")),
    )
    with pytest.raises(StorageError):
        witness.add_checkpoint(HONEST.request(0, 7))
    monkeypatch.undo()
    assert status(witness, HONEST.request(7, 7)) == 200  # the same again, and it may be had


class OneHistory(RuleBasedStateMachine):
    """Whatever is asked in whatever order: all that was ever cosigned is one history."""

    sizes = Bundle("sizes")

    @initialize()
    def begin(self) -> None:
        self.room = tempfile.TemporaryDirectory()
        self.place = make_witness(Path(self.room.name) / "w")
        self.witness = opened(self.place)
        self.signed: list[Checkpoint] = []

    @rule(old=st.integers(0, 12), size=st.integers(0, 12), forked=st.booleans(), reopen=st.booleans())
    def ask(self, old: int, size: int, forked: bool, reopen: bool) -> None:
        log = MemoryLog.of(12, "other" if forked else "honest", fork_at=3)
        if reopen:
            self.witness = opened(self.place)
        proof = merkle.consistency_proof(log.tree.read, old, size) if old <= size else ()
        note = log.note(size)
        if self.witness.add_checkpoint(AddCheckpoint(old, proof, note).body()).status == 200:
            self.signed.append(parse_text(notes.parse(note).text))

    def teardown(self) -> None:
        sizes = [c.size for c in self.signed]
        assert sizes == sorted(sizes)
        honest, other = ((MemoryLog.of(12, h, fork_at=3)) for h in ("honest", "other"))
        for log in (honest, other):
            if all(c.root == merkle.root_of(log.tree.read, c.size) for c in self.signed):
                break
        else:
            raise AssertionError(f"two histories: {self.signed}")
        self.room.cleanup()


TestOneHistory = OneHistory.TestCase
TestOneHistory.settings = settings(max_examples=8, stateful_step_count=12)


def test_keys_and_bodies_are_what_the_vectors_of_others_would_be(place) -> None:
    """The bytes of a body, written down a second time."""
    root = base64.b64encode(merkle.root_of(HONEST.tree.read, 2)).decode()
    body = HONEST.request(1, 2).decode()
    sibling = base64.b64encode(HONEST.tree.read(0, 1)).decode()
    assert body.startswith(f"old 1\n{sibling}\n\n{ORIGIN}\n2\n{root}\n\n\u2014 {ORIGIN} ")
