"""``ledger adopt``: a copy of everything signs only once somebody states that nothing else does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest
from cli.terminal import Terminal


@pytest.fixture
def copied(own, tmp_path) -> Terminal:
    """``cp -r`` of a whole workspace, its key and its mark."""
    shutil.copytree(own.folder, tmp_path / "copied")
    return Terminal(tmp_path / "copied")


def test_a_copy_of_everything_reads_and_does_not_sign(own, copied):
    size = copied.log_size()
    message = copied.refused("keys add clark --role editor", 1, "ledger-mark-copied")
    assert "copy" in message
    assert "void-audit ledger adopt" in copied("keys add clark --role editor", 1).stderr
    assert copied.log_size() == size
    assert copied.json("ledger fsck")["ok"]
    own("keys add clark --role editor")


def test_a_copy_that_is_adopted_signs(copied):
    copied.refused("ledger adopt", 2, "adopt-unconfirmed")
    copied.refused("keys add clark --role editor", 1, "ledger-mark-copied")
    said = copied.json("ledger adopt --yes")
    assert said["size"] == copied.json("ledger fsck")["entries"]
    copied("keys add clark --role editor")
    assert copied.json("ledger fsck")["entries"] == said["size"] + 1


def test_it_says_so(copied):
    said = copied("ledger adopt --yes").output
    assert "signs from now on" in said


def test_a_workspace_that_is_renamed_needs_none_of_this(own, tmp_path):
    own.folder.rename(tmp_path / "renamed")
    Terminal(tmp_path / "renamed")("keys add clark --role editor")


def test_a_workspace_without_a_mark_has_nothing_to_adopt(terminal):
    terminal.refused("ledger adopt --yes", 1, "ledger-mark-missing")


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 2), ("\n", 2)])
def test_a_person_is_asked(copied, answer, code):
    """On a terminal of its own: the application asks only where somebody can answer."""
    leader, follower = os.openpty()
    run = subprocess.Popen(
        [sys.executable, "-m", "void_audit.cli.main", "ledger", "adopt"],
        env={**os.environ, "VOID_AUDIT_WORKSPACE": str(copied.folder / ".void-audit")},
        stdin=follower, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    os.close(follower)
    os.write(leader, answer.encode())
    out, error = run.communicate(timeout=60)
    os.close(leader)
    assert run.returncode == code, (out, error)
    assert "two histories" in out
    assert "Is this the only copy that signs?" in error
    assert ("signs from now on" in out) == (code == 0)
