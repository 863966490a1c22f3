"""What a question to a model lacks is said before the footage is looked at, which takes minutes."""

from __future__ import annotations

import pytest
from cli.asking import answer, line, says
from loopback import serving

from void_audit.pipeline.reason import gemini


@pytest.mark.parametrize("command", ["reason asked", "plan asked", "edit asked --approve-as perry"])
class TestBeforeAnythingIsLookedAt:
    """Segmenting takes minutes; what is missing for the question is said before, and nothing is on record."""

    def refused(self, terminal, command, code, **env):
        terminal.request("asked", requester="olivia")
        before, edits = terminal.log_size(), terminal.json("history")["edits"]
        said = terminal.refused(command, 2, code, **env)
        assert terminal.engines.calls["segment"] == 0
        assert terminal.log_size() == before
        assert terminal.json("history")["edits"] == edits
        return said

    def test_no_key(self, asking_desk, command):
        said = self.refused(asking_desk, f"{command} --reasoner gemini", "reasoner-key", GEMINI_API_KEY="")
        assert "needs a key" in said

    def test_a_key_that_cannot_be_one(self, asking_desk, command):
        key = "two words and a lot more"
        said = self.refused(asking_desk, f"{command} --reasoner gemini", "reasoner-key", GEMINI_API_KEY=key)
        assert key not in said

    def test_no_package(self, asking_desk, command, monkeypatch):
        monkeypatch.setattr(gemini, "find_spec", lambda name: None)
        assert "google-genai" in self.refused(
            asking_desk, f"{command} --reasoner gemini", "engine-not-installed"
        )

    def test_no_model_of_that_name(self, asking_desk, command):
        self.refused(asking_desk, f"{command} --reasoner gemini --reasoner-model ../files", "reasoner-failed")


def test_an_answer_that_is_there_needs_no_key_any_more(asking_desk):
    terminal = asking_desk
    terminal.request("asked", requester="olivia")
    with serving(says(answer())) as server:
        edit = terminal.json(line(server, "reason asked"))["edit"]
        terminal.env["VOID_AUDIT_REASONER_KEY"] = "bad"
        assert terminal.json(line(server))["edit"] == edit
