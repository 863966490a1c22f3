from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cli.terminal import Terminal


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
    shutil.copytree(_made, tmp_path / "own")
    return Terminal(tmp_path / "own")
