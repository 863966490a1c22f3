"""``ledger timestamp``: tokens for the log, and an edit that outsiders can date."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import tsa
from tsa import Tsa, present, response, serving

TSA = Tsa()


def configure(terminal, *urls, roots=TSA.root_pem):
    tsa.configure(terminal.folder / ".void-audit", *urls, roots=roots)


def test_the_newest_checkpoint_is_stamped_once(own):
    with serving(present(TSA)) as server:
        configure(own, server.url)
        said = own("ledger timestamp").output
        assert "entries were there by" in said
        assert "CN=Test TSA" in said
        again = own.json("ledger timestamp")
    assert server.asked == 1
    assert again["new"] is False
    assert datetime.now(UTC) - datetime.fromisoformat(again["time"]) < timedelta(minutes=5)


def test_where_no_authority_gives_one_each_is_named(own):
    with (
        serving(lambda asked: response(None, status=2)) as one,
        serving(present(Tsa(name="Other", seed=6))) as two,
    ):
        configure(own, one.url, two.url)
        message = own.refused("ledger timestamp", 1, "authority-failed")
    assert "status 2" in message
    assert "CN=Other" in message


def test_without_an_authority_or_its_roots_what_to_do_is_said(own):
    assert "configured" in own.refused("ledger timestamp", 1, "authority-missing")
    configure(own, "http://127.0.0.1:9/", roots=None)
    assert "tsa.pem" in own.refused("ledger timestamp", 1, "tsa-roots-missing")
    configure(own, "http://127.0.0.1:9/", roots="no PEM")
    own.refused("ledger timestamp", 2, "trust-unreadable")


@pytest.fixture
def stamped(own):
    """An edit made while an authority answers, and its pins."""
    with serving(present(TSA)) as server:
        configure(own, server.url)
        edit = own.approved("dated")
        own(f"run {edit} --out dated.mp4")
        own.edit = edit
        yield own


def time_of(terminal, options="", code=0):
    found = terminal.json(f"verify dated.mp4 {options}", code)
    return next(f for f in found["findings"] if f["obligation"] == 6)


def test_an_output_is_dated_by_the_authority(stamped, tmp_path):
    found = time_of(stamped)
    assert found["state"] == "pass"
    assert "The file existed by" in found["detail"]
    (tmp_path / "other.pem").write_text(Tsa(name="Other", seed=6).root_pem)
    found = time_of(stamped, f"--tsa {tmp_path / 'other.pem'}")
    assert found["state"] == "cannot tell"
    assert "CN=Test TSA" in found["detail"]


def test_an_authority_whose_clock_is_behind_contradicts_the_records(own):
    with serving(lambda asked: TSA.reply(asked, datetime.now(UTC) - timedelta(days=2))) as server:
        configure(own, server.url)
        own(f"run {own.approved('dated')} --out dated.mp4")
    found = time_of(own, code=1)
    assert found["state"] == "fail"
    assert "was there by" in found["detail"]
