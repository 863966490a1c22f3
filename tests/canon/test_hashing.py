from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from void_audit.canon.hashing import sha256_file, sha256_hex
from void_audit.errors import StorageError


def test_bytes_and_file_have_the_same_digest(tmp_path: Path) -> None:
    content = bytes(range(256)) * 5000
    (tmp_path / "f").write_bytes(content)
    assert sha256_file(tmp_path / "f") == sha256_hex(content) == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("name", ["absent", "."])
def test_what_cannot_be_read_is_an_error_of_ours(tmp_path: Path, name: str) -> None:
    with pytest.raises(StorageError) as caught:
        sha256_file(tmp_path / name)
    assert caught.value.code == "file-unreadable"
