"""Edit folders: ids, locks, and what a kill or a bad disk leaves behind."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from void_audit.errors import OrderError, StorageError, WorkspaceError
from void_audit.workflow.edits import FINGERPRINT, EditFolders


@pytest.fixture
def edits(tmp_path: Path) -> EditFolders:
    return EditFolders(tmp_path / "edits")


def test_edits_are_found_by_fingerprint_newest_first(edits):
    assert edits.ids() == []
    made = []
    for fingerprint in ("a", "b", "a"):
        made.append(edits.create(fingerprint))
        os.utime(edits.path(made[-1]) / FINGERPRINT, (len(made), len(made)))
    assert edits.ids() == made
    assert edits.with_fingerprint("a") == [made[2], made[0]]
    assert edits.with_fingerprint("c") == []


@pytest.mark.parametrize("edit", ["", ".", "..", "../edits", "/", "unknown", "a" * 5000, "x\0y", "\ud800"])
def test_what_is_no_edit(edits, edit):
    edits.create("a")
    with pytest.raises(WorkspaceError) as caught:
        edits.path(edit)
    assert caught.value.code == "edit-unknown"


def test_a_folder_that_a_kill_left_half_made_is_no_edit(edits):
    """The request could otherwise never be planned again: its newest edit would have no usable name."""
    done = edits.path(edits.create("a"))
    done.rename(edits.root / f".{done.name}.new")
    assert edits.with_fingerprint("a") == []
    assert edits.path(edits.create("a"))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EIO])
def test_a_disk_that_refuses(edits, monkeypatch, number):
    def fail(*args: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(StorageError) as caught:
            edits.create("a")
    assert caught.value.code.startswith("storage-")
    assert edits.ids() == []
    assert edits.path(edits.create("a")).is_dir()


def test_one_process_at_a_time(edits):
    edit = edits.create("a")
    with edits.lock(edit):
        with pytest.raises(OrderError) as caught, edits.lock(edit):
            pass
        assert caught.value.code == "edit-busy"
    with edits.lock(edit):
        pass


def test_a_killed_process_leaves_no_lock(edits):
    edit = edits.create("a")
    program = (
        "import sys, time; from pathlib import Path; from void_audit.workflow.edits import EditFolders\n"
        "with EditFolders(Path(sys.argv[1])).lock(sys.argv[2]):\n    print('locked', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(edits.root), edit], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "locked\n"
    with pytest.raises(OrderError), edits.lock(edit):
        pass
    process.kill()
    process.wait()
    process.stdout.close()
    deadline = time.monotonic() + 10
    while True:
        try:
            with edits.lock(edit):
                return
        except OrderError:
            assert time.monotonic() < deadline


def test_a_lock_that_cannot_be_made(edits):
    edit = edits.create("a")
    (edits.path(edit) / "lock").mkdir()
    with pytest.raises(StorageError), edits.lock(edit):
        pass


def test_an_error_inside_the_lock_is_not_taken_for_one_of_the_lock(edits):
    edit = edits.create("a")
    with pytest.raises(PermissionError), edits.lock(edit):
        raise PermissionError("of the work, not of the lock")
    with edits.lock(edit):
        pass


def test_one_at_a_time_begins_an_edit(edits, monkeypatch):
    monkeypatch.setattr("void_audit.workflow.edits.BEGINNING_SECONDS", 0.05)
    with edits.beginning():
        assert edits.ids() == []
        with pytest.raises(OrderError) as caught, edits.beginning():
            pass
        assert caught.value.code == "edit-busy"
        made = edits.create("a")
    with edits.beginning():
        assert edits.with_fingerprint("a") == [made]


def test_beginning_where_nothing_can_be_written(edits):
    edits.root.mkdir(exist_ok=True)
    (edits.root / ".beginning.lock").mkdir()
    with pytest.raises(StorageError), edits.beginning():
        pass
