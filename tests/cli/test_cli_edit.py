"""``plan``, ``approve``, ``reject``, ``run`` and ``edit``: what a person is told, and what a program is."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from pathlib import Path

import pytest

from void_audit.cli import edit as commands


@pytest.mark.parametrize(
    ("line", "code", "error"),
    [
        ("plan nowhere/at/all", 2, "request-missing"),
        ("plan 0123456789ab", 2, "edit-unknown"),
        ("run 0123456789ab", 2, "edit-unknown"),
        ("run ../../etc", 2, "edit-unknown"),
        ("approve 0123456789ab --as perry", 2, "edit-unknown"),
        ("approve 0123456789ab --as nobody", 2, "person-unknown"),
        ("reject 0123456789ab --as perry", 2, "edit-unknown"),
        ("edit nowhere --approve-as perry", 2, "request-missing"),
        ("plan request --requester nobody", 2, "person-unknown"),
        ("plan request --requester ../machine", 2, "name-unusable"),
        ("plan request --asset-class gossip", 2, "request-schema"),
        ("run EDIT --out missing/folder/out.mp4", 2, "storage-unwritable"),
        ("run EDIT --out request", 2, "storage-unwritable"),
        ("run EDIT --out request/clip.mp4", 2, "out-is-source"),
        ("approve EDIT --as jimmy", 2, "out-of-order"),
        ("plan EDIT", 2, "synthesis-begun"),
    ],
)
def test_what_is_refused(desk, line, code, error):
    edit = desk.json("history")["edits"][0]["edit"]
    desk.refused(line.replace("EDIT", edit), code, error)


BROKEN = {
    "no clip": (lambda f: (f / "clip.mp4").unlink(), "clip-missing"),
    "clip that is text": (lambda f: (f / "clip.mp4").write_text("text"), "clip-not-video"),
    "no prompt": (lambda f: (f / "prompt.json").unlink(), "prompt-missing"),
    "prompt that is no JSON": (lambda f: (f / "prompt.json").write_text("{"), "prompt-json"),
    "prompt with other keys": (lambda f: (f / "prompt.json").write_text('{"text": "An empty room"}'), "prompt-keys"),
    "prompt that says nothing": (lambda f: (f / "prompt.json").write_text('{"bg": " "}'), "prompt-empty"),
    "no edit.yaml": (lambda f: (f / "edit.yaml").unlink(), "request-missing"),
    "edit.yaml with an alias": (lambda f: (f / "edit.yaml").write_text("a: &a 1\nb: *a"), "request-yaml"),
    "no click": (lambda f: change(f, clicks=[]), "clicks-none"),
    "click after the end": (lambda f: change(f, clicks=[{"frame": 999, "x": 1, "y": 1}]), "click-outside-clip"),
    "click beside the picture": (lambda f: change(f, clicks=[{"frame": 0, "x": 9e3, "y": 1}]), "click-outside-frame"),
    "clip elsewhere": (lambda f: change(f, clip="../../etc/passwd"), "request-path"),
}  # fmt: skip


def change(folder: Path, **fields: object) -> None:
    path = folder / "edit.yaml"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


@pytest.mark.parametrize("name", BROKEN)
def test_requests_that_cannot_be_used(desk, name):
    folder = desk.folder / desk.request(f"broken-{name.replace(' ', '-')}")
    spoil, error = BROKEN[name]
    spoil(folder)
    before = desk("ledger checkpoint").output
    desk.refused(f"plan {folder.name}", 2, error)
    assert desk("ledger checkpoint").output == before


def test_a_plan_for_a_program(own):
    said = own.json(f"plan {own.request('planned')}")
    assert re.fullmatch(r"[0-9a-f]{12}", said["edit"])
    assert said["resumed"] is False
    assert said["approvals_missing"] == 1
    assert said["plan"]["encoder"] == {"codec": "h264", "crf": 15, "preset": "medium"}
    assert said["decision"]["verdict"] == "allow"
    assert Path(said["preview"]).is_file()
    assert own.json("plan planned") == {**said, "resumed": True}


def test_every_option_is_in_the_plan(own):
    own.request("options")
    plain = own.json("plan options")
    changed = own.json("plan options --profile 384p --codec ffv1 --crf 3 --seed 7")
    assert changed["edit"] == plain["edit"]
    assert changed["digest"] != plain["digest"]
    plan = changed["plan"]
    assert (plan["profile"], plan["seed"], plan["encoder"]["codec"], plan["encoder"]["crf"]) == (
        "384p",
        "7",
        "ffv1",
        3,
    )
    assert own.json(f"plan {plain['edit']} --seed 8")["plan"]["seed"] == "8"


def test_approve_and_reject_for_a_program(own):
    edit = own.planned("answers")
    said = own.json(f"approve {edit} --as perry")
    assert (said["edit"], said["approvals"], said["missing"]) == (edit, 1, 0)
    assert own.json(f"approve {edit} --as perry") == said
    assert own.json(f"approve {edit} --as jimmy")["approvals"] == 2
    assert own.json(f"reject {edit} --as jimmy --comment no")["rejected"] is True
    own.refused(f"approve {edit} --as perry", 2, "out-of-order")
    own.refused(f"run {edit}", 4, "plan-rejected")


def test_a_run_for_a_program(own):
    edit = own.approved("finished")
    said = own.json(f"run {edit} --out finished.mp4")
    assert said["edit"] == edit
    assert own.json("verify finished.mp4")["exit_code"] == 0
    assert own.json(f"run {edit} --out finished.mp4") == said
    assert own.engines.calls["synthesize"] == 1


def test_a_matroska_and_its_manifest_beside_it(own):
    edit = own.json(f"plan {own.request('ffv1')} --codec ffv1")["edit"]
    own(f"approve {edit} --as perry")
    said = own(f"run {edit} --out clean.mkv").output
    assert "Manifest: clean.c2pa" in said
    own("verify clean.mkv --source ffv1/clip.mp4")
    (own.folder / "clean.c2pa").unlink()
    own("verify clean.mkv", 3)


def test_edit_does_it_all_and_again_does_nothing(own):
    line = f"edit {own.request('at-once')} --approve-as perry --out at-once.mp4"
    said = own.json(line)
    own("verify at-once.mp4 --source at-once/clip.mp4")
    calls = own.engines.calls.copy()
    assert own.json(line)["edit"] == said["edit"]
    assert own.engines.calls == calls


def test_edit_without_enough_approvals(own):
    own.refused(f"edit {own.request('alone')} --approve-as lois --out alone.mp4", 4, "approver-is-requester")
    assert not (own.folder / "alone.mp4").exists()
    assert own.engines.calls["synthesize"] == 0
    own("edit alone --approve-as perry --out alone.mp4")


def test_edit_killed_between_seal_and_delivery_delivers_that_file(own, monkeypatch):
    line = f"edit {own.request('undelivered')} --approve-as perry --out out.mp4"
    with monkeypatch.context() as patch:
        patch.setattr(
            "void_audit.workflow.running.deliver", lambda *a: (_ for _ in ()).throw(KeyboardInterrupt)
        )
        own(line, 130)
    calls = own.engines.calls.copy()
    own(line)
    assert own.engines.calls == calls
    assert (
        len([e for e in own.json("history")["edits"] if e["last"] == "seal"]) == 2
    )  # the one before, and this


def test_progress_is_on_standard_error(own):
    result = own(f"plan {own.request('progress')}")
    assert "composing the mask" in result.stderr
    assert "composing the mask" not in result.stdout
    assert "Next: void-audit approve" in result.stdout


def test_results_are_printed_once_the_progress_display_is_gone(own, monkeypatch):
    """It moves the cursor of the same terminal: what is printed meanwhile would be painted over."""
    live: list[str] = []
    whole = commands.working

    @contextmanager
    def watched(*args):
        live.append("live")
        with whole(*args) as place:
            yield place
        live.clear()

    def printed(name):
        real = getattr(commands, name)

        def check(*args, **options):
            assert not live, name
            seen.append(name)
            return real(*args, **options)

        return check

    seen: list[str] = []
    monkeypatch.setattr(commands, "working", watched)
    for name in ("print_planned", "print_finished", "print_reasoned"):
        monkeypatch.setattr(commands, name, printed(name))
    own(f"reason {own.request('watched')}")
    own("plan watched")
    own("edit watched --approve-as perry --out watched.mp4")
    own(f"run {own.json('history')['edits'][-1]['edit']} --out watched.mp4")
    assert seen == ["print_reasoned", "print_planned", "print_planned", "print_finished", "print_finished"]
