from __future__ import annotations

import pytest
from outsiders import POLICY, cosigned

from void_audit.canon.note import VerifierKey
from void_audit.canon.tlog_policy import Policy
from void_audit.cli.notary import OPERATOR_TRUSTED, HouseNotary, house_policy
from void_audit.cli.session import workspace_at
from void_audit.errors import IdentityError, LedgerError
from void_audit.ledger.witness_client import CONTRADICTS, Asked, WitnessClient, WitnessWarning

VKEY = str(VerifierKey("newsroom.example/void-audit/1", bytes(32)))
OTHER = str(VerifierKey("newsroom.example/void-audit/2", bytes(32)))


class Scripted:
    """As much of a ledger and of its witnesses as a notary needs."""

    def __init__(self, *asked: Asked) -> None:
        self.asked, self.kept = list(asked), []

    def ask(self, ledger, size: int) -> Asked:
        return self.asked.pop(0)

    def add_cosignatures(self, size: int, lines) -> None:
        self.kept.append((size, tuple(lines)))

    def cosigned(self, size: int) -> str:
        if size > 9:
            raise LedgerError("checkpoint-missing", "There is none.")
        return f"note of {size}"

    def tokens(self, digest: bytes) -> list:
        return []


def policy_in(folder, text: str) -> Policy:
    (folder / "trust").mkdir(exist_ok=True)
    (folder / "trust" / "log.policy").write_text(text)
    return house_policy(folder, VKEY)


def test_a_house_without_a_policy_has_no_witness(tmp_path) -> None:
    assert house_policy(tmp_path, VKEY) == Policy()
    assert policy_in(tmp_path, OPERATOR_TRUSTED.format(vkey=VKEY)).quorum is None


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "log-policy-malformed"), (OPERATOR_TRUSTED.format(vkey=OTHER), "log-policy-other")],
)
def test_a_policy_that_is_not_this_house_s_is_no_policy(tmp_path, text: str, code: str) -> None:
    with pytest.raises(IdentityError) as caught:
        policy_in(tmp_path, text)
    assert caught.value.code == code
    assert "log.policy" in caught.value.message


def test_a_policy_that_cannot_be_read_is_not_taken_for_none(tmp_path) -> None:
    (tmp_path / "trust" / "log.policy").mkdir(parents=True)
    with pytest.raises(IdentityError) as caught:
        house_policy(tmp_path, VKEY)
    assert caught.value.code == "log-policy-unreadable"


def test_what_witnesses_sign_is_kept_and_what_goes_wrong_is_said_once_the_alarm_first() -> None:
    slow = WitnessWarning("witness-unreachable", "a", "is slow.")
    alarm = WitnessWarning(CONTRADICTS, "b", "knows better.")
    script = Scripted(Asked(("line\n",), (slow, alarm)), Asked((), (slow,)))
    notary = HouseNotary(script)
    assert notary.ask(script, 5).contradicted
    notary.ask(script, 6)
    assert script.kept == [(5, ("line\n",))]
    assert notary.warnings == (f"{CONTRADICTS}: b knows better.", "witness-unreachable: a is slow.")


def test_a_notary_without_witnesses_asks_nobody() -> None:
    class Log(Scripted):
        vkey = VKEY

    log = Log()
    log.cosigned = lambda size: "text\n\n\u2014 a AAAAAAAA\n"
    assert HouseNotary(WitnessClient(Policy())).ask(log, 5) == Asked()


def test_a_kept_cosignature_that_is_wrong_stops_no_edit(own) -> None:
    place = workspace_at(own.folder / ".void-audit")
    vkey = place.log_vkey()
    (place.folder / "trust" / "log.policy").write_text(f"log {vkey}\n{POLICY}")
    ledger, notary = place.writing, place.notary()
    size = ledger.size
    good = cosigned(ledger.checkpoint())
    ledger.add_cosignatures(size, [good.splitlines(keepends=True)[-1]])
    assert notary.attest(ledger, size).note == good
    assert notary.warnings == ()
    wrong = cosigned(ledger.checkpoint_at(1)).splitlines(keepends=True)[-1]  # of another checkpoint
    ledger.add_cosignatures(size, [wrong])
    assert notary.attest(ledger, size).note == ledger.checkpoint()
    (said,) = notary.warnings
    assert "note-signature-bad" in said
