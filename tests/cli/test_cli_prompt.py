"""``prompt check`` and ``prompt accept``: advice, and a person's word."""

from __future__ import annotations

import json

import pytest
from cli.test_cli_reasoned import PROPOSAL, Answering

GOOD = "A wall of soft colours fades from green to red."


class TestCheck:
    def test_nothing_to_suggest(self, own):
        folder = own.folder / own.request("fine")
        (folder / "prompt.json").write_text(json.dumps({"bg": GOOD}))
        assert own.json("prompt check fine") == {"prompt": GOOD, "suggestions": []}
        assert "Nothing to suggest." in own("prompt check fine").stdout

    @pytest.mark.parametrize(("text", "code"), [
        ("Remove the box from the picture.", "prompt-instruction"),
        ("A gradient without a square in it.", "prompt-removal"),
        ("A box stands before a wall of soft colours.", "prompt-names-removed"),
        ("Eine Wand in weichen Farben, die von Grün nach Rot verläuft und nichts weiter zeigt.", "prompt-language"),
        ("A wall.", "prompt-short"),
        ("A soft wall. " * 60, "prompt-long"),
    ])  # fmt: skip
    def test_suggestions_are_exit_1_and_nothing_is_rewritten(self, own, text, code):
        folder = own.folder / own.request("poor")
        (folder / "prompt.json").write_text(json.dumps({"bg": text}))
        before, log = (folder / "prompt.json").read_bytes(), own.log_size()
        said = own.json("prompt check poor", 1)
        assert code in [s["code"] for s in said["suggestions"]]
        assert said["prompt"] == text
        assert f"{len(said['suggestions'])} suggestion(s)." in own("prompt check poor", 1).stdout
        assert ((folder / "prompt.json").read_bytes(), own.log_size()) == (before, log)

    def test_a_matter_of_taste_is_said_and_is_no_failure(self, own):
        folder = own.folder / own.request("taste")
        (folder / "prompt.json").write_text(
            '{"bg": "A video of water with a floating object."}'
        )  # VOID's own
        (said,) = own.json("prompt check taste", 0)["suggestions"]
        assert (said["code"], said["mild"]) == ("prompt-opener", True)
        shown = own("prompt check taste", 0).stdout
        assert "(A matter of taste.)" in shown
        assert "perhaps: Water with a floating object." in shown

    def test_a_proposal_is_shown_and_a_bad_one_is_not_made(self, own):
        folder = own.folder / own.request("proposed")
        (folder / "prompt.json").write_text('{"bg": "A wall of soft colours without the box."}')
        assert "perhaps: A wall of soft colours." in own("prompt check proposed", 1).stdout
        (folder / "prompt.json").write_text('{"bg": "A video of a wall, as if it had never been there."}')
        assert "perhaps" not in own("prompt check proposed", 1).stdout

    def test_what_is_toned_down_may_be_named(self, own):
        folder = own.folder / own.request("toned", operation="de-emphasize", mask_schema="brand-safety")
        (folder / "prompt.json").write_text('{"bg": "A box stands before a wall of soft colours."}')
        assert "prompt-names-removed" not in str(own.json("prompt check toned", 0))

    @pytest.mark.parametrize(
        ("request_folder", "error"), [("missing", "request-missing"), (".void-audit", "prompt-missing")]
    )
    def test_what_is_no_request(self, desk, request_folder, error):
        desk.refused(f"prompt check {request_folder}", 2, error)

    def test_escapes_are_inert(self, own):
        folder = own.folder / own.request("hostile")
        (folder / "prompt.json").write_text(json.dumps({"bg": "A wall \x1b[31min red\x07 and more of it."}))
        assert "\x1b" not in own("prompt check hostile", 1).output


class TestAccept:
    def test_another_text(self, begun):
        said = begun.json(f"prompt accept {begun.edit} --as lois --text '{GOOD}'")
        assert said == {"edit": begun.edit, "prompt": GOOD}
        assert begun.steps()[-1] == "prompt-revision"
        told = begun.json(f"history {begun.edit}")["records"][-1]
        assert (told["who"], GOOD in str(told["why"])) == ("lois", True)
        begun.refused(f"prompt accept {begun.edit} --as lois --text '{GOOD}'", 2, "prompt-unchanged")

    def test_the_proposal(self, own):
        own.engines = Answering(scene_description=PROPOSAL)
        edit = own.json(f"plan {own.request('asked')}")["edit"]
        assert own.json(f"prompt accept {edit} --as lois")["prompt"] == PROPOSAL
        said = own(f"plan {edit}").stdout
        assert "Proposed prompt" not in said  # it is the prompt now
        own(f"approve {edit} --as perry")
        own(f"run {edit} --out out.mp4")
        own("verify out.mp4 --source asked/clip.mp4")
        assert PROPOSAL in str(own.json("history out.mp4"))

    def test_approvals_lapse(self, begun):
        edit = begun.edit
        begun(f"approve {edit} --as perry")
        said = begun(f"prompt accept {edit} --as lois --text '{GOOD}'").stdout
        assert f"Next: void-audit plan {edit} (earlier approvals no longer count)" in said
        begun.refused(f"run {edit} --out out.mp4", 2, "plan-stale")
        assert begun.json(f"plan {edit}")["approvals_missing"] == 1

    @pytest.mark.parametrize(
        ("line", "code", "error"),
        [
            ("EDIT --as lois", 2, "prompt-proposal"),
            ("EDIT --as lois --text ''", 2, "prompt-empty"),
            ("EDIT --as lois --text '- - -'", 2, "prompt-empty"),
            ("EDIT --as lois --text 'An empty gradient without a square.'", 2, "prompt-unchanged"),
            ("EDIT --as perry --text 'A quiet room.'", 4, "role-missing"),
            ("EDIT --as nobody --text 'A quiet room.'", 2, "person-unknown"),
            ("0123456789ab --as lois --text 'A quiet room.'", 2, "edit-unknown"),
            ("../../etc --as lois --text 'A quiet room.'", 2, "edit-unknown"),
        ],
    )
    def test_what_is_refused_leaves_no_trace(self, begun, line, code, error):
        before = begun.log_size()
        begun.refused(f"prompt accept {line.replace('EDIT', begun.edit)}", code, error)
        assert begun.log_size() == before

    def test_a_text_that_is_too_long(self, begun):
        before = begun.log_size()
        begun.refused(f"prompt accept {begun.edit} --as lois --text '{'long ' * 500}'", 2, "prompt-too-long")
        assert begun.log_size() == before

    def test_once_it_is_finished(self, desk):
        edit = desk.json("history")["edits"][0]["edit"]
        desk.refused(f"prompt accept {edit} --as lois --text 'A quiet room.'", 2, "synthesis-begun")
