"""Files of the evidence: whole or not there, never overwritten, locally and through fsspec."""

from __future__ import annotations

import builtins
import os
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from void_audit.errors import InputError, LedgerError, StorageError
from void_audit.ledger import durable
from void_audit.ledger.tile_store import LocalStore, RemoteStore, TileStore, open_store


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> TileStore:
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]
    return open_store(tmp_path / "tiles" if request.param == "folder" else "memory://bucket/prefix")


def test_what_is_written_is_read_back(store: TileStore) -> None:
    assert store.read("tile/0/x001/000", 10) is None
    assert list(store.paths()) == []
    assert store.put("tile/0/x001/000", b"abc") is True
    assert store.put("tile/0/x001/000", b"abc") is False
    store.replace("checkpoint", b"one")
    store.replace("checkpoint", b"two")
    assert store.read("tile/0/x001/000", 10) == b"abc"
    assert store.read("checkpoint", 10) == b"two"
    assert sorted(store.paths()) == ["checkpoint", "tile/0/x001/000"]
    assert list(store.paths("tile")) == ["tile/0/x001/000"]
    assert list(store.paths("nothing")) == []


@pytest.mark.parametrize("other", [b"abd", b"ab", b"abcd", b""])
def test_other_bytes_are_never_overwritten(store: TileStore, other: bytes) -> None:
    store.put("tile/0/000", b"abc")
    with pytest.raises(LedgerError) as caught:
        store.put("tile/0/000", other)
    assert caught.value.code == "evidence-contradicted"
    assert store.read("tile/0/000", 10) == b"abc"


def test_reading_is_bounded(store: TileStore) -> None:
    store.put("big", b"x" * 100)
    assert store.read("big", 10) == b"x" * 11


def test_a_folder_is_deleted_with_what_is_in_it(store: TileStore) -> None:
    for width in (1, 2):
        store.put(f"tile/0/000.p/{width}", b"x")
    store.put("tile/0/000", b"y")
    store.delete("tile/0/000.p")
    store.delete("tile/0/000.p")
    assert list(store.paths()) == ["tile/0/000"]


def test_local_files_are_synced_before_they_have_their_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    real_sync, real_rename = os.fsync, Path.rename
    monkeypatch.setattr(os, "fsync", lambda fd: calls.append("fsync") or real_sync(fd))
    monkeypatch.setattr(Path, "rename", lambda self, to: calls.append("rename") or real_rename(self, to))
    monkeypatch.setattr(durable, "sync_folder", lambda folder: calls.append("folder"))
    LocalStore(tmp_path).put("tile", b"x")
    assert calls == ["fsync", "rename", "folder"]


def test_what_an_interrupted_write_left_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / ".checkpoint.0123456789abcdef.new").write_bytes(b"half")
    assert list(LocalStore(tmp_path).paths()) == []


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError) as caught:
        LocalStore(tmp_path / "file").put("tile/0/000", b"x")
    assert caught.value.code.startswith("storage-")
    assert LocalStore(tmp_path / "file").read("tile/0/000", 5) is None


@pytest.mark.parametrize("place", ["{}", "file://{}", "local://{}"])
def test_addresses_of_folders(tmp_path: Path, place: str) -> None:
    store = open_store(place.format(tmp_path))
    assert isinstance(store, LocalStore)
    assert store.name == str(tmp_path)


@pytest.mark.parametrize(
    "url", ["nosuch://bucket/x", "simplecache::s3://bucket/x", "://x", "chained::memory://a"]
)
def test_addresses_that_nothing_here_reaches(url: str) -> None:
    with pytest.raises(InputError) as caught:
        open_store(url)
    assert caught.value.code == "evidence-place"


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *given: object, **more: object) -> object:
        if name.startswith("s3fs"):
            raise ImportError(name)
        return real(name, *given, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=r"s3.*void-audit\[s3\]") as caught:
        open_store("s3://key:secret@bucket/prefix")
    assert "secret" not in str(caught.value)


class _Broken(MemoryFileSystem):
    """A service that fails with an error of its own, which holds a password."""

    protocol = "broken"

    def cat_file(self, *given: object, **more: object) -> bytes:
        raise RuntimeError("password=secret")

    find = pipe_file = isdir = cat_file


def test_errors_of_a_service_are_ours_and_tell_no_secrets() -> None:
    fsspec.register_implementation("broken", _Broken, clobber=True)
    store = RemoteStore("broken://user:secret@bucket/x?token=secret")
    for ask in (lambda: store.read("a", 1), lambda: store.put("a", b""), lambda: store.replace("a", b""),
                lambda: list(store.paths()), lambda: store.delete("a")):  # fmt: skip
        with pytest.raises(StorageError) as caught:
            ask()
        assert caught.value.code == "evidence-unreachable"
        assert "secret" not in str(caught.value)


def test_another_exporter_that_is_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    MemoryFileSystem.store.clear()
    store = RemoteStore("memory://race/x")
    real = MemoryFileSystem.pipe_file

    def late(self: MemoryFileSystem, path: str, data: bytes, mode: str = "overwrite") -> None:
        real(self, path, b"theirs")
        raise FileExistsError

    monkeypatch.setattr(MemoryFileSystem, "pipe_file", late)
    with pytest.raises(LedgerError) as caught:
        store.put("tile", b"ours")
    assert caught.value.code == "evidence-contradicted"
    assert store.put("other", b"theirs") is False


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "endless").symlink_to("/dev/zero")
    for name in ("pipe", "folder", "endless"):
        with pytest.raises(StorageError):
            LocalStore(tmp_path).read(name, 10)
