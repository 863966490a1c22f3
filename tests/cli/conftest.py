from __future__ import annotations

from pathlib import Path

import pytest
from cli.asking import KEY, Asking
from cli.terminal import Terminal
from copies import copy_place
from loopback import refuse_the_world


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """An empty folder."""
    return Terminal(tmp_path)


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    made = Terminal(folder)
    made.people()
    made(f"run {made.approved()} --out clean.mp4")
    return folder


@pytest.fixture(scope="session")
def desk(_made: Path) -> Terminal:
    """A workspace with one finished edit of ``request``, delivered as ``clean.mp4``. To be looked at only."""
    return Terminal(_made)


@pytest.fixture
def own(_made: Path, tmp_path: Path) -> Terminal:
    """A copy of the same, for a test that changes something."""
    copy_place(_made, tmp_path / "own")
    return Terminal(tmp_path / "own")


@pytest.fixture(scope="session")
def _begun(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("begun")
    begun = Terminal(folder)
    begun.people()
    return folder, begun.planned()


@pytest.fixture
def begun(_begun: tuple[Path, str], tmp_path: Path) -> Terminal:
    """A workspace with ``request`` planned and nothing else, for a test that changes something."""
    folder, edit = _begun
    copy_place(folder, tmp_path / "begun")
    return Terminal(tmp_path / "begun", edit)


@pytest.fixture(scope="session")
def revised(_begun: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    """The same, its mask revised twice: a cell, then a dot. To be looked at only."""
    folder, edit = _begun
    place = tmp_path_factory.mktemp("revised") / "desk"
    copy_place(folder, place)
    revised = Terminal(place, edit)
    revised(f"mask edit {edit} --as lois --cells 7,11 --to affected --frames 1-5")
    revised(f"mask edit {edit} --as lois --stroke 70,10 --radius 4 --to remove --frames 2")
    return revised


@pytest.fixture
def asking_desk(own: Terminal, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Olivia is editor and reasoner, lois an editor; nothing but this machine can be reached."""
    refuse_the_world(monkeypatch)
    own.engines = Asking(own.folder / "models")
    own.env["VOID_AUDIT_REASONER_KEY"] = KEY
    own.env["GEMINI_API_KEY"] = "AIzaSy-nobody-elses-business"
    own("keys add olivia --role editor --role reasoner")
    return own
