"""The masks of an edit as commands look at them: numbers, files, digests; frames from text."""

from __future__ import annotations

import pytest

from void_audit.cli.masks import MaskShelf, frames_of
from void_audit.cli.workspace import Workspace
from void_audit.errors import LedgerError, OrderError, RequestError, WorkspaceError


def place_of(terminal) -> Workspace:
    return Workspace(terminal.folder / ".void-audit", terminal.folder / "models", lambda holder: None)


@pytest.fixture(scope="module")
def shelf(revised):
    return MaskShelf.of(place_of(revised), revised.edit)


def test_every_mask_is_there_in_order(shelf):
    assert [state.kind for state in shelf.states] == ["mask", "mask-revision", "mask-revision"]
    assert [state.identity.root for state in shelf.states[:2]] == [state.parent for state in shelf.states[1:]]
    assert shelf.names(0) == ["remove", "overlap", "affected", "keep"]
    assert shelf.clip.info.frames == len(shelf.mask(2)) == 6


def test_numbers(shelf):
    assert [shelf.number(n) for n in (None, 0, 1, 2)] == [2, 0, 1, 2]
    assert shelf.pair(None, None) == (1, 2)
    assert shelf.pair(None, 1) == (0, 1)
    assert shelf.pair(2, 0) == (2, 0)
    assert shelf.pair(0, None) == (0, 2)
    for before, after in ((3, None), (None, 3), (None, 0)):
        with pytest.raises(RequestError) as caught:
            shelf.pair(before, after)
        assert caught.value.code == "revision-unknown"


def test_what_has_no_masks(revised):
    place = place_of(revised)
    for edit in ("0123456789ab", "../../etc", ""):
        with pytest.raises(WorkspaceError) as caught:
            MaskShelf.of(place, edit)
        assert caught.value.code == "edit-unknown"


def test_an_edit_that_was_denied_before_it_had_one(own):
    own(f"plan {own.request('denied', asset_class='news')}", 4)
    edit = own.json("history")["edits"][-1]["edit"]
    with pytest.raises(OrderError) as caught:
        MaskShelf.of(place_of(own), edit)
    assert caught.value.code == "mask-missing"


@pytest.mark.parametrize("what", ["source", "mask"])
def test_files_are_checked_before_they_are_read(begun, what):
    place = place_of(begun)
    shelf = MaskShelf.of(place, begun.edit)
    path = shelf.clip.path if what == "source" else shelf.path(0)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(LedgerError) as caught:
        MaskShelf.of(place, begun.edit).mask(0)
    assert caught.value.code == "blob-corrupt"


@pytest.mark.parametrize(
    ("text", "frames"), [("", None), ("  ", None), ("0", (0,)), ("5, 0 ,5", (5, 0, 5)), ("05", (5,))]
)
def test_frames_as_they_are_written(text, frames):
    assert frames_of(text, 6) == frames


@pytest.mark.parametrize(
    "text",
    ["6", "-1", "1-3", "0,", ",", "1.0", "x", "²", "٣", "9" * 5000, "0x1", "1 2", "\x1b[31m"],
    ids=range(13),
)
def test_frames_that_are_none(text):
    with pytest.raises(RequestError) as caught:
        frames_of(text, 6)
    assert caught.value.code == "option-value"
    assert len(caught.value.message) < 200
    assert "\x1b" not in caught.value.message
