"""``keys rotate``, and keys that an agent holds."""

from __future__ import annotations

import logging

import pytest
from cli.terminal import Terminal
from sshagent import RealAgent

from void_audit.cli import rotation
from void_audit.errors import Cancelled


def rows(terminal):
    return terminal.json("keys list")["keys"]


def keys(terminal, name):
    return [row for row in rows(terminal) if row["name"] == name]


def folder(terminal):
    return terminal.folder / ".void-audit" / "keys"


@pytest.fixture
def agent():
    agent = RealAgent()
    yield agent
    agent.stop()


def test_a_person_goes_on_under_a_new_key(begun):
    before = keys(begun, "perry")[0]
    said = begun.json("keys rotate perry")
    assert said["rotated"] is True
    old, new = keys(begun, "perry")
    assert (old["key"], old["successor"], new["key"]) == (before["key"], said["key"], said["key"])
    assert old["rotated"] == new["enrolled"]
    assert new["roles"] == old["roles"]
    begun(f"approve {begun.edit} --as perry")
    shown = begun("keys list").output
    assert f"rotated at {old['rotated']}" in shown
    assert shown.count("perry") == 2


def test_an_administrator_rotates_and_still_administers(begun):
    begun("keys rotate chief")
    begun("keys add clark --role editor")
    begun.refused("keys revoke chief", 4, "key-revokes-itself")


def test_a_requester_does_not_approve_with_a_new_key(begun):
    begun("keys add clark --role editor --role approver")
    edit = begun.planned("clarks", requester="clark")
    begun("keys rotate clark")
    begun.refused(f"approve {edit} --as clark", 4, "approver-is-requester")


STOPS = ("after the new key", "after the log", "before the new file")


@pytest.mark.parametrize("stop", STOPS)
def test_a_stopped_rotation_goes_on_where_it_was(begun, monkeypatch, stop):
    def stopped(*arguments):
        raise Cancelled("stopped", "Stopped.", "Again.")

    with monkeypatch.context() as patch:
        if stop == STOPS[0]:
            patch.setattr(rotation, "rotate", stopped)
        else:
            patch.setattr(rotation.People, "finish_rotation", stopped)
        begun("keys rotate perry", 130)
    begun_key = (folder(begun) / "people" / "perry.pem.new").read_bytes()
    size = begun.log_size()
    if stop == STOPS[1]:
        said = begun(f"approve {begun.edit} --as perry", 4)
        assert "keys rotate" in said.stderr
    if stop == STOPS[2]:
        (folder(begun) / "people" / "perry.pem").unlink()
        assert "keys rotate perry" in begun(f"approve {begun.edit} --as perry", 2).stderr
    begun("keys rotate perry")
    assert (begun.log_size() == size) is (stop != STOPS[0])
    assert (folder(begun) / "people" / "perry.pem").read_bytes() == begun_key
    assert len(keys(begun, "perry")) == 2
    begun(f"approve {begun.edit} --as perry")


def test_the_machine_rotates_and_edits_go_on(begun):
    begun(f"approve {begun.edit} --as perry")
    begun("keys rotate machine")
    assert len(keys(begun, "machine")) == 2
    begun(f"run {begun.edit} --out clean.mp4")
    states = {f["state"] for f in begun.json("verify clean.mp4")["findings"]}
    assert "fail" not in states
    assert len(list((folder(begun) / "retired").iterdir())) == 1


def test_a_revoked_machine_gets_a_new_key_from_an_administrator(begun):
    begun.refused("keys add machine --role machine", 2, "key-enrolled")
    begun("keys revoke machine --compromised-since 3")
    begun.refused("keys rotate machine", 2, "key-revoked")
    begun.refused("keys add machine --role editor", 2, "role-unknown")
    begun("keys add machine --role machine")
    old, new = keys(begun, "machine")[-1], rows(begun)[-1]
    assert new["roles"] == ["machine"]
    assert new["revoked"] is None
    assert old["key"] == new["key"]
    begun("plan " + begun.request("later"))


@pytest.mark.parametrize(
    ("line", "code", "error"),
    [
        ("keys rotate nobody", 2, "person-unknown"),
        ("keys rotate ../x", 2, "name-unusable"),
        ("keys rotate machine --public-key lois.pub", 2, "key-missing"),
        ("keys rotate lois --public-key lois.pub --ssh-agent only", 2, "key-given-twice"),
        ("keys rotate lois --ssh-agent only", 2, "agent-missing"),
        ("keys suspect lois --since 10000", 2, "entry-in-future"),
        ("keys suspect lois --since 1 --as perry", 4, "role-missing"),
        ("keys revoke lois --compromised-since 10000", 2, "entry-in-future"),
        ("keys suspect nobody --since 1", 2, "person-unknown"),
    ],
)
def test_what_is_refused(begun, line, code, error):
    size = begun.log_size()
    begun.env["SSH_AUTH_SOCK"] = None
    begun.refused(line, code, error)
    assert begun.log_size() == size


def test_a_stolen_key_is_revoked_and_not_rotated(begun):
    begun("keys suspect perry --since 5")
    begun.refused("keys rotate perry", 4, "key-suspect")
    begun("keys revoke perry")
    begun.refused("keys rotate perry", 2, "key-revoked")
    (row,) = keys(begun, "perry")
    assert (row["suspect_since"], row["revoked"] is not None) == (5, True)
    assert "from 5" in begun("keys list").output


def test_a_thief_who_rotated_is_revoked_with_the_whole_chain(begun, tmp_path):
    """The house still holds the old file: what it revokes is the key that the thief made of it."""
    stolen = (folder(begun) / "people" / "perry.pem").read_bytes()
    begun("keys rotate perry")
    (folder(begun) / "people" / "perry.pem").write_bytes(stolen)
    begun("keys revoke perry --compromised-since 2")
    old, new = keys(begun, "perry")
    assert new["revoked"] is not None
    assert old["suspect_since"] == 2
    assert new["suspect_since"] is not None


def test_an_agents_key_asks_plans_and_approves(agent, tmp_path):
    desk = Terminal(tmp_path)
    desk.env["SSH_AUTH_SOCK"] = str(agent.path)
    desk("init --admin chief --pack base", VOID_AUDIT_PASSPHRASE="of the house")
    desk.env["VOID_AUDIT_PASSPHRASE"] = "of the house"
    agent.add("k-lois")
    public = agent.add("k-perry")
    fingerprint = agent("ssh-add", "-l").splitlines()[0].split()[1]
    desk(f"keys add lois --role editor --ssh-agent {fingerprint}")
    desk(f"keys add perry --role approver --public-key {public}")
    desk(f"keys add perry --role approver --public-key {public}")  # again: nothing
    desk.refused("keys add perry --role approver --ssh-agent k-lois", 2, "key-exists")
    assert sorted(p.name for p in (folder(desk) / "people").iterdir()) == [
        "chief.pem",
        "lois.pub",
        "perry.pub",
    ]
    edit = desk.planned()
    desk(f"approve {edit} --as perry")
    agent("ssh-add", "-q", "-d", str(public))
    desk.refused(f"approve {desk.planned('next')} --as perry", 2, "agent-key-missing")


def test_from_a_file_to_an_agent_and_back(agent, begun):
    begun.env["SSH_AUTH_SOCK"] = str(agent.path)
    agent.add("k-perry")
    begun("keys rotate perry --ssh-agent only")
    assert not (folder(begun) / "people" / "perry.pem").exists()
    begun(f"approve {begun.edit} --as perry")
    begun("keys rotate perry")
    assert not (folder(begun) / "people" / "perry.pub").exists()
    assert len(keys(begun, "perry")) == 3
    assert len(list((folder(begun) / "people" / "retired").iterdir())) == 2


def test_no_secret_is_logged(agent, tmp_path, caplog, capfd):
    """Passphrases and private keys stay out of every log, at any level."""
    caplog.set_level(logging.DEBUG)
    desk = Terminal(tmp_path)
    secret = "correct horse battery"
    desk.env |= {"SSH_AUTH_SOCK": str(agent.path), "VOID_AUDIT_PASSPHRASE": secret}
    said = [
        desk("init --admin chief --pack base").output,
        desk("keys add lois --role editor").output,
        desk("keys rotate lois").output,
        desk("keys rotate machine").output,
        desk("keys list").output,
    ]
    wrong = desk("keys rotate lois", 2, VOID_AUDIT_PASSPHRASE="wrong staple").output
    captured = capfd.readouterr()
    text = "".join(said) + wrong + caplog.text + captured.out + captured.err
    assert secret not in text
    assert "wrong staple" not in text
    assert "PRIVATE KEY" not in text
    for path in desk.folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert secret.encode() not in content
            assert b"BEGIN PRIVATE KEY" not in content, path  # nothing unencrypted
            if b"PRIVATE KEY" in content:
                assert path.stat().st_mode & 0o077 == 0, path
