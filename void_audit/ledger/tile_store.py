"""Where the tiles lie: a local folder, or anything that fsspec reaches (s3://bucket/prefix).

Files are whole or not there. Those of a log never change, so ``put`` refuses to write other bytes over them.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

from void_audit.errors import InputError, LedgerError, StorageError, VoidAuditError
from void_audit.ledger.durable import make_folder, replacing, storage_errors, sync_folder

T = TypeVar("T")

_MODE = 0o444
_CALM = {"connect_timeout": 10, "read_timeout": 30, "retries": {"max_attempts": 2}}
"""For S3: a bucket that does not answer must not hold up a command for minutes."""

_STAGED = (".", ".new")
"""How the names of files begin and end that were being written (``durable.replacing``)."""


class TileStore(Protocol):
    """Files by their path below one prefix: ASCII, parts joined by slashes.

    Every method raises StorageError: ``storage-*`` locally, ``evidence-unreachable`` elsewhere.
    """

    name: str
    """For messages; holds no password."""

    def read(self, path: str, limit: int) -> bytes | None:
        """A file of at most ``limit`` bytes, cut off one byte later; None if there is none."""

    def put(self, path: str, data: bytes) -> bool:
        """Write a file that never changes. Whether it was written; False if it was there.

        Raises:
            LedgerError: ``evidence-contradicted`` if it is there with other bytes: it stays as it is.
        """

    def replace(self, path: str, data: bytes) -> None:
        """Write a file, over an older one if there is one."""

    def paths(self, below: str = "") -> Iterator[str]:
        """Every file below a folder, in any order; files that are being written are left out."""

    def delete(self, folder: str) -> None:
        """Remove a folder with the files in it, if it is there."""


def open_store(place: str | Path) -> TileStore:
    """The store at a folder, or at an fsspec URL. Nothing is made or asked yet.

    Raises:
        InputError: ``evidence-place``: no such protocol, or its package is not installed.
    """
    parts = urlsplit(str(place))
    if isinstance(place, Path) or "://" not in place:
        return LocalStore(Path(place))
    if parts.scheme in {"file", "local"}:
        return LocalStore(Path(parts.path))
    return RemoteStore(place)


class LocalStore:
    """A folder. Every file is on the disk, with its name, when ``put`` or ``replace`` returns."""

    def __init__(self, root: Path) -> None:
        self.name = str(root)
        self._root = root

    def read(self, path: str, limit: int) -> bytes | None:
        """As ``TileStore``."""
        with storage_errors(self._root / path):
            try:
                with open(self._root / path, "rb", opener=_open_file) as stream:
                    return stream.read(limit + 1)
            except (FileNotFoundError, NotADirectoryError):
                return None

    def put(self, path: str, data: bytes) -> bool:
        """As ``TileStore``."""
        if _is_there(self, path, data):
            return False
        self._write(path, data, _MODE)
        return True

    def replace(self, path: str, data: bytes) -> None:
        """As ``TileStore``."""
        self._write(path, data, 0o644)

    def paths(self, below: str = "") -> Iterator[str]:
        """As ``TileStore``."""
        start = self._root / below
        with storage_errors(start):
            if not start.is_dir():
                return
            for file in start.rglob("*"):
                if not file.is_dir() and not _is_staged(file.name):
                    yield file.relative_to(self._root).as_posix()

    def delete(self, folder: str) -> None:
        """As ``TileStore``."""
        place = self._root / folder
        with storage_errors(place):
            if place.is_dir() and not place.is_symlink():
                shutil.rmtree(place)
                sync_folder(place.parent)

    def _write(self, path: str, data: bytes, mode: int) -> None:
        place = self._root / path
        with storage_errors(place):
            make_folder(place.parent)
            with replacing(place, mode) as stream:
                stream.write(data)


class RemoteStore:
    """A prefix that fsspec reaches. A write is as durable as that service says when it answers."""

    def __init__(self, url: str) -> None:
        self.name = _without_secrets(url)
        self._fs, self._root = _filesystem(url, self.name)

    def read(self, path: str, limit: int) -> bytes | None:
        """As ``TileStore``."""

        def fetch() -> bytes | None:
            try:
                data = self._fs.cat_file(self._at(path), start=0, end=limit + 1)
            except FileNotFoundError:
                return None
            return bytes(data)

        return self._asked(path, fetch)

    def put(self, path: str, data: bytes) -> bool:
        """As ``TileStore``."""

        def create() -> bool:
            if _is_there(self, path, data):
                return False
            self._make_parent(path)
            try:
                self._fs.pipe_file(self._at(path), data, mode="create")
            except FileExistsError:  # another exporter was faster
                return not _is_there(self, path, data)
            return True

        return self._asked(path, create)

    def replace(self, path: str, data: bytes) -> None:
        """As ``TileStore``."""

        def write() -> None:
            self._make_parent(path)
            self._fs.pipe_file(self._at(path), data)

        self._asked(path, write)

    def paths(self, below: str = "") -> Iterator[str]:
        """As ``TileStore``."""

        def listed() -> list[str]:
            start = self._at(below).rstrip("/")
            try:
                self._fs.invalidate_cache()  # another process may have written since
                return [str(found) for found in self._fs.find(start)]
            except FileNotFoundError:
                return []

        cut = len(self._at(""))
        for found in self._asked(below, listed):
            yield found[cut:]

    def delete(self, folder: str) -> None:
        """As ``TileStore``."""

        def remove() -> None:
            if self._fs.isdir(self._at(folder)):
                self._fs.rm(self._at(folder), recursive=True)

        self._asked(folder, remove)

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}"

    def _make_parent(self, path: str) -> None:
        self._fs.makedirs(self._at(str(PurePosixPath(path).parent)), exist_ok=True)

    def _asked(self, path: str, ask: Callable[[], T]) -> T:
        with self._translated(path):
            return ask()

    @contextmanager
    def _translated(self, path: str) -> Iterator[None]:
        try:
            yield
        except VoidAuditError:
            raise
        except Exception as error:
            raise StorageError(
                "evidence-unreachable",
                f"{self.name}: {path or 'the prefix'} cannot be reached ({type(error).__name__}).",
                "Check the address, the credentials and the network; it is tried again next time.",
            ) from error


def _is_there(store: TileStore, path: str, data: bytes) -> bool:
    """Whether the file is there already, byte for byte."""
    found = store.read(path, len(data))
    if found is not None and found != data:
        raise LedgerError(
            "evidence-contradicted",
            f"{path} in {store.name} (SHA-256 {hashlib.sha256(found).hexdigest()[:16]}) is not what the log says.",
            "Nothing was overwritten. Find out who changed it: keep a copy, then `void-audit ledger fsck`.",
        )
    return found is not None


def _open_file(path: str, flags: int) -> int:
    """Open a regular file: whoever gave the folder may have put something there that never answers."""
    descriptor = os.open(path, flags | os.O_NONBLOCK)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EINVAL, "It is no file")


def _is_staged(name: str) -> bool:
    return name.startswith(_STAGED[0]) and name.endswith(_STAGED[1])


def _filesystem(url: str, name: str) -> tuple[Any, str]:
    import fsspec  # noqa: PLC0415 - only where the evidence lies elsewhere

    scheme = url.partition("://")[0]
    options = {"config_kwargs": _CALM} if scheme in {"s3", "s3a"} else {}
    try:
        if "::" in url or not scheme:
            raise ValueError("chained")
        filesystem, root = fsspec.core.url_to_fs(url, **options)
    except (ImportError, ValueError, TypeError) as error:
        raise InputError(
            "evidence-place",
            f"{name} cannot be used: there is no file system for {scheme!r} here.",
            "For S3: pip install 'void-audit[s3]'. Or name a folder.",
        ) from error
    return filesystem, str(root).rstrip("/")


def _without_secrets(url: str) -> str:
    """Scheme, host and path: no user, no password, no query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
