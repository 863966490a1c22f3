"""Commands that write have the log stamped at an interval; one that reads asks nobody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import tsa
from tsa import Tsa, present, serving

from void_audit.cli import console, stamping
from void_audit.cli import notary as notaries
from void_audit.cli.notary import HouseNotary
from void_audit.cli.session import workspace_at
from void_audit.errors import LedgerError, TokenError
from void_audit.ledger.authorities import Authorities

TSA = Tsa()


def configure(terminal, *urls, roots=TSA.root_pem):
    tsa.configure(terminal.folder / ".void-audit", *urls, roots=roots)


def test_a_command_that_writes_stamps_what_is_due(own):
    with serving(present(TSA)) as server:
        configure(own, server.url)
        own("keys list")  # writes nothing
        assert server.asked == 0
        own("keys add clark --role editor")
        assert server.asked == 1
        own("keys add jimmy2 --role editor")  # that was not a day ago
        assert server.asked == 1
        server.answer = lambda asked: TSA.reply(asked, datetime.now(UTC) - timedelta(hours=30))
        own("ledger timestamp")
        assert server.asked == 2
        own("keys add perry2 --role editor")
        assert server.asked == 3


def test_an_authority_that_fails_stops_nothing(own):
    configure(own, "http://127.0.0.1:9/")
    said = own("keys add clark --role editor")
    assert "warning: no time stamp (authority-failed): 127.0.0.1:9" in said.stderr
    own.json("keys add jimmy2 --role editor")  # standard output holds nothing else


class Log:
    """As much of a ledger as keeping up needs: it has grown."""

    def __init__(self, *stamped) -> None:
        self.stamped, self.sizes = stamped or None, [1]

    @property
    def size(self) -> int:
        return self.sizes.pop() if len(self.sizes) else 2

    def newest_stamped(self):
        return self.stamped

    def tokens(self, digest):
        return []

    def checkpoint_at(self, size):
        raise LedgerError("checkpoint-missing", "asked for")


def test_who_did_not_answer_a_command_is_not_waited_for_again_when_it_ends(capsys):
    asked = []

    def authorities():
        asked.append(1)
        raise TokenError("authority-failed", "It did not answer.")

    notary = HouseNotary(None, authorities)
    log = Log()

    @console.guarded
    def command() -> None:
        stamping.keep_up(log, lambda: notary, 24, lambda: datetime.now(UTC))
        notary.stamp(log, "00" * 32)

    command()
    assert asked == [1]
    assert "authority-failed" not in capsys.readouterr().err  # the command has said it itself
    assert len(notary.warnings) == 1


def test_one_workspace_has_one_notary(own):
    place = workspace_at(own.folder / ".void-audit")
    assert place.notary() is place.studio().notary


def test_whoever_only_keeps_up_does_not_wait_for_long(monkeypatch):
    given = []
    monkeypatch.setattr(notaries, "stamp_checkpoint", lambda log, who, size: given.append(who.patience))
    for patience in (15.0, 1.0):
        notary = HouseNotary(
            None, lambda patience=patience: Authorities(("http://tsa.example",), "", patience)
        )
        notary.keep_up(Log(), 24, datetime.now(UTC))
    assert given == [notaries.KEEP_UP_SECONDS, 1.0]


def test_a_token_that_is_none_does_not_keep_the_log_from_being_stamped():
    notary = HouseNotary(None, lambda: Authorities(("http://tsa.example",), ""))
    notary.keep_up(Log(0, b"garbage"), 24, datetime.now(UTC))
    assert notary.warnings == ("no time stamp (checkpoint-missing): asked for",)  # it went on to stamp
