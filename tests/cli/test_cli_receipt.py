"""``receipt``: what was said since a file was delivered."""

from __future__ import annotations

import tsa
from tsa import Tsa, present, serving

TSA = Tsa()


def configure(terminal, *urls, roots=TSA.root_pem):
    tsa.configure(terminal.folder / ".void-audit", *urls, roots=roots)


def time_of(terminal, options="", code=0):
    found = terminal.json(f"verify dated.mp4 {options}", code)
    return next(f for f in found["findings"] if f["obligation"] == 6)


def test_a_receipt_is_refreshed_with_what_was_said_since(own):
    configure(own, "http://127.0.0.1:9/")
    edit = own.approved("dated")
    said = own(f"run {edit} --out dated.mp4")
    assert said.output.count("no time stamp") >= 1
    assert time_of(own)["state"] == "cannot tell"
    with serving(present(TSA)) as server:
        configure(own, server.url)
        own("keys add clark --role editor")
        written = own.json(f"receipt {edit} --out dated.mp4.receipt")
    assert (written["timestamps"], written["key_events"], written["warnings"]) == (2, 1, [])
    found = time_of(own)
    assert found["state"] == "pass"
    assert "The file existed by" in found["detail"]


def test_an_edit_that_is_not_sealed_has_no_receipt(begun):
    assert "not sealed" in begun.refused(f"receipt {begun.edit} --out x.receipt", 1, "seal-missing")
    assert not (begun.folder / "x.receipt").exists()


def test_an_edit_that_is_not_there_or_a_place_that_is_none_is_said(own):
    own.refused("receipt 000000000000 --out x.receipt", 2, "edit-unknown")
    edit = own.json("history")["edits"][0]["edit"]
    own.refused(f"receipt {edit} --out nowhere/x.receipt", 2, "storage-unwritable")


def test_nothing_is_asked_of_anybody_where_nobody_is_configured(own):
    edit = next(e["edit"] for e in own.json("history")["edits"] if e["last"] == "seal")
    before = (own.folder / "clean.mp4.receipt").read_bytes()
    said = own(f"receipt {edit} --out clean.mp4.receipt").output
    assert "0 cosignatures, 0 time stamps, 0 later key events" in said
    assert (own.folder / "clean.mp4.receipt").read_bytes() == before
