"""What a reasoner found, as it is shown: words, picture, proposal; nothing of it commands a terminal."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest
from house import CountingEngines
from simulator.studio import consequences

from void_audit.cli import reasoned
from void_audit.cli.reasoned import say_wrapped
from void_audit.errors import MaskError
from void_audit.model.reasoning import Belonging
from void_audit.pipeline.reason.prompt_lint import lint_prompt
from void_audit.pipeline.reason.scripted import ScriptedReasoner

ESCAPE = "\x1b]0;owned\x07\x1b[2J\u202e"


class Answering(CountingEngines):
    """Its reasoner gives one answer."""

    def __init__(self, **changes: object) -> None:
        super().__init__()
        self.answer = consequences().model_copy(update=changes)

    def reasoner(self, settings):
        return self._counted(ScriptedReasoner(self.answer), "reason")


def affected(**changes: object):
    return (consequences().affected[0].model_copy(update=changes),)


SUGGESTED = lint_prompt("An empty gradient without a square.", removed=["box"], instruction="Remove the box.")
"""Of the prompt in every request here."""

PROPOSAL = "A wall in the evening sun, and a floor of grey stone."


class TestReason:
    def test_a_question_for_a_program(self, own):
        own.engines = Answering(scene_description=PROPOSAL)
        said = own.json(f"reason {own.request('asked')}")
        assert said["resumed"] is False
        assert said["consequences"]["affected"][0]["noun"] == "shadow"
        assert said["proposed_prompt"] == PROPOSAL
        assert said["prompt_suggestions"] == [s._asdict() for s in SUGGESTED]
        assert SUGGESTED
        assert cv2.imread(said["findings"]).shape[1] > 100
        assert own.steps(said["edit"])[-3:] == ["query", "policy-decision", "reasoning"]
        assert own.json("reason asked") == {**said, "resumed": True}
        assert own.engines.calls == {"segment": 1, "reason": 1}

    def test_a_question_for_a_person(self, own):
        own.engines = Answering(scene_description=PROPOSAL)
        said = own(f"reason {own.request('asked')}").stdout
        edit = said.split()[1]
        assert "  1. shadow (frames 0-5): It moves with the object." in said
        assert f"Proposed prompt: {PROPOSAL}" in said
        assert f"void-audit prompt accept {edit} --as NAME" in said
        for suggestion in SUGGESTED:
            assert f"prompt.json: {suggestion.message}" in " ".join(said.split())
        assert said.endswith("Next: void-audit plan asked\n")
        assert f"Edit {edit} (resumed)" in own("reason asked").stdout
        assert own("reason asked --segmenter sam2").stdout.endswith("plan asked, with the same options\n")

    def test_plan_goes_on_from_there(self, own):
        edit = own.json(f"reason {own.request('asked')}")["edit"]
        assert own.json("plan asked")["edit"] == edit
        assert own.engines.calls == {"segment": 1, "reason": 1}
        own.refused(f"plan {edit} --reasoner gemini", 2, "option-unused")

    def test_nothing_can_be_planned_of_it_by_its_id_yet(self, own):
        edit = own.json(f"reason {own.request('asked')}")["edit"]
        own.refused(f"plan {edit}", 2, "plan-incomplete")
        own.refused(f"mask show {edit}", 2, "mask-missing")
        own.refused(f"mask edit {edit} --as lois --cells 0,0 --to remove --frames 0", 2, "mask-missing")
        own.refused(f"prompt accept {edit} --as lois --text 'A quiet room.'", 2, "revision-too-early")

    @pytest.mark.parametrize(
        ("line", "code", "error"),
        [
            ("reason missing", 2, "request-missing"),
            ("reason .void-audit", 2, "prompt-missing"),
            ("reason request --requester nobody", 2, "person-unknown"),
            ("reason request --requester perry", 4, "role-missing"),
            ("reason request --asset-class gossip", 2, "request-schema"),
        ],
    )
    def test_what_is_refused(self, desk, line, code, error):
        before = desk.log_size()
        desk.refused(line, code, error)
        assert desk.log_size() == before

    def test_a_question_that_policy_denies(self, own):
        request = own.request("sweeping", instruction="Remove all police from this footage.")
        message = own.refused(f"reason {request}", 4, "policy-denied")
        assert "base/Q03" in message
        assert own.engines.calls == {}


class TestWords:
    def test_belongings_and_reasons(self, own):
        cane = Belonging(noun="cane", why="It is held.")
        own.engines = Answering(belongings=(cane,))
        assert "  - goes with it: cane: It is held." in own(f"plan {own.request('asked')}").stdout

    def test_a_prompt_that_names_what_goes_along(self, own):
        folder = own.folder / own.request("named")
        (folder / "prompt.json").write_text('{"bg": "A cane leans on a wall of soft colours."}')
        said = own.json("plan named")["prompt_suggestions"]
        assert said == []
        own.engines = Answering(belongings=(Belonging(noun="cane", why="It is held."),))
        own.request("held")
        (own.folder / "held" / "prompt.json").write_text((folder / "prompt.json").read_text())
        said = own.json("plan held")["prompt_suggestions"]
        assert [s["code"] for s in said] == ["prompt-names-removed"]

    def test_what_the_summary_says_is_not_said_again(self, own):
        own.engines = Answering(summary="Rules: It moves with the object. No more.")
        said = own(f"plan {own.request('asked')}").stdout
        assert "  1. shadow (frames 0-5)\n" in said
        assert said.count("It moves with the object.") == 1

    def test_nothing_commands_the_terminal(self, own):
        own.engines = Answering(
            summary=f"sum{ESCAPE}", scene_description=f"A wall{ESCAPE} in the sun.",
            affected=affected(noun=f"shade{ESCAPE}", why=f"why{ESCAPE}"),
            belongings=(Belonging(noun=f"hat{ESCAPE}", why=f"worn{ESCAPE}"),),
        )  # fmt: skip
        own.request("hostile", object=f"box{ESCAPE}", note=f"note{ESCAPE}", purpose=f"purpose{ESCAPE}")
        (own.folder / "hostile" / "prompt.json").write_text('{"bg": "The box has been removed."}')
        edit = own.json("plan hostile")["edit"]
        for line, code in (
            ("plan hostile", 0), ("reason hostile", 0), ("prompt check hostile", 1), (f"history {edit}", 0),
            (f"mask show {edit}", 0), (f"plan {edit}", 0),
        ):  # fmt: skip
            for output in (own(line, code).output, own(f"{line} --json", code).output):
                assert not set("\x1b\x07\u202e") & set(output), line
        assert "\x1b" not in own(f"prompt accept {edit} --as lois").output
        assert "\x1b" not in own(f"history {edit}").output

    def test_lines_are_folded(self, capsys, monkeypatch):
        for width in (40, 80, 300):
            monkeypatch.setattr(reasoned.out, "_width", width)
            say_wrapped("word " * 100)
            assert max(map(len, capsys.readouterr().out.splitlines())) <= min(width, 100)

    def test_rich_markup_is_text(self, own):
        own.engines = Answering(summary="[bold]not[/bold] [link=https://x]markup[/link]")
        assert (
            "[bold]not[/bold] [link=https://x]markup[/link]" in own(f"reason {own.request('asked')}").stdout
        )


class TestPicture:
    def test_one_that_cannot_be_drawn_does_not_undo_the_question(self, own, monkeypatch):
        def cannot(*_: object) -> bytes:
            raise MaskError("mask-size", "It does not fit.", "")

        monkeypatch.setattr(reasoned, "findings_picture", cannot)
        assert own.json(f"reason {own.request('asked')}")["findings"] is None
        assert "could not be drawn" in own("reason asked").stdout

    def test_a_request_with_a_mask_has_none(self, begun):
        begun(f"export {begun.edit} --void sequence")
        (begun.folder / "sequence" / "edit.yaml").write_text(
            (begun.folder / "request" / "edit.yaml").read_text()
        )
        said = begun.json("plan sequence")
        assert (said["findings"], said["proposed_prompt"]) == (None, None)
        begun.refused("reason sequence", 2, "reason-mask")
        begun.refused("plan sequence --segmenter sam2", 2, "option-unused")

    def test_it_lies_beside_the_edit(self, begun):
        said = begun.json("plan request")
        assert Path(said["findings"]) == begun.folder / ".void-audit" / "edits" / begun.edit / "findings.png"
