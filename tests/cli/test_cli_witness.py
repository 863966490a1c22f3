"""``witness``: two of them made and asked with the commands; an edit that they saw; a fork that they refuse."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.client import HTTPConnection

import pytest
from cli.terminal import Terminal
from copies import copy_place

from void_audit.cli import witness as witness_cli
from void_audit.ledger.witness_folder import WitnessFolder
from void_audit.ledger.witness_server import WitnessServer


@contextmanager
def served(terminal, name: str):
    """What ``witness serve`` does, in this process: the command itself has its own test."""
    server = WitnessServer(("127.0.0.1", 0), WitnessFolder(terminal.folder / name).witness(None))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.url
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def made(terminal, name: str) -> list[str]:
    """Vkeys of a witness that knows the workspace's log."""
    vkeys = terminal.json(f"witness init --name {name}.example/w --folder {name} --no-passphrase")["vkeys"]
    assert terminal.json(f"witness add-log .void-audit/trust/log.vkey --folder {name}")["new"] is True
    return vkeys


def policy(terminal, witnesses: dict[str, tuple[list[str], str]], quorum: str) -> None:
    """Write trust/log.policy: two keys of one witness count once."""
    log = (terminal.folder / ".void-audit" / "trust" / "log.vkey").read_text()
    lines = [f"log {log}"]
    for name, (vkeys, url) in witnesses.items():
        lines += [f"witness {name}-{n} {vkey} {url}\n" for n, vkey in enumerate(vkeys)]
        lines.append(f"group {name} any {' '.join(f'{name}-{n}' for n in range(len(vkeys)))}\n")
    lines.append(f"group outsiders {quorum} {' '.join(witnesses)}\nquorum outsiders\n")
    (terminal.folder / ".void-audit" / "trust" / "log.policy").write_text("".join(lines))


def inclusion(terminal, line: str) -> dict:
    """Obligation 5 of what verify says, whatever the rest says."""
    for code in (0, 1, 3):
        try:
            report = terminal.json(f"verify {line}", code)
        except AssertionError:
            continue
        return next(f for f in report["findings"] if f["obligation"] == 5)
    raise AssertionError(line)


def test_an_edit_that_two_witnesses_saw_and_a_fork_that_they_refuse(begun, tmp_path) -> None:
    vkeys = {name: made(begun, name) for name in ("gazette", "council")}
    stale = Terminal(copy_place(begun.folder, tmp_path / "stale"), begun.edit)
    with served(begun, "gazette") as one, served(begun, "council") as two:
        for place in (begun, stale):
            policy(place, {"gazette": (vkeys["gazette"], one), "council": (vkeys["council"], two)}, "all")
        begun(f"approve {begun.edit} --as perry")
        finished = begun.json(f"run {begun.edit} --out clean.mp4")
        assert [w for w in finished["warnings"] if "witness" in w] == []

        found = inclusion(begun, "clean.mp4")
        assert found["state"] == "pass"
        assert "Witnessed 2 of 2: gazette-0 at 2" in found["detail"]
        pinned = begun.folder / "pinned.policy"
        pinned.write_bytes((begun.folder / ".void-audit" / "trust" / "log.policy").read_bytes())
        assert inclusion(begun, "clean.mp4 --witness-policy pinned.policy --workspace nowhere "
                         "--log-key .void-audit/trust/log.vkey")["detail"] == found["detail"]  # fmt: skip

        shown = begun.json("witness show --folder council")
        assert shown["vkeys"] == vkeys["council"]
        assert shown["logs"][0]["size"] == begun.json("witness ask")["size"]

        stale("keys add clark --role editor")  # the copy goes its own way
        told = stale.json("witness ask", 1)
        assert any(w.startswith("witness-contradicts: gazette") for w in told["warnings"])
        said = stale("witness ask", 1)
        assert "witness-contradicts" in said.stderr
        assert "make no more edits" in said.stderr
        assert begun.json("witness ask")["quorum_met"] is True


def test_a_witness_that_is_gone_stops_no_edit_and_is_said(begun) -> None:
    vkeys = {name: made(begun, name) for name in ("gazette", "council")}
    with served(begun, "gazette") as here:
        policy(
            begun,
            {"gazette": (vkeys["gazette"], here), "council": (vkeys["council"], "http://127.0.0.1:1")},
            "all",
        )
        begun(f"approve {begun.edit} --as perry")
        told = begun(f"run {begun.edit} --out clean.mp4")
        assert "warning: witness-unreachable: council-0/council-1" in " ".join(told.output.split())
        found = inclusion(begun, "clean.mp4")
        assert (found["state"], "Witnessed 1 of 2" in found["detail"]) == ("cannot tell", True)
        assert begun.json("witness ask", 3)["quorum_met"] is False
        with served(begun, "council") as back:
            policy(begun, {"gazette": (vkeys["gazette"], here), "council": (vkeys["council"], back)}, "all")
            begun(f"receipt {begun.edit} --out clean.mp4.receipt")
        assert "Witnessed 2 of 2" in inclusion(begun, "clean.mp4")["detail"]
        begun("keys add clark --role editor")  # a newer checkpoint, which one witness cannot see
        line = f"receipt {begun.edit} --out clean.mp4.receipt"
        assert "cosigned by enough" in begun.refused(line, 2, "receipt-worse")
        assert "Witnessed 2 of 2" in inclusion(begun, "clean.mp4")["detail"]
        begun(f"receipt {begun.edit} --out other.receipt")


def test_a_new_workspace_asks_nobody_and_says_operator_trusted(own) -> None:
    assert "quorum none" in (own.folder / ".void-audit" / "trust" / "log.policy").read_text()
    assert "operator-trusted" in inclusion(own, "clean.mp4")["detail"]
    assert "Operator-trusted" in own("witness ask").output
    assert own.json("witness ask")["of"] == 0


def test_a_policy_that_is_wrong_is_said_with_its_line(own) -> None:
    file = own.folder / ".void-audit" / "trust" / "log.policy"
    file.write_text(file.read_text() + "quorum all\n")
    assert "line 4" in own.refused("witness ask", 2, "log-policy-malformed")
    own.refused("verify clean.mp4", 2, "log-policy-malformed")
    file.write_text(f"log {made(own, 'w')[0]}\nquorum none\n")
    own.refused("witness ask", 2, "log-policy-malformed")
    file.write_text("log other.example+4c8d9c96+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c\nquorum none\n")
    assert own("witness ask", 2)


def test_what_is_made_is_shown_to_a_person(terminal) -> None:
    told = terminal("witness init --name w.example/1 --folder w --no-passphrase").output
    assert "NOT encrypted" in told
    assert told.count("w.example/1+") == 2
    vkey = "newsroom.example/void-audit/1+7ce98a9c+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c"
    assert "No log yet" in terminal("witness show --folder w").output
    assert "known from now on" in terminal(f"witness add-log {vkey} --folder w").output
    assert "known already" in terminal(f"witness add-log {vkey} --folder w").output
    assert "newsroom.example/void-audit/1: 0 entries" in terminal("witness show --folder w").output


@pytest.mark.parametrize(
    ("line", "code", "error"),
    [
        ("witness init --name w.example --folder w --no-passphrase", 2, "witness-exists"),
        ("witness init --name 'a b' --folder x --no-passphrase", 1, "key-name"),
        ("witness init --name x --folder x", 2, "passphrase-needed"),
        ("witness show --folder nowhere", 2, "witness-missing"),
        ("witness serve --folder nowhere", 2, "witness-missing"),
        ("witness add-log nothing --folder w", 2, "pin-unreadable"),
        ("witness add-log a+b --folder w", 1, "vkey-malformed"),
        ("witness serve --folder w --listen here", 2, "option-value"),
        ("witness serve --folder w --listen 127.0.0.1:99999", 2, "option-value"),
        ("witness serve --folder w --prefix /a/../b", 2, "option-value"),
        ("witness serve --folder w --listen 192.0.2.1:80", 2, "witness-address"),
        ("witness ask", 2, "workspace-missing"),
    ],
)
def test_what_cannot_be_done_is_said(terminal, line: str, code: int, error: str) -> None:
    terminal("witness init --name w.example --folder w --no-passphrase")
    terminal.refused(line, code, error)


def test_an_encrypted_witness_wants_its_own_passphrase(terminal) -> None:
    terminal("witness init --name w.example --folder w", VOID_AUDIT_PASSPHRASE_WITNESS="correct horse")
    terminal.refused("witness serve --folder w", 2, "passphrase-needed")
    terminal.refused(
        "witness serve --folder w", 2, "passphrase-wrong", VOID_AUDIT_PASSPHRASE_WITNESS="another"
    )
    assert terminal.json("witness show --folder w")["vkeys"]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_serve_listens_until_it_is_stopped_and_ends_well(terminal, how: signal.Signals) -> None:
    terminal("witness init --name w.example --folder w --no-passphrase")
    command = [sys.executable, "-m", "void_audit.cli.main", "witness", "serve", "--folder", "w", "--listen"]
    process = subprocess.Popen(
        [*command, "127.0.0.1:0", "--json"],
        cwd=terminal.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    said = ""
    while not said.endswith("}\n"):
        said += process.stdout.readline()
    port = int(json.loads(said)["url"].rsplit(":", 1)[1])
    idle = HTTPConnection("127.0.0.1", port, timeout=5)
    idle.request("POST", "/add-checkpoint", b"words")
    assert idle.getresponse().read().startswith(b"Not an add-checkpoint request")
    process.send_signal(how)  # the idle connection does not keep it
    out, err = process.communicate(timeout=10)
    idle.close()
    assert (process.returncode, out, err) == (0, "", "")


def test_signals_are_put_back(monkeypatch) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with witness_cli._stopping(lambda: None):
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before
