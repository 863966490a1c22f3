"""Commands that write have the log stamped at an interval; one that reads asks nobody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import tsa
from tsa import Tsa, present, serving

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
