"""Working files: out of the way when a command begins, and gone when an edit is done."""

from __future__ import annotations

import pytest

from void_audit.errors import StorageError, WorkspaceError


def test_scratch_is_made_when_needed_and_thrown_away(house):
    edit = house.planned("scratch")
    left = house.workshop.scratch(edit) / ".take1.123.partial.mkv"
    left.write_bytes(b"of a killed command")
    house.approve(edit)
    assert left.exists()
    house.run(edit)
    assert not left.exists()
    assert not list(house.workshop.edits.path(edit).glob("work/*"))


def test_no_scratch_for_what_is_no_edit(house):
    with pytest.raises(WorkspaceError):
        house.workshop.scratch("../elsewhere")
    with pytest.raises(WorkspaceError):
        house.workshop.clear_scratch("../elsewhere")


def test_scratch_that_cannot_be_made(house):
    edit = house.planned("blocked")
    house.workshop.clear_scratch(edit)
    (house.workshop.edits.path(edit) / "work").write_bytes(b"a file in the way")
    with pytest.raises(StorageError):
        house.workshop.scratch(edit)
