"""Errors, exit codes, JSON, and a terminal that nothing from a request can command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st

from void_audit import errors
from void_audit.cli.console import cell, emit, guarded, printable, say

HOSTILE = "\x1b[2J\x1b]0;owned\x07 [bold red]alert[/] \u202egnp.exe \x9b31m \x00 [link=http://x]y[/link]"

ERRORS = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, errors.VoidAuditError)]


@settings(deadline=None)
@given(st.text())
def test_what_is_shown_is_printable_and_as_long(text):
    shown = printable(text)
    assert len(shown) == len(text)
    assert all(c.isprintable() or c == "\n" for c in shown)
    assert cell(text).plain == shown


def test_lines_for_people_are_no_markup(capsys):
    say(HOSTILE)
    said = capsys.readouterr().out
    assert "[bold red]alert[/]" in said
    assert not set("\x1b\x07\x9b\x00\u202e") & set(said)


def test_json_is_ascii(capsys):
    emit({"text": HOSTILE, "path": Path("x")})
    text = capsys.readouterr().out
    assert text.isascii()
    assert not set("\x1b\x07\x00") & set(text)
    assert json.loads(text) == {"text": HOSTILE, "path": "x"}


@pytest.mark.parametrize(
    "error", [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, Exception)]
)
@pytest.mark.parametrize("as_json", [False, True])
def test_every_error_is_one_message_and_its_exit_code(capsys, error, as_json):
    @guarded
    def command(as_json: bool = False) -> None:
        raise error("a-code", f"What is wrong: {HOSTILE}", "What to do.")

    with pytest.raises(typer.Exit) as caught:
        command(as_json=as_json)
    assert caught.value.exit_code == error.exit_code
    out, err = capsys.readouterr()
    if as_json:
        assert err == ""
        assert json.loads(out)["error"] == {
            "code": "a-code", "message": f"What is wrong: {HOSTILE}", "hint": "What to do."
        }  # fmt: skip
    else:
        assert out == ""
        assert err.startswith("error a-code What is wrong: ")
        assert err.endswith("  What to do.\n")
        assert "\x1b" not in err


@pytest.mark.parametrize("stop", [KeyboardInterrupt, typer.Abort])
def test_being_stopped_is_exit_130(capsys, stop):
    @guarded
    def command() -> None:
        raise stop

    with pytest.raises(typer.Exit) as caught:
        command()
    assert caught.value.exit_code == 130
    assert "Nothing recorded is lost" in capsys.readouterr().err


def test_an_error_of_the_system_is_a_storage_error(capsys):
    @guarded
    def command() -> None:
        Path("/proc/nowhere/x").write_text("x")

    with pytest.raises(typer.Exit) as caught:
        command()
    assert caught.value.exit_code == 2
    assert "error storage-failed /proc/nowhere/x" in capsys.readouterr().err


def test_nothing_in_a_request_commands_the_terminal(own):
    """Object, instruction, purpose, prompt, comment: shown by plan, policy, history, verify and in errors."""
    name = own.request("hostile", object=HOSTILE, instruction=HOSTILE, purpose=HOSTILE, requester="lois")
    (own.folder / name / "prompt.json").write_text(json.dumps({"bg": f"An empty room {HOSTILE}"}))
    edit = own.json(f"plan {name}")["edit"]
    own(f"approve {edit} --as perry --comment '{HOSTILE.replace(chr(0), '')}'")
    own(f"run {edit} --out hostile.mp4")
    for line in (
        f"policy check {name}",
        f"plan {name}",
        f"history {edit}",
        "history hostile.mp4",
        "verify hostile.mp4",
    ):
        said = own(line).output
        assert not set("\x1b\x07\x9b\x00\u202e") & set(said), line
    assert "[bold red]alert[/]" in own(f"history {edit}").output


def test_nothing_in_a_refused_request_commands_the_terminal(desk, tmp_path):
    for text in ('{"\\u001b[31mkey": 1}', '{"object": "\\u001b[31m"}', "\x1b[31m: 1", '"\\e[31m": 1'):
        folder = tmp_path / "refused"
        folder.mkdir(exist_ok=True)
        (folder / "clip.mp4").write_bytes(b"")
        (folder / "prompt.json").write_text('{"bg": "An empty room."}')
        (folder / "edit.yaml").write_text(text)
        said = desk(f"plan {folder}", 2).output
        assert "\x1b" not in said


@pytest.mark.parametrize("stage", [pytest.param("segment", marks=pytest.mark.slow), "refine"])
def test_control_c(own, stage):
    """A real SIGINT, in the middle of a stage: exit 130, one clear line, and the same command goes on."""
    line = ["plan", own.request("stopped")] if stage == "segment" else ["run", own.approved("stopped")]
    program = Path(__file__).parents[1] / "scripted_main.py"
    environment = {k: v for k, v in {**os.environ, **own.env}.items() if v is not None}
    process = subprocess.Popen(
        [sys.executable, str(program), stage, *line], cwd=own.folder, text=True, env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    while "waiting" not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "error stopped Stopped." in err
    assert "Traceback" not in err
    own(" ".join(line))


NOT_UTF8 = "\udcff"
"""As a byte 255 on the command line arrives."""


@pytest.mark.parametrize("line", [
    f"prompt accept EDIT --as lois --text 'A wall of {NOT_UTF8} stones.'",
    f"mask edit EDIT --as lois --cells 0,0 --to remove --frames 0 --note '{NOT_UTF8}'",
    f"mask edit EDIT --as lois --cells 0,0 --to '{NOT_UTF8}' --frames 0",
    f"mask show '{NOT_UTF8}'",
    f"approve EDIT --as perry --comment '{NOT_UTF8}'",
    f"edit request --approve-as '{NOT_UTF8}'",
    f"reason request --reasoner gemini --reasoner-model '{NOT_UTF8}'",
    f"plan request --purpose 'for {NOT_UTF8}'",
], ids=range(8))  # fmt: skip
def test_words_that_are_no_unicode_are_refused(begun, line):
    before = begun.log_size()
    begun.refused(line.replace("EDIT", begun.edit), 2, "option-value")
    assert begun.log_size() == before


def test_names_of_files_may_be_any_bytes(begun):
    begun(f"mask show {begun.edit} --out '{NOT_UTF8}.png'")
    begun(f"mask export {begun.edit} --out '{NOT_UTF8}.mkv'")
    begun.refused(f"mask edit {begun.edit} --as lois --file '{NOT_UTF8}.yaml'", 2, "request-unreadable")
    begun.refused(f"mask schemas --check '{NOT_UTF8}.yaml'", 2, "schema-missing")
    begun.refused(f"plan '{NOT_UTF8}'", 2, "option-value")
    begun.refused(f"reason '{NOT_UTF8}'", 2, "request-missing")
    begun.refused(f"export {begun.edit} --void '{NOT_UTF8}'", 2, "export-name")
