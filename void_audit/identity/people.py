"""The keys of the people and machines of one workspace: a folder with one key file per name."""

from __future__ import annotations

import re
from pathlib import Path

from void_audit.errors import IdentityError
from void_audit.identity import keys
from void_audit.identity.keys import FileSigner

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
_SUFFIX = ".pem"


class People:
    """Keys by name: 1 to 64 of the characters ``A-Z a-z 0-9 . _ @ + -``, the first a letter or digit.

    Names never reach the log: there a key is known by its ``key_id`` alone.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, name: str, passphrase: str | None) -> FileSigner:
        """Make a key for ``name``. None as passphrase leaves it unencrypted.

        Raises:
            IdentityError: ``name-unusable``, ``key-exists``, ``passphrase-empty``.
            StorageError: ``key-not-written``.
        """
        return keys.create(self._path(name), passphrase)

    def names(self) -> list[str]:
        """Everyone who has a key here, sorted."""
        if not self._folder.is_dir():
            return []
        stems = (path.name.removesuffix(_SUFFIX) for path in self._folder.glob(f"*{_SUFFIX}"))
        return sorted(stem for stem in stems if _NAME.fullmatch(stem))

    def load(self, name: str, passphrase: str | None) -> FileSigner:
        """Unlock the key of ``name``.

        Raises:
            IdentityError: ``name-unusable``, ``person-unknown`` and those of ``keys.load``.
        """
        return keys.load(self._known(name), passphrase)

    def public_der(self, name: str) -> bytes:
        """Public key of ``name`` (SubjectPublicKeyInfo, DER); needs no passphrase.

        Raises:
            IdentityError: ``name-unusable``, ``person-unknown``, ``key-unreadable``.
        """
        return keys.public_der(self._known(name))

    def _known(self, name: str) -> Path:
        path = self._path(name)
        if not path.is_file():
            known = ", ".join(self.names()) or "nobody yet"
            raise IdentityError(
                "person-unknown", f"There is no key for {name!r} here.", f"Known are: {known}."
            )
        return path

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise IdentityError(
                "name-unusable",
                f"{name[:80]!r} cannot be the name of a key.",
                "Use up to 64 letters, digits and . _ @ + -, starting with a letter or digit.",
            )
        return self._folder / f"{name}{_SUFFIX}"
