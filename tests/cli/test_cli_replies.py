"""What was sent and said, for a person and as files: byte for byte, and never as commands to a terminal."""

from __future__ import annotations

import json

import pytest
from cli.asking import ESCAPE, answer, line, says
from loopback import serving


@pytest.fixture
def asked(asking_desk):
    """An edit whose first reply was refused and whose second was taken; and its id."""
    asking_desk.request("asked", requester="olivia")
    with serving(says(f"{ESCAPE} I will not say."), says(answer())) as server:
        hint = asking_desk(line(server), 1).stderr
        edit = asking_desk.json(line(server))["edit"]
    assert f"void-audit replies {edit}" in " ".join(hint.split())
    return asking_desk, edit, [seen.body for seen in server.seen]


def test_every_answer_with_its_outcome_and_its_bytes(asked):
    terminal, edit, sent = asked
    said = terminal(f"replies {edit} --out told").stdout
    assert "reply-malformed" in said
    assert "Not JSON" in said
    assert "accepted" in said
    assert said.endswith("2 answer(s) on record, written to told.\n")
    refused, accepted = terminal.json(f"replies {edit}")["replies"]
    assert (refused["outcome"], accepted["outcome"], accepted["reason"]) == (
        "reply-malformed",
        "accepted",
        "",
    )
    assert refused["reason"].startswith("The reply cannot be used. Not JSON")
    for one, body in zip((refused, accepted), sent, strict=True):
        files = {
            what: terminal.folder / "told" / f"{one['entry']}-{what}.json" for what in ("request", "reply")
        }
        assert json.loads(files["request"].read_bytes())["messages"] == json.loads(body)["messages"]
        assert one["files"]["reply"] == f"{files['reply'].stat().st_size} bytes, application/json"
    reply = json.loads((terminal.folder / "told" / f"{refused['entry']}-reply.json").read_bytes())
    assert reply["choices"][0]["message"]["content"].startswith(ESCAPE)
    assert "\x1b" not in said
    terminal.refused(f"replies {edit} --out told", 2, "storage-exists")


def test_what_was_erased_is_said_to_be(asked):
    terminal, edit, _ = asked
    terminal(f"ledger erase {edit} --as chief --reason 'At the request of the person shown' --yes")
    told = terminal.json(f"replies {edit} --out left")["replies"]
    assert [one["outcome"] for one in told] == ["reply-malformed", "accepted"]
    for text in (told[0]["reason"], *told[0]["files"].values(), *told[1]["files"].values()):
        assert "erased" in text.lower()
    assert list((terminal.folder / "left").iterdir()) == []


def test_no_reply_came(asking_desk):
    asking_desk.request("asked", requester="olivia")
    with serving() as server:
        gone = line(server)
    asking_desk(gone, 1)
    edit = asking_desk.json("history")["edits"][-1]["edit"]
    (one,) = asking_desk.json(f"replies {edit}")["replies"]
    assert one["outcome"] == "reasoner-unreachable"
    assert one["files"]["reply"] == "none"
    assert "reply: none" in asking_desk(f"replies {edit} --out left").stdout
    assert [path.name for path in (asking_desk.folder / "left").iterdir()] == [f"{one['entry']}-request.json"]


def test_rules_are_on_record_as_well_and_an_edit_may_not_be_there(desk):
    edit = desk.json("history")["edits"][0]["edit"]
    assert [one["outcome"] for one in desk.json(f"replies {edit}")["replies"]] == ["accepted"]
    desk.refused("replies 000000000000", 2, "edit-unknown")
