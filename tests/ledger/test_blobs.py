from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest

from void_audit.errors import LedgerError, StorageError
from void_audit.ledger.blobs import SALT_SIZE, BlobStore
from void_audit.model.base import BlobRef


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs")


def files(root: Path) -> list[Path]:
    return [p for p in root.rglob("*") if p.is_file()]


@pytest.mark.parametrize("content", [b"", b"x", bytes(range(256)) * 9000])
def test_what_is_put_is_read(blobs: BlobStore, content: bytes) -> None:
    ref = blobs.put(content, "text/plain")
    assert ref.sha256 == hashlib.sha256(content).hexdigest()
    assert (ref.size, ref.media_type, ref.salted) == (len(content), "text/plain", False)
    assert blobs.read(ref) == blobs.stored(ref) == blobs.path(ref).read_bytes() == content
    assert blobs.path(ref).parts[-3:] == ("sha256", ref.sha256[:2], ref.sha256)
    blobs.check(ref)


def test_a_salted_blob_cannot_be_guessed_from_its_content(blobs: BlobStore) -> None:
    first, second = (blobs.put(b"J. Doe", "text/plain", salted=True, subject="key:doe") for _ in range(2))
    assert first.sha256 != second.sha256
    for ref in (first, second):
        assert blobs.read(ref) == b"J. Doe"
        stored = blobs.stored(ref)
        assert stored[SALT_SIZE:] == b"J. Doe"
        assert ref.size == len(stored) == SALT_SIZE + 6
        assert hashlib.sha256(stored).hexdigest() == ref.sha256
        blobs.check(ref)


def test_the_same_content_is_stored_once(blobs: BlobStore, tmp_path: Path) -> None:
    assert blobs.put(b"same", "a/b") == blobs.put(b"same", "a/b")
    assert len(files(tmp_path)) == 1


@pytest.mark.parametrize("move", [False, True])
def test_a_file_is_stored_whole(blobs: BlobStore, tmp_path: Path, move: bool) -> None:
    content = os.urandom(3_000_000)
    source = tmp_path / "clip.mp4"
    source.write_bytes(content)
    ref = blobs.put_file(source, "video/mp4", move=move)
    assert blobs.read(ref) == content
    assert (ref.size, ref.salted) == (len(content), False)
    assert source.exists() is not move
    assert len(files(tmp_path)) == (1 if move else 2)
    assert blobs.ref(ref.sha256, "video/mp4") == ref


def test_moving_a_link_leaves_what_it_points_to(blobs: BlobStore, tmp_path: Path) -> None:
    (tmp_path / "original").write_bytes(b"clip")
    (tmp_path / "link").symlink_to(tmp_path / "original")
    ref = blobs.put_file(tmp_path / "link", "video/mp4", move=True)
    assert blobs.read(ref) == (tmp_path / "original").read_bytes() == b"clip"
    assert not (tmp_path / "link").exists()


def test_moving_a_blob_onto_itself_keeps_it(blobs: BlobStore) -> None:
    ref = blobs.put(b"clip", "video/mp4")
    assert blobs.put_file(blobs.path(ref), "video/mp4", move=True) == ref
    assert blobs.read(ref) == b"clip"


def test_damage_is_noticed_and_storing_again_heals_it(blobs: BlobStore) -> None:
    ref = blobs.put(b"content", "text/plain")
    blobs.path(ref).chmod(0o600)
    blobs.path(ref).write_bytes(b"c0ntent")
    for read in (blobs.read, blobs.stored, blobs.check):
        with pytest.raises(LedgerError) as caught:
            read(ref)
        assert caught.value.code == "blob-corrupt"
    blobs.put(b"content", "text/plain")
    assert blobs.read(ref) == b"content"


def test_a_wrong_size_in_a_record_is_noticed(blobs: BlobStore) -> None:
    ref = blobs.put(b"content", "text/plain").model_copy(update={"size": 6})
    with pytest.raises(LedgerError) as caught:
        blobs.check(ref)
    assert caught.value.code == "blob-corrupt"


def test_what_is_too_short_for_a_salt_has_none(blobs: BlobStore) -> None:
    ref = blobs.put(b"short", "text/plain").model_copy(update={"salted": True})
    with pytest.raises(LedgerError) as caught:
        blobs.read(ref)
    assert caught.value.code == "blob-corrupt"


def test_an_erased_blob_is_missing(blobs: BlobStore) -> None:
    ref = BlobRef(sha256="00" * 32, size=1, media_type="text/plain")
    for read in (blobs.read, blobs.stored, blobs.check, blobs.path, lambda r: blobs.ref(r.sha256, "a/b")):
        with pytest.raises(LedgerError) as caught:
            read(ref)
        assert caught.value.code == "blob-missing"


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "storage-full"),
        (errno.EDQUOT, "storage-full"),
        (errno.EROFS, "storage-unwritable"),
        (errno.EIO, "storage-failed"),
    ],
)
@pytest.mark.parametrize("call", ["open", "fsync", "rename", "mkdir"])
def test_a_failing_disk_is_an_error_of_ours_and_leaves_nothing_half(
    blobs: BlobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str, call: str
) -> None:
    source = tmp_path / "clip"
    source.write_bytes(b"clip")

    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    target = os if call in {"open", "fsync"} else Path
    for put in (
        lambda: blobs.put(b"content", "text/plain"),
        lambda: blobs.put_file(source, "video/mp4"),
        lambda: blobs.put_file(source, "video/mp4", move=True),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(target, call, fail)
            with pytest.raises(StorageError) as caught:
                put()
        assert caught.value.code == code
        assert files(tmp_path) == [source]
    assert blobs.read(blobs.put_file(source, "video/mp4")) == b"clip"


def test_a_source_that_cannot_be_read_is_an_error_of_ours(blobs: BlobStore, tmp_path: Path) -> None:
    for move in (False, True):
        with pytest.raises(StorageError) as caught:
            blobs.put_file(tmp_path / "absent", "video/mp4", move=move)
        assert caught.value.code == "file-unreadable"


def only_file(root: Path) -> Path:
    (path,) = files(root / "blobs")
    return path


def test_words_never_lie_on_the_disk_in_the_clear(blobs: BlobStore, tmp_path: Path) -> None:
    ref = blobs.put(b"J. Doe wants the man in red gone", "text/plain", salted=True, subject="edit:a")
    plain = blobs.stored(ref)
    for path in files(tmp_path):
        content = path.read_bytes()
        assert b"J. Doe" not in content
        assert plain[:SALT_SIZE] not in content
    with pytest.raises(LedgerError) as caught:
        blobs.path(ref)
    assert caught.value.code == "blob-encrypted"


def test_exactly_what_is_salted_has_a_subject(blobs: BlobStore, tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        blobs.put(b"x", "text/plain", salted=True)
    with pytest.raises(AssertionError):
        blobs.put(b"x", "text/plain", subject="edit:a")
    assert not files(tmp_path)


@pytest.mark.parametrize(("entry", "code"), [(None, "blob-missing"), (7, "blob-erased")])
def test_a_blob_without_its_key_is_gone_whatever_is_restored(
    tmp_path: Path, entry: int | None, code: str
) -> None:
    blobs = BlobStore(tmp_path / "blobs", erased_by=lambda digest: entry)
    ref = blobs.put(b"J. Doe", "text/plain", salted=True, subject="edit:a")
    backup = only_file(tmp_path).read_bytes()
    blobs.destroy_key("edit:a")
    blobs.delete(ref.sha256)
    for restored in (False, True):
        if restored:
            path = tmp_path / "blobs" / "sha256" / ref.sha256[:2] / ref.sha256
            path.write_bytes(backup)
            assert blobs.size_of(ref.sha256) == len(backup)
        for read in (blobs.read, blobs.stored, blobs.check):
            with pytest.raises(LedgerError) as caught:
                read(ref)
            assert caught.value.code == code
            assert ("entry 7" in caught.value.message) is (entry is not None)


def test_a_log_that_cannot_be_read_leaves_a_blob_missing(tmp_path: Path) -> None:
    def broken(digest: str) -> int | None:
        raise StorageError("database-unreadable", "No.")

    blobs = BlobStore(tmp_path / "blobs", erased_by=broken)
    with pytest.raises(LedgerError) as caught:
        blobs.ref("00" * 32, "video/mp4")
    assert caught.value.code == "blob-missing"


def test_salted_blobs_of_older_workspaces_are_read(blobs: BlobStore, tmp_path: Path) -> None:
    plain = bytes(SALT_SIZE) + b"J. Doe"
    ref = blobs.put(plain, "text/plain").model_copy(update={"salted": True})
    assert (blobs.read(ref), blobs.stored(ref)) == (b"J. Doe", plain)
    blobs.check(ref)


def test_a_sealed_blob_in_the_place_of_another_is_corrupt(blobs: BlobStore, tmp_path: Path) -> None:
    one, other = (blobs.put(text, "text/plain", salted=True, subject="edit:a") for text in (b"yes", b"no!"))
    here, there = (tmp_path / "blobs" / "sha256" / r.sha256[:2] / r.sha256 for r in (one, other))
    there.rename(here)
    with pytest.raises(LedgerError) as caught:
        blobs.read(one)
    assert caught.value.code == "blob-corrupt"


def test_a_size_that_no_memory_holds_is_no_reason_to_fail(blobs: BlobStore) -> None:
    ref = blobs.put(b"x", "text/plain", salted=True, subject="edit:a").model_copy(update={"size": 1 << 62})
    assert blobs.read(ref) == b"x"
    with pytest.raises(LedgerError) as caught:
        blobs.check(ref)
    assert caught.value.code == "blob-corrupt"
    assert blobs.size_of("00" * 32) is None
    blobs.delete("00" * 32)
