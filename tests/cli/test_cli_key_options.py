"""Which key is meant."""

from __future__ import annotations

import pytest
from sshagent import RealAgent

from void_audit.cli.key_options import new_passphrase, public_key_given
from void_audit.cli.service_keys import KeyAccess
from void_audit.cli.workspace import Workspace
from void_audit.errors import IdentityError, RequestError
from void_audit.identity.agent import Agent
from void_audit.identity.people import read_public


@pytest.fixture(scope="module")
def agent():
    agent = RealAgent()
    yield agent
    agent.stop()


def place(folder, agent=None):
    return Workspace(folder, folder, lambda holder: None, access=KeyAccess(Agent(agent)))


def test_a_file_an_agents_key_or_none(agent, tmp_path):
    file = agent.add("k-ana")
    here = place(tmp_path, agent.path)
    assert public_key_given(here, None, None) is None
    for which in ("only", "k-ana"):
        assert public_key_given(here, which, None) == read_public(file)
    assert public_key_given(here, None, file) == read_public(file)
    with pytest.raises(RequestError) as caught:
        public_key_given(here, "only", file)
    assert caught.value.code == "key-given-twice"


def test_a_private_key_is_not_taken(agent, tmp_path):
    private = agent.add("k-bo").with_suffix("")
    with pytest.raises(IdentityError) as caught:
        public_key_given(place(tmp_path), None, private)
    assert caught.value.code == "key-private"


def test_a_new_passphrase_comes_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("VOID_AUDIT_PASSPHRASE_ANA", "of ana")
    monkeypatch.delenv("VOID_AUDIT_PASSPHRASE", raising=False)
    assert new_passphrase(place(tmp_path), "ana") == "of ana"
    assert new_passphrase(place(tmp_path), "bo") is None  # nothing here is encrypted
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "machine.pem").write_text("-----BEGIN ENCRYPTED PRIVATE KEY-----")
    with pytest.raises(IdentityError) as caught:
        new_passphrase(place(tmp_path), "bo")
    assert caught.value.code == "passphrase-needed"
