"""What a question to a model lacks is said before the footage is looked at, which takes minutes."""

from __future__ import annotations

import pytest
from cli.asking import answer, line, says
from loopback import serving

from void_audit.pipeline.reason import gemini


def refused(terminal, command, code, **env):
    """The message; nothing was segmented, and nothing is on record."""
    terminal.request("asked", requester="olivia")
    before, edits = terminal.log_size(), terminal.json("history")["edits"]
    said = terminal.refused(f"{command} --reasoner gemini", 2, code, **env)
    assert terminal.engines.calls["segment"] == 0
    assert terminal.log_size() == before
    assert terminal.json("history")["edits"] == edits
    return said


@pytest.mark.parametrize("command", ["reason asked", "plan asked", "edit asked --approve-as perry"])
def test_no_key(asking_desk, command):
    assert "needs a key" in refused(asking_desk, command, "reasoner-key", GEMINI_API_KEY="")


def test_a_key_that_cannot_be_one(asking_desk):
    key = "two words and a lot more"
    assert key not in refused(asking_desk, "plan asked", "reasoner-key", GEMINI_API_KEY=key)


def test_no_package(asking_desk, monkeypatch):
    monkeypatch.setattr(gemini, "find_spec", lambda name: None)
    assert "google-genai" in refused(asking_desk, "plan asked", "engine-not-installed")


def test_no_model_of_that_name(asking_desk):
    assert "is no model" in refused(asking_desk, "plan asked --reasoner-model ../files", "reasoner-failed")


def test_an_answer_that_is_there_needs_no_key_any_more(asking_desk):
    terminal = asking_desk
    terminal.request("asked", requester="olivia")
    with serving(says(answer())) as server:
        edit = terminal.json(line(server, "reason asked"))["edit"]
        terminal.env["VOID_AUDIT_REASONER_KEY"] = "bad"
        assert terminal.json(line(server))["edit"] == edit
