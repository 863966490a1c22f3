"""``policy check``: the answer before anything runs, and nothing logged."""

from __future__ import annotations

import pytest


def test_allowed_with_approvals(desk):
    said = desk.json("policy check request")
    assert (said["verdict"], said["stage"], said["approvals_required"]) == ("allow", "intent", 1)
    assert "ALLOWED with 1 approval(s)" in desk("policy check request").output


def test_denied_with_the_reason_and_its_source(own):
    own.request("breaking", asset_class="news")
    said = own.json("policy check breaking", 4)
    fired = [o for o in said["outcomes"] if o["fired"] and o["effect"] == "deny"]
    assert [o["rule"] for o in fired] == ["N01"]
    assert "AP" in fired[0]["because"]
    assert "https://" in fired[0]["source"]
    shown = own("policy check breaking", 4).output
    assert "DENIED" in shown
    assert "request.asset_class = news" in shown


def test_rules_that_do_not_apply_are_shown_where_they_are_asked_for(desk):
    plain, everything = desk("policy check request").output, desk("policy check request --all").output
    assert "rules do not apply: base/G01" in plain
    assert "saw request.requester_roles" not in plain
    assert "saw request.requester_roles = [editor]" in everything
    assert len(desk.json("policy check request")["outcomes"]) == len(
        desk.json("policy check request --all")["outcomes"]
    )


def test_options_fill_in_and_win(desk):
    desk("policy check request --asset-class evidence", 4)
    desk("policy check request --asset-class documentary")
    assert "G01" in desk("policy check request --requester perry", 4).output


def test_someone_without_a_key_may_not_edit(desk):
    said = desk.json("policy check request --requester stranger", 4)
    assert [o["rule"] for o in said["outcomes"] if o["fired"] and o["effect"] == "deny"] == ["G01"]


def test_nothing_runs_and_nothing_is_logged(own):
    before = own("ledger checkpoint").output
    files = sorted(own.folder.rglob("*"))
    own("policy check request")
    assert own("ledger checkpoint").output == before
    assert [
        p for p in sorted(own.folder.rglob("*")) if p not in files and "ledger.sqlite" not in p.name
    ] == []
    assert not own.engines.calls


@pytest.mark.parametrize(
    ("line", "error"),
    [("policy check nowhere", "request-missing"), ("policy check .void-audit", "prompt-missing"),
     ("policy check request --asset-class gossip", "request-schema")],
)  # fmt: skip
def test_what_cannot_be_judged(desk, line, error):
    desk.refused(line, 2, error)


def test_a_pack_of_ones_own_and_one_that_is_broken(own):
    settings = own.folder / ".void-audit" / "settings.toml"
    text = settings.read_text()
    settings.write_text(text.replace('"base"', '"house.yaml"'))
    own.refused("policy check request", 2, "pack-missing")
    (settings.parent / "house.yaml").write_text("rules: nonsense")
    own.refused("policy check request", 2, "pack-schema")
    own.refused("plan request", 2, "pack-schema")
