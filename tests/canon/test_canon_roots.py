"""What passes here must be read by the C2PA library too, or every file looks untrusted for a wrong reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from void_audit.canon.roots import check_roots
from void_audit.errors import IdentityError
from void_audit.seal.certificates import create_chain


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("seal")
    create_chain(home, "Test desk", None)
    return home


@pytest.fixture(scope="module")
def root(folder: Path) -> str:
    return (folder / "root.pem").read_text()


def test_roots_as_they_are_published_pass(root: str) -> None:
    check_roots(root)
    check_roots(root + root)
    check_roots(root.strip() + root)  # two files joined, the first without its last line feed
    check_roots(root.replace("\n", "\r\n"))
    check_roots(f"# The desk's own, since 2026: é\n{root}\n\n")


DAMAGE = {
    "empty": lambda pem: "",
    "text": lambda pem: "the root, I promise",
    "surrogate": lambda pem: "\ud800" + pem,
    "cut off": lambda pem: pem[:-60],
    "second cut off": lambda pem: pem + pem[:-60],
    "first cut off": lambda pem: pem[:-60] + pem,
    "only begun": lambda pem: pem + "-----BEGIN CERTIFICATE-----\n",
    "second empty": lambda pem: pem + "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
    "second no DER": lambda pem: pem + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    "one letter changed": lambda pem: pem.replace("MII", "MIJ", 1),
    "bytes after the DER": lambda pem: pem.replace("\n-----END", "\nAAAA\n-----END"),
    "byte order mark": lambda pem: "\ufeff" + pem,
    "indented": lambda pem: pem.replace("\n", "\n  "),
    "quoted": lambda pem: "> " + pem.replace("\n", "\n> "),
    "old line ends": lambda pem: pem.replace("\n", "\r"),
    "headers": lambda pem: pem.replace("CERTIFICATE-----\n", "CERTIFICATE-----\nProc-Type: x\n\n", 1),
    "zero inside": lambda pem: pem.replace("MII", "MI\0I", 1),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_pins_that_would_not_be_read_are_refused(root: str, damage: str) -> None:
    with pytest.raises(IdentityError) as caught:
        check_roots(DAMAGE[damage](root))
    assert caught.value.code == "trust-unreadable"
    assert "root.pem" in caught.value.hint


def test_a_private_key_is_no_root(folder: Path) -> None:
    with pytest.raises(IdentityError) as caught:
        check_roots((folder / "root-key.pem").read_text())
    assert caught.value.code == "trust-unreadable"
    assert "PRIVATE" not in str(caught.value)
