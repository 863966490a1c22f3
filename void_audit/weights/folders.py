"""Model folders: which files one has when a house registers it, and whether it has these still.

A link below the folder is refused wherever it leads: what is registered is what lies there. The folder itself
may be a link, so that models can be kept on another disk. Pickles are refused, but for ``.pt`` archives that were read
and hold tensors only (``weights.archive``): the form in which SAM 2 is published.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from void_audit.errors import WeightsError
from void_audit.model.engine import Progress, WeightsRef, no_progress
from void_audit.weights.archive import SUFFIX, require_tensors_only
from void_audit.weights.header import pickled, read_header, refuse_pickle
from void_audit.weights.registry import FolderFile, ModelFolder

CHUNK = 16 * 2**20
MIB = 2**20
PICKLED = frozenset({".bin", ".pth", ".ckpt", ".pkl", ".pickle"})
"""Suffixes under which weights are published as pickles that nothing here loads."""


@dataclass(frozen=True)
class VerifiedFolder:
    """A folder whose registered files were all just checked by content.

    ``refs`` name every registered file as ``folder/path`` with its digest. Nothing else that lies in ``root``
    may be read.
    """

    root: Path
    name: str
    refs: tuple[WeightsRef, ...]
    dynamics: bool
    purpose: str

    @property
    def paths(self) -> tuple[str, ...]:
        """The registered files, relative to ``root``, in the order of the registry."""
        return tuple(ref.name.removeprefix(f"{self.name}/") for ref in self.refs)

    def path(self, relative: str) -> Path:
        """Path of a registered file. Raises WeightsError ``weights-unregistered``."""
        if relative not in self.paths:
            raise WeightsError(
                "weights-unregistered",
                f"{relative!r} is not a registered file of the model {self.name}.",
                "Put the whole model into the folder and register it under another name.",
            )
        return self.root / relative


def verified(root: Path, folder: ModelFolder, progress: Progress = no_progress) -> VerifiedFolder:
    """Check every registered file in ``root``: first all sizes, then all digests.

    ``progress`` counts MiB and may raise ``Cancelled``. Raises WeightsError ``weights-missing``,
    ``weights-link`` or ``weights-digest``.
    """
    for file in folder.file:
        _require_size(root, file)
    meter = _Meter(f"checking {folder.name}", folder.size, progress)
    for file in folder.file:
        if _digest(root / file.path, meter) != file.sha256:
            raise _differs(root, file)
    refs = tuple(WeightsRef(name=f"{folder.name}/{file.path}", sha256=file.sha256) for file in folder.file)
    return VerifiedFolder(root, folder.name, refs, folder.dynamics, folder.purpose)


def require_sizes(root: Path, folder: ModelFolder) -> None:
    """Check in an instant that the files are there and as long as registered; their content is not read.

    Raises WeightsError ``weights-missing``, ``weights-link`` or ``weights-digest``.
    """
    for file in folder.file:
        _require_size(root, file)


def scan(root: Path, progress: Progress = no_progress) -> tuple[FolderFile, ...]:
    """Every file below ``root`` but hidden ones, with size and digest, sorted by path.

    ``progress`` counts MiB. Raises WeightsError ``weights-missing`` (nothing there), ``weights-link``,
    ``weights-pickled``, ``weights-truncated`` or ``weights-header`` (a damaged safetensors file),
    ``weights-name`` (a file whose name or size no registry can hold).
    """
    found = sorted(_files(root))
    if not found:
        raise WeightsError(
            "weights-missing", f"{root} holds no files.", "Put the model's files there, then register them."
        )
    for path in found:
        _require_harmless(path)
    total = sum(path.stat().st_size for path in found)
    meter = _Meter(f"hashing {root.name}", total, progress)
    return tuple(_registered(root, path, meter) for path in found)


def _files(root: Path) -> Iterator[Path]:
    """Files below ``root``. Hidden ones, where downloaders and git keep their own, are left out."""
    for entry in root.iterdir() if root.is_dir() else ():
        if entry.name.startswith("."):
            continue
        if entry.is_dir() and not entry.is_symlink():
            yield from _files(entry)
        else:
            yield entry


def _require_harmless(path: Path) -> None:
    _require_regular(path)
    if path.suffix.lower() == SUFFIX:
        require_tensors_only(path)
        return
    if path.suffix.lower() in PICKLED:
        raise pickled(path)
    if path.suffix.lower() == ".safetensors":
        read_header(path)
        return
    with path.open("rb") as file:
        refuse_pickle(path, file.read(8))


def _registered(root: Path, path: Path, meter: _Meter) -> FolderFile:
    relative = path.relative_to(root).as_posix()
    try:
        return FolderFile(path=relative, sha256=_digest(path, meter), size=path.stat().st_size)
    except ValidationError as error:
        raise WeightsError(
            "weights-name",
            f"{relative!r} cannot be registered: {error.errors()[0]['msg']}.",
            "Rename or remove it: letters, digits and _ . + - make up a path of at most 99 characters.",
        ) from None


def _require_size(root: Path, file: FolderFile) -> None:
    path = root / file.path
    if not os.path.lexists(path):
        raise WeightsError(
            "weights-missing",
            f"The registered model file {path} is not there.",
            "Put it back. `void-audit models list` shows where the model is from.",
        )
    if path.resolve() != root.resolve() / file.path:
        raise _link(path)
    _require_regular(path)
    if path.stat().st_size != file.size:
        raise _differs(root, file)


def _require_regular(path: Path) -> None:
    if not stat.S_ISREG(path.lstat().st_mode):
        raise _link(path)


def _link(path: Path) -> WeightsError:
    return WeightsError(
        "weights-link",
        f"{path} is a link, or below one, or no ordinary file.",
        "Put a copy of the file itself there (`cp -L`).",
    )


def _differs(root: Path, file: FolderFile) -> WeightsError:
    return WeightsError(
        "weights-digest",
        f"{root / file.path} is not the registered file (SHA-256 {file.sha256}, {file.size:,} bytes).",
        "Get the registered file again. Another version of a model is registered under another name.",
    )


class _Meter:
    """Turns bytes into progress in MiB."""

    def __init__(self, what: str, total: int, progress: Progress) -> None:
        self._what, self._total, self._progress = what, total, progress
        self._done = 0

    def add(self, number: int) -> None:
        self._done += number
        self._progress(self._what, -(-self._done // MIB), -(-self._total // MIB))


def _digest(path: Path, meter: _Meter) -> str:
    sha = hashlib.sha256()
    buffer = memoryview(bytearray(CHUNK))
    with path.open("rb", buffering=0) as file:
        while number := file.readinto(buffer):
            sha.update(buffer[:number])
            meter.add(number)
    return sha.hexdigest()
