"""Keys of subjects: what they open, what destroying them closes, and what nobody can swap."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import threading
from multiprocessing import get_context
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from void_audit.errors import LedgerError, StorageError
from void_audit.ledger import vault as vaults
from void_audit.ledger.vault import ERASED, FORMAT, KEY_SIZE, OVERHEAD, KeyGone, Vault

PLAIN = b"salt and what J. Doe asked for"
DIGEST = hashlib.sha256(PLAIN).hexdigest()


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path / "subjects")


def key_file(tmp_path: Path, subject: str) -> Path:
    return tmp_path / "subjects" / hashlib.sha256(subject.encode()).hexdigest()


def test_what_is_sealed_opens_under_its_subjects_key_alone(vault: Vault, tmp_path: Path) -> None:
    stored = vault.seal("edit:a", DIGEST, PLAIN)
    assert vault.open(DIGEST, stored) == PLAIN
    assert PLAIN not in stored
    assert len(PLAIN) < len(stored) <= len(PLAIN) + OVERHEAD
    assert stored.startswith(FORMAT + b"\nedit:a\n")
    assert stored != vault.seal("edit:a", DIGEST, PLAIN)  # a nonce is used once
    key = key_file(tmp_path, "edit:a")
    assert (len(key.read_bytes()), stat.S_IMODE(key.stat().st_mode)) == (KEY_SIZE, 0o600)
    assert vault.seal("edit:b", DIGEST, PLAIN)
    assert key_file(tmp_path, "edit:b").read_bytes() != key.read_bytes()


@pytest.mark.parametrize("plain", [b"", PLAIN])
def test_the_stored_form_is_frozen(vault: Vault, tmp_path: Path, plain: bytes) -> None:
    """What this version opens, later ones must open too."""
    digest, key, nonce = hashlib.sha256(plain).hexdigest(), bytes(range(32)), bytes(range(12))
    bound = b"void-audit-blob/v1\n" + digest.encode() + b"\nedit:a"
    stored = b"void-audit-blob/v1\nedit:a\n" + nonce + AESGCM(key).encrypt(nonce, plain, bound)
    (tmp_path / "subjects").mkdir()
    key_file(tmp_path, "edit:a").write_bytes(key)
    assert vault.open(digest, stored) == plain
    assert len(stored) - len(plain) <= OVERHEAD


def test_a_destroyed_key_opens_nothing_and_never_returns(vault: Vault, tmp_path: Path) -> None:
    stored, other = vault.seal("edit:a", DIGEST, PLAIN), vault.seal("edit:b", DIGEST, PLAIN)
    before = key_file(tmp_path, "edit:a").read_bytes()
    for _ in range(2):
        vault.destroy("edit:a")
        assert not vault.holds("edit:a")
        with pytest.raises(KeyGone):
            vault.open(DIGEST, stored)
        with pytest.raises(LedgerError) as caught:
            vault.seal("edit:a", DIGEST, PLAIN)
        assert caught.value.code == "subject-erased"
    assert before not in b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert vault.holds("edit:b")
    assert vault.open(DIGEST, other) == PLAIN


def test_what_never_had_a_key_can_be_erased_too(vault: Vault) -> None:
    vault.destroy("edit:a")
    with pytest.raises(LedgerError) as caught:
        vault.seal("edit:a", DIGEST, PLAIN)
    assert caught.value.code == "subject-erased"


def test_another_process_notices_at_once_that_a_key_was_destroyed(vault: Vault, tmp_path: Path) -> None:
    other = Vault(tmp_path / "subjects")
    stored = other.seal("edit:a", DIGEST, PLAIN)
    vault.destroy("edit:a")
    with pytest.raises(KeyGone):
        other.open(DIGEST, stored)
    with pytest.raises(LedgerError):
        other.seal("edit:a", DIGEST, PLAIN)


def test_no_byte_of_a_sealed_blob_may_differ(vault: Vault) -> None:
    stored = vault.seal("edit:a", DIGEST, PLAIN)
    for place in range(len(stored)):
        for bit in (0x01, 0x80):
            changed = bytearray(stored)
            changed[place] ^= bit
            with pytest.raises((LedgerError, KeyGone)) as caught:  # KeyGone: a subject that nobody knows
                vault.open(DIGEST, bytes(changed))
            assert isinstance(caught.value, KeyGone) or caught.value.code == "blob-corrupt"


@pytest.mark.parametrize("cut", [0, 1, 18, 19, 26, 30, 40, 53, -1])
def test_no_part_of_a_sealed_blob_opens(vault: Vault, cut: int) -> None:
    stored = vault.seal("edit:a", DIGEST, PLAIN)
    for part in (stored[:cut], stored + b"\0"):
        with pytest.raises(LedgerError) as caught:
            vault.open(DIGEST, part)
        assert caught.value.code == "blob-corrupt"


def test_a_blob_is_bound_to_its_digest_and_its_subject(vault: Vault, tmp_path: Path) -> None:
    stored = vault.seal("edit:a", DIGEST, PLAIN)
    with pytest.raises(LedgerError):  # under the name of another one
        vault.open("0" * 64, stored)
    vault.seal("edit:b", DIGEST, PLAIN)
    key_file(tmp_path, "edit:b").chmod(0o600)
    key_file(tmp_path, "edit:b").write_bytes(key_file(tmp_path, "edit:a").read_bytes())
    with pytest.raises(LedgerError):  # told to be another subject's, even with the right key
        vault.open(DIGEST, stored.replace(b"edit:a", b"edit:b"))


@given(st.binary(max_size=300) | st.binary(max_size=200).map(lambda tail: FORMAT + b"\nedit:a\n" + tail))
def test_what_is_hostile_only_ever_fails_as_corrupt(
    tmp_path_factory: pytest.TempPathFactory, stored: bytes
) -> None:
    vault = Vault(tmp_path_factory.getbasetemp() / "hostile")
    vault.seal("edit:a", DIGEST, PLAIN)
    with pytest.raises((LedgerError, KeyGone)) as caught:
        vault.open(DIGEST, stored)
    assert isinstance(caught.value, KeyGone) or caught.value.code == "blob-corrupt"


@pytest.mark.parametrize(
    "subject",
    ["", "edit:", "edit:a/b", "edit:../x", "edit:a\n", "person:a", "edit:" + "a" * 65, "edit:é", "edit"],
)
def test_a_subject_is_a_kind_and_letters(vault: Vault, tmp_path: Path, subject: str) -> None:
    for use in (
        lambda: vault.seal(subject, DIGEST, PLAIN),
        lambda: vault.destroy(subject),
        lambda: vault.holds(subject),
    ):
        with pytest.raises(LedgerError) as caught:
            use()
        assert caught.value.code == "subject-malformed"
    assert not list(tmp_path.rglob("*"))


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 33, b"x" * 4000])
def test_a_damaged_key_is_said_to_be_one(vault: Vault, tmp_path: Path, content: bytes) -> None:
    stored = vault.seal("edit:a", DIGEST, PLAIN)
    key_file(tmp_path, "edit:a").write_bytes(content)
    for use in (lambda: vault.open(DIGEST, stored), lambda: vault.seal("edit:a", DIGEST, PLAIN)):
        with pytest.raises(LedgerError) as caught:
            use()
        assert caught.value.code == "subject-key-damaged"
    vault.destroy("edit:a")  # it can be destroyed all the same
    assert key_file(tmp_path, "edit:a").read_bytes() == ERASED


def test_threads_that_make_one_subjects_key_get_the_same(vault: Vault) -> None:
    sealed: list[bytes] = []
    barrier = threading.Barrier(8)

    def work() -> None:
        barrier.wait()
        sealed.append(vault.seal("edit:a", DIGEST, PLAIN))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [vault.open(DIGEST, stored) for stored in sealed] == [PLAIN] * 8


def _seal_in_a_process(folder: str, start: object, out: str) -> None:
    start.wait()  # type: ignore[attr-defined]
    Path(out).write_bytes(Vault(Path(folder)).seal("edit:a", DIGEST, PLAIN))


def test_processes_that_make_one_subjects_key_get_the_same(vault: Vault, tmp_path: Path) -> None:
    context = get_context("fork")
    start, folder = context.Event(), str(tmp_path / "subjects")
    outs = [tmp_path / f"out{n}" for n in range(4)]
    workers = [context.Process(target=_seal_in_a_process, args=(folder, start, str(out))) for out in outs]
    for worker in workers:
        worker.start()
    start.set()
    for worker in workers:
        worker.join()
    assert [vault.open(DIGEST, out.read_bytes()) for out in outs] == [PLAIN] * 4
    assert len(list((tmp_path / "subjects").iterdir())) == 1


def test_the_loser_of_a_race_uses_the_winners_key(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    winner, link = Vault(tmp_path / "subjects"), os.link
    first: list[bytes] = []

    def late(source: Path, target: Path) -> None:
        if not first:
            first.append(b"")
            first.append(winner.seal("edit:a", DIGEST, PLAIN))
        link(source, target)

    monkeypatch.setattr(vaults.os, "link", late)
    assert vault.open(DIGEST, vault.seal("edit:a", DIGEST, PLAIN)) == vault.open(DIGEST, first[1]) == PLAIN
    assert len(list((tmp_path / "subjects").iterdir())) == 1


def test_a_key_is_on_the_disk_before_anything_is_sealed_under_it(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    fsync, sync_folder = os.fsync, vaults.sync_folder
    monkeypatch.setattr(vaults.os, "fsync", lambda fd: (synced.append(Path("file")), fsync(fd)))
    monkeypatch.setattr(vaults, "sync_folder", lambda path: (synced.append(path), sync_folder(path)))
    vault.seal("edit:a", DIGEST, PLAIN)
    assert Path("file") in synced[: synced.index(tmp_path / "subjects")]
    synced.clear()
    vault.seal("edit:a", DIGEST, PLAIN)
    assert not synced
    Vault(tmp_path / "subjects").seal(
        "edit:a", DIGEST, PLAIN
    )  # made by somebody else, who may not have synced
    assert tmp_path / "subjects" in synced


@pytest.mark.parametrize("call", ["open", "fsync", "link"])
def test_a_failing_disk_makes_no_key(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        with pytest.raises(StorageError) as caught:
            vault.seal("edit:a", DIGEST, PLAIN)
    assert caught.value.code == "storage-full"
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]
    assert vault.open(DIGEST, vault.seal("edit:a", DIGEST, PLAIN)) == PLAIN


def test_what_is_waited_for_is_what_counts(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key, and its end, are in the file before the disk is waited for."""
    seen: list[int] = []
    monkeypatch.setattr(vaults.os, "fsync", lambda fd: seen.append(os.fstat(fd).st_size))
    vault.seal("edit:a", DIGEST, PLAIN)
    assert KEY_SIZE in seen
    path, at_fsync = key_file(tmp_path, "edit:a"), list[bytes]()
    monkeypatch.setattr(vaults.os, "fsync", lambda fd: at_fsync.append(path.read_bytes()))
    vault.destroy("edit:a")
    assert at_fsync == [ERASED]
