from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

import pytest

from void_audit.errors import StorageError
from void_audit.ledger.durable import make_folder, replacing, storage_error, storage_errors, sync_folder


class StoppedError(Exception):
    """Stands for anything that stops a program."""


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Every fsync (of which file), rename (to where) and mkdir, in order."""
    taken: list[tuple[str, str]] = []
    fsync, rename, mkdir = os.fsync, Path.rename, Path.mkdir

    def on_fsync(descriptor: int) -> None:
        name = Path(f"/proc/self/fd/{descriptor}").readlink().name
        taken.append(("fsync", name))
        fsync(descriptor)

    def on_rename(self: Path, target: Path) -> Path:
        taken.append(("rename", f"{self.name} with {self.read_bytes()!r}"))
        return rename(self, target)

    def on_mkdir(self: Path, *args: object, **kwargs: object) -> None:
        taken.append(("mkdir", self.name))
        mkdir(self, *args, **kwargs)

    monkeypatch.setattr(os, "fsync", on_fsync)
    monkeypatch.setattr(Path, "rename", on_rename)
    monkeypatch.setattr(Path, "mkdir", on_mkdir)
    return taken


def test_content_is_on_the_disk_before_its_name_and_the_name_before_the_return(
    tmp_path: Path, steps: list[tuple[str, str]]
) -> None:
    with replacing(tmp_path / "file") as stream:
        stream.write(b"new")
    (first, staged), (second, renamed), third = steps
    assert (first, second, third) == ("fsync", "rename", ("fsync", tmp_path.name))
    assert renamed == f"{staged} with b'new'"
    assert staged.startswith(".file.")


def test_until_the_block_is_left_the_old_content_is_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with replacing(path) as stream:
        stream.write(b"new" * 100_000)
        stream.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new" * 100_000


def stop_halfway(stream: BinaryIO, stop: type[BaseException]) -> None:
    stream.write(b"half of it")
    raise stop


@pytest.mark.parametrize("stop", [StoppedError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("old", [b"old", None])
def test_a_block_that_raises_leaves_everything_as_it_was(
    tmp_path: Path, stop: type[BaseException], old: bytes | None
) -> None:
    path = tmp_path / "file"
    if old is not None:
        path.write_bytes(old)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(stop), replacing(path) as stream:
        stop_halfway(stream, stop)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


@pytest.mark.parametrize("target", [(os, "fsync"), (Path, "rename")])
def test_a_disk_that_fails_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: tuple[object, str]
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "injected")

    monkeypatch.setattr(*target, fail)
    with pytest.raises(OSError, match="injected"), replacing(path) as stream:
        stream.write(b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    assert path.read_bytes() == b"old"


def test_a_link_is_replaced_not_what_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"not mine")
    (tmp_path / "file").symlink_to(tmp_path / "elsewhere")
    with replacing(tmp_path / "file") as stream:
        stream.write(b"new")
    assert (tmp_path / "elsewhere").read_bytes() == b"not mine"
    assert not (tmp_path / "file").is_symlink()


@pytest.mark.parametrize("mode", [0o600, 0o640])
def test_nobody_gets_more_rights_than_were_given(tmp_path: Path, mode: int) -> None:
    with replacing(tmp_path / "file", mode):
        (staged,) = tmp_path.iterdir()
        assert stat.S_IMODE(staged.stat().st_mode) & ~mode == 0
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) & ~mode == 0


def test_folders_are_made_from_the_top_each_name_durable(
    tmp_path: Path, steps: list[tuple[str, str]]
) -> None:
    make_folder(tmp_path / "a" / "b")
    assert steps == [("mkdir", "a"), ("fsync", tmp_path.name), ("mkdir", "b"), ("fsync", "a")]
    make_folder(tmp_path / "a" / "b")
    assert len(steps) == 4
    assert (tmp_path / "a" / "b").is_dir()


@pytest.mark.parametrize("name", ["file", "file/below", "nowhere", "x" * 300])
def test_where_no_folder_can_be_is_a_storage_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"kept")
    (tmp_path / "nowhere").symlink_to(tmp_path / "absent")
    place = tmp_path / name
    with pytest.raises(StorageError) as caught, storage_errors(place):
        make_folder(place)
    assert caught.value.code == "storage-failed"
    assert (tmp_path / "file").read_bytes() == b"kept"


@pytest.mark.parametrize("name", ["absent/file", "x" * 300, "plain/file"])
def test_a_file_that_cannot_be_made_is_a_storage_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "plain").write_bytes(b"")
    with pytest.raises(StorageError), storage_errors(tmp_path), replacing(tmp_path / name) as stream:
        stream.write(b"never")
    assert [p.name for p in tmp_path.iterdir()] == ["plain"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(errno.ENOSPC, "full"), "storage-full"),
        (OSError(errno.EDQUOT, "quota"), "storage-full"),
        (OSError(errno.EACCES, "denied"), "storage-unwritable"),
        (OSError(errno.EPERM, "denied"), "storage-unwritable"),
        (OSError(errno.EROFS, "read-only"), "storage-unwritable"),
        (OSError(errno.EIO, "broken"), "storage-failed"),
        (OSError("no number at all"), "storage-failed"),
    ],
)
def test_what_an_error_means(error: OSError, code: str) -> None:
    place = Path("somewhere") / "ledger"
    meant = storage_error(place, error)
    assert meant.code == code
    assert str(place) in meant.message
    assert meant.hint
    if code != "storage-full":
        assert (error.strerror or str(error)) in meant.message
    with pytest.raises(StorageError) as caught, storage_errors(place):
        raise error
    assert (caught.value.code, caught.value.__cause__) == (code, error)


def test_only_errors_of_the_system_are_translated() -> None:
    with pytest.raises(StoppedError), storage_errors(Path()):
        raise StoppedError


def test_syncing_a_folder_that_is_not_there_fails_and_leaks_no_descriptor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(FileNotFoundError):
        sync_folder(tmp_path / "absent")
    before = len(list(Path("/proc/self/fd").iterdir()))

    def fail(_: int) -> None:
        raise OSError(errno.EIO, "injected")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="injected"):
        sync_folder(tmp_path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
