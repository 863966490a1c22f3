"""A log asks its witnesses: good ones, slow ones, hostile ones, and one that knows better."""

from __future__ import annotations

import shutil
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from conftest_ledger import ORIGIN, Home, envelope, key
from rude_server import http, rude
from test_witness_server import serving
from witnessing import NOW, make_witness, opened

from void_audit.canon import note as notes
from void_audit.canon.checkpoint import Checkpoint, sign_checkpoint
from void_audit.canon.tlog_policy import parse_policy
from void_audit.errors import NoteError
from void_audit.ledger.log import Ledger
from void_audit.ledger.witness_client import CONTRADICTS, WitnessClient, said

GOOD = "witness.example/w1"


class Street:
    """A log, and witnesses with their servers; closes everything at its end."""

    def __init__(self, folder: Path, ledger: Ledger, stack: ExitStack) -> None:
        self.folder, self.ledger, self._stack = folder, ledger, stack
        self.lines: list[str] = []
        self.places = {}

    def good(self, name: str, now: int = NOW):
        """A witness that answers; its two keys are ``name`` and ``name-pq``."""
        place = make_witness(self.folder / name, f"{name}.example")
        server = self._stack.enter_context(serving(opened(place, now=now)))
        self.add(name, place, server.url)
        self.places[name] = place
        return server

    def bad(self, name: str, reply):
        """Something that is found where a witness should be."""
        place = make_witness(self.folder / name, f"{name}.example")
        server = self._stack.enter_context(rude(reply))
        self.add(name, place, server.url)
        self.places[name] = place
        return server

    def add(self, name: str, place, url: str) -> None:
        for suffix, vkey in zip(("", "-pq"), place.vkeys, strict=True):
            self.lines.append(f"witness {name}{suffix} {vkey} {url}")

    def client(self, seconds: float = 2.0) -> WitnessClient:
        policy = parse_policy("\n".join([f"log {self.ledger.vkey}", *self.lines, "quorum none"]))
        return WitnessClient(policy, seconds, lambda: NOW)

    def ask(self, client: WitnessClient | None = None, size: int | None = None):
        return (client or self.client()).ask(self.ledger, size or self.ledger.size)


@pytest.fixture
def street(tmp_path, copy: Home):
    with ExitStack() as stack:
        ledger = copy.open()
        stack.callback(ledger.close)
        yield Street(tmp_path, ledger, stack)


def codes(asked) -> set[str]:
    return {warning.code for warning in asked.warnings}


def test_all_keys_of_all_witnesses_cosign_and_it_is_kept(street) -> None:
    for name in ("a", "b"):
        street.good(name)
    client = street.client()
    asked = street.ask(client)
    assert (len(asked.lines), asked.warnings) == (4, ())
    street.ledger.add_cosignatures(7, asked.lines)
    verdict = client.policy.judge([street.ledger.cosigned(7)])
    assert verdict.cosigned == (("a", NOW), ("a-pq", NOW), ("b", NOW), ("b-pq", NOW))
    assert street.ask(client) == street.ask() == type(asked)()  # whoever has signed is not asked again


def test_a_witness_that_is_behind_gets_a_proof_from_where_it_is(street) -> None:
    street.good("a")
    assert len(street.ask(size=3).lines) == 2
    forgetful = street.client()  # does not know how far the witness is: 409, then the proof
    assert len(street.ask(forgetful, 4).lines) == 2
    street.ledger.append([envelope(n) for n in range(7, 20)])
    assert len(street.ask(forgetful).lines) == 2


def test_a_witness_that_has_come_further_with_this_very_log_is_no_alarm(street) -> None:
    street.good("a")
    assert len(street.ask().lines) == 2
    assert codes(street.ask(size=4)) == {"witness-ahead"}


def test_a_log_that_was_put_back_from_a_backup_is_contradicted_with_proof(street, copy: Home) -> None:
    backup = copy.root.with_name("backup")
    shutil.copytree(copy.root, backup)
    street.good("a")
    street.ledger.append([envelope(7), envelope(8)])
    assert len(street.ask().lines) == 2
    old = Ledger.open(backup / "ledger")
    asked = street.client().ask(old, 7)
    old.close()
    assert asked.contradicted
    assert asked.lines == ()
    (warning,) = asked.warnings
    assert "9 entries" in warning.message
    assert "and shows it" in warning.message


@pytest.mark.parametrize("entries", [7, 12])
def test_a_rewritten_history_is_contradicted_with_proof(street, tmp_path, entries: int) -> None:
    street.good("a")
    assert len(street.ask().lines) == 2
    rewritten = Home(tmp_path / "rewritten").create()
    rewritten.append([envelope(n) for n in range(100, 100 + entries)])
    asked = street.client().ask(rewritten, entries)
    rewritten.close()
    assert asked.contradicted
    assert "and shows it: a checkpoint of 7 entries" in asked.warnings[0].message
    assert said(asked.warnings)[0].startswith(f"{CONTRADICTS}: a/a-pq says")


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (http(422, b"no"), CONTRADICTS),
        (http(409, b"99\n", "Content-Type: text/x.tlog.size"), CONTRADICTS),
        (http(409, b"no", "Content-Type: text/plain"), "witness-failed"),
        (http(409, b"<html>", "Content-Type: text/x.tlog.size"), "witness-failed"),
        (http(409, b"3\n", "Content-Type: text/x.tlog.size"), "witness-failed"),  # again and again
        (http(404, b"<html>"), "witness-refused"),
        (http(403, b""), "witness-refused"),
        (http(400, b""), "witness-failed"),
        (http(500, b""), "witness-failed"),
        (http(302, b"", "Location: http://127.0.0.1:1/"), "witness-failed"),
        (http(200, b""), "witness-malformed"),
        (http(200, b"<html><body>Welcome</body></html>", "Content-Type: text/html"), "witness-malformed"),
        (http(200, b"\xff\xfe"), "witness-malformed"),
        (http(200, b"x" * 100_000), "witness-unreachable"),
        (http(200, b"another text\n\n\xe2\x80\x94 a.example AAAAAAA=\n"), "witness-malformed"),
        (http(200, "\u2014 stranger.example AAAAAAAAAAA=\n".encode()), "witness-unsigned"),
        ([b""], "witness-unreachable"),
    ],
)  # fmt: skip
def test_what_a_hostile_witness_answers_is_a_warning_and_stops_nobody(street, reply, code: str) -> None:
    street.bad("bad", lambda request: reply)
    street.good("good")
    asked = street.ask()
    assert codes(asked) == {code}
    assert len(asked.lines) == 2
    if code == CONTRADICTS:
        assert "shows no checkpoint that proves it" in asked.warnings[0].message


def test_one_that_trickles_costs_a_few_seconds_and_the_others_are_kept(street) -> None:
    street.bad(
        "slow", lambda request: [b"HTTP/1.1 200 OK\r\n", *[p for n in range(40) for p in (b"X: y\r\n", 0.05)]]
    )
    street.good("good")
    began = time.monotonic()
    asked = street.ask(street.client(0.5))
    assert time.monotonic() - began < 1.5
    assert codes(asked) == {"witness-unreachable"}
    assert len(asked.lines) == 2


def cosignature(street, name: str, note: str, now: int = NOW) -> bytes:
    """What the witness would sign, had it no scruples."""
    text = notes.parse(note).text
    lines = opened(street.places[name], now=now)._cosign(text, now)
    return "".join(line.line() for line in lines).encode()


def test_a_signature_over_another_root_or_of_nothing_is_not_kept(street) -> None:
    other = sign_checkpoint(Checkpoint(ORIGIN, 7, bytes(32)), key(1))
    street.bad("a", lambda request: http(200, cosignature(street, "a", other)))
    street.bad(
        "b", lambda request: http(200, cosignature(street, "b", street.ledger.checkpoint())[:-8] + b"AAAA=\n")
    )
    street.bad("c", lambda request: http(200, cosignature(street, "a", street.ledger.checkpoint())))
    asked = street.ask()
    assert asked.lines == ()
    assert {(w.witness, w.code) for w in asked.warnings} >= {
        ("a", "witness-signature-bad"),
        ("a-pq", "witness-signature-bad"),
        ("c", "witness-unsigned"),
    }


@pytest.mark.parametrize("off", [-3700, 3700, 2**40])
def test_a_witness_whose_clock_is_elsewhere_is_not_kept(street, off: int) -> None:
    street.good("a", now=NOW + off)
    asked = street.ask()
    assert (asked.lines, codes(asked)) == ((), {"witness-clock"})


def test_a_witness_that_signs_with_one_of_its_two_keys(street) -> None:
    street.bad(
        "a",
        lambda request: http(200, cosignature(street, "a", street.ledger.checkpoint()).splitlines(True)[0]),
    )
    asked = street.ask()
    assert len(asked.lines) == 1
    assert [(w.witness, w.code) for w in asked.warnings] == [("a-pq", "witness-unsigned")]


def test_a_claim_of_another_history_that_its_own_checkpoint_denies_is_no_proof(street) -> None:
    note = street.ledger.checkpoint().encode()
    street.bad("a", lambda request: http(200, note) if request.startswith(b"GET") else http(422, b""))
    (warning,) = street.ask().warnings
    assert (warning.code, "shows no checkpoint" in warning.message) == (CONTRADICTS, True)


def test_a_witness_without_a_url_is_not_asked(street) -> None:
    street.good("a")
    street.lines = [line.rsplit(" ", 1)[0] for line in street.lines]
    assert street.ask() == type(street.ask())()


def test_a_witness_that_does_not_know_this_log(street) -> None:
    street.bad("a", lambda request: http(404, b""))
    assert "add-log" in said(street.ask().warnings)[0]


def test_nothing_but_checkpoint_and_proof_leaves_the_house(street) -> None:
    server = street.bad("a", lambda request: http(500, b""))
    street.ask()
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert body == b"old 0\n\n" + street.ledger.checkpoint().encode()
    names = {line.split(b":")[0].lower() for line in head.split(b"\r\n")[1:]}
    assert names == {b"host", b"content-length", b"content-type", b"accept-encoding", b"connection"}


def test_a_stored_cosignature_that_somebody_changed_is_not_passed_over(street) -> None:
    street.good("a")
    (line, _) = street.ask().lines
    parsed = notes.parse(street.ledger.checkpoint() + line).signatures[-1]
    street.ledger.add_cosignatures(7, [notes.NoteSignature(parsed.name, parsed.key_hash, bytes(72)).line()])
    with pytest.raises(NoteError):
        street.ask()
