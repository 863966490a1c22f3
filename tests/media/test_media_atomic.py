"""A file or a folder appears whole and durable, or not at all, whatever ends the writing."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import av
import pytest

from void_audit.errors import ClipError, StorageError
from void_audit.media.atomic import whole_file, whole_folder, writing


def refusing(number: int) -> Callable[..., None]:
    """A system call that always fails."""

    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError(number, os.strerror(number))

    return refuse


def attempt(target: Path, content: bytes = b"newer") -> None:
    with whole_file(target) as partial:
        partial.write_bytes(content)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A place that holds an older file."""
    path = tmp_path / "a.mp4"
    path.write_bytes(b"older")
    return path


def only(target: Path, content: bytes) -> None:
    assert target.read_bytes() == content
    assert list(target.parent.iterdir()) == [target]


def test_nothing_is_seen_before_the_end(target: Path) -> None:
    with whole_file(target) as partial:
        partial.write_bytes(b"newer")
        assert target.read_bytes() == b"older"
        assert (partial.parent, partial.suffix) == (target.parent, ".mp4")
        assert partial.name.startswith(".")
    only(target, b"newer")


def test_content_is_durable_before_its_name_is_and_then_the_name(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    sync, replace = os.fsync, Path.replace

    def noted_sync(descriptor: int) -> None:
        done.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        sync(descriptor)

    def noted_replace(path: Path, other: Path) -> Path:
        done.append("rename")
        return replace(path, other)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    with whole_file(target) as partial:
        partial.write_bytes(b"newer")
    assert done == [partial.name, "rename", target.parent.name]


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), ClipError("clip-damaged", "x")])
def test_whatever_is_raised_inside_passes_and_leaves_nothing(target: Path, error: BaseException) -> None:
    def broken() -> None:
        with whole_file(target) as partial:
            partial.write_bytes(b"half")
            raise error

    with pytest.raises(type(error)) as caught:
        broken()
    assert caught.value is error
    only(target, b"older")


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "storage-full"),
        (errno.EDQUOT, "storage-full"),
        (errno.EFBIG, "storage-full"),
        (errno.EIO, "storage-unwritable"),
        (errno.EROFS, "storage-unwritable"),
    ],
)
@pytest.mark.parametrize(("place", "call"), [(os, "fsync"), (Path, "replace"), (Path, "touch")])
def test_a_disk_that_refuses_any_step(
    target: Path, monkeypatch: pytest.MonkeyPatch, place: object, call: str, number: int, code: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(place, call, refusing(number))
        with pytest.raises(StorageError) as caught:
            attempt(target)
    assert caught.value.code == code
    assert str(target) in caught.value.message
    assert caught.value.hint
    only(target, b"older")


def test_a_partial_file_that_cannot_be_removed_hides_no_error(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "replace", refusing(errno.ENOSPC))
    monkeypatch.setattr(Path, "unlink", refusing(errno.EIO))
    with pytest.raises(StorageError) as caught:
        attempt(target)
    assert caught.value.code == "storage-full"


@pytest.mark.parametrize("name", ["none/a.mp4", "a.mp4/b.mp4", "folder", "a" * 300])
def test_a_place_where_no_file_can_be(target: Path, name: str) -> None:
    (target.parent / "folder").mkdir()
    with pytest.raises(StorageError) as caught:
        attempt(target.parent / name)
    assert caught.value.code == "storage-unwritable"
    assert sorted(p.name for p in target.parent.iterdir()) == ["a.mp4", "folder"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_full_disk_met_by_the_muxer() -> None:
    """FFmpeg's own errors are told apart as those of Python are."""

    def fill() -> None:
        with writing(Path("a.mkv")), av.open("/dev/full", "w", "matroska") as container:
            stream = container.add_stream("ffv1", rate=24)
            stream.width, stream.height, stream.pix_fmt = 640, 480, "gray"
            container.mux(stream.encode(av.VideoFrame(640, 480, "gray")))
            container.mux(stream.encode())

    with pytest.raises(StorageError, match=r"a\.mkv") as caught:
        fill()
    assert caught.value.code == "storage-full"


def test_two_files_at_once(tmp_path: Path) -> None:
    """A clip and its receipt are made side by side."""
    names = ["a.mp4", "a.mp4.receipt", "a.json"]
    with whole_file(tmp_path / names[0]) as a, whole_file(tmp_path / names[1]) as b:
        with whole_file(tmp_path / names[2]) as c:
            for partial in (a, b, c):
                partial.write_bytes(partial.name.encode())
        assert [p.name for p in tmp_path.iterdir() if not p.name.startswith(".")] == ["a.json"]
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(names)
    assert len({(tmp_path / name).read_bytes() for name in names}) == 3


class TestFolder:
    def fill(self, folder: Path, error: BaseException | None = None) -> None:
        with whole_folder(folder) as partial:
            (partial / "a").write_bytes(b"1")
            (partial / "b").write_bytes(b"2")
            if error:
                raise error

    def test_it_is_not_seen_before_the_end(self, tmp_path: Path) -> None:
        with whole_folder(tmp_path / "s") as partial:
            assert partial.parent == tmp_path
            assert partial.name.startswith(".")
            assert not (tmp_path / "s").exists()
            (partial / "a").write_bytes(b"1")
        assert [p.name for p in tmp_path.iterdir()] == ["s"]
        assert (tmp_path / "s/a").read_bytes() == b"1"

    def test_files_are_durable_before_the_folder_has_its_name(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        done: list[str] = []
        sync, rename = os.fsync, Path.rename

        def noted_sync(descriptor: int) -> None:
            done.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
            sync(descriptor)

        def noted_rename(path: Path, other: Path) -> Path:
            done.append("rename")
            return rename(path, other)

        monkeypatch.setattr(os, "fsync", noted_sync)
        monkeypatch.setattr(Path, "rename", noted_rename)
        self.fill(tmp_path / "s")
        assert sorted(done[:2]) == ["a", "b"]
        assert done[2].endswith(".partial")
        assert done[3:] == ["rename", tmp_path.name]

    @pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), ClipError("clip-damaged", "x")])
    def test_whatever_is_raised_inside_passes_and_leaves_nothing(
        self, tmp_path: Path, error: BaseException
    ) -> None:
        with pytest.raises(type(error)) as caught:
            self.fill(tmp_path / "s", error)
        assert caught.value is error
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("number", "code"), [(errno.ENOSPC, "storage-full"), (errno.EIO, "storage-unwritable")]
    )
    @pytest.mark.parametrize(("place", "call"), [(os, "fsync"), (Path, "rename"), (Path, "mkdir")])
    def test_a_disk_that_refuses_any_step(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        place: object,
        call: str,
        number: int,
        code: str,
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(place, call, refusing(number))
            with pytest.raises(StorageError) as caught:
                self.fill(tmp_path / "s")
        assert caught.value.code == code
        assert list(tmp_path.iterdir()) == []

    def test_what_appears_meanwhile_is_kept(self, tmp_path: Path) -> None:
        def meanwhile() -> None:
            with whole_folder(tmp_path / "s") as partial:
                (partial / "a").write_bytes(b"ours")
                (tmp_path / "s").mkdir()

        with pytest.raises(StorageError) as caught:
            meanwhile()
        assert caught.value.code == "storage-exists"
        assert list((tmp_path / "s").iterdir()) == []
        assert list(tmp_path.iterdir()) == [tmp_path / "s"]

    @pytest.mark.parametrize("name", ["none/s", "a.txt/s", "a" * 300])
    def test_a_place_where_no_folder_can_be(self, tmp_path: Path, name: str) -> None:
        (tmp_path / "a.txt").write_text("")
        with pytest.raises(StorageError) as caught:
            self.fill(tmp_path / name)
        assert caught.value.code == "storage-unwritable"
