"""The keys of the people and machines of one workspace: a folder with one key file per name.

``NAME.pem`` is an encrypted private key; ``NAME.pub`` an OpenSSH public key, whose private half is in the person's
ssh-agent. While a key is rotated, its successor lies beside it with ``.new`` after its suffix; those that have ended
are kept in ``retired/``: what they signed is checked with what the log says, but nobody throws a key away.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from void_audit.canon.keys import key_id
from void_audit.errors import IdentityError
from void_audit.identity import keys, openssh
from void_audit.identity.agent import Agent, AgentSigner
from void_audit.identity.keys import FileSigner
from void_audit.model.signing import LogSigner

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
_FILE, _AGENT = ".pem", ".pub"
_SUFFIXES = (_FILE, _AGENT)
_NEW = ".new"
RETIRED = "retired"


class People:
    """Keys by name: 1 to 64 of the characters ``A-Z a-z 0-9 . _ @ + -``, the first a letter or digit.

    Names never reach the log: there a key is known by its ``key_id`` alone.
    """

    def __init__(self, folder: Path, agent: Agent | None = None) -> None:
        self._folder = folder
        self._agent = agent or Agent(None)

    def add(self, name: str, passphrase: str | None) -> FileSigner:
        """Make a key for ``name``. None as passphrase leaves it unencrypted.

        Raises:
            IdentityError: ``name-unusable``, ``key-exists``, ``passphrase-empty``.
            StorageError: ``key-not-written``.
        """
        self._refuse_taken(name)
        return keys.create(self._path(name, _FILE), passphrase)

    def add_public(self, name: str, public_der: bytes) -> AgentSigner:
        """Keep the public key of ``name``, whose private half an ssh-agent holds. Raises as ``add``."""
        self._refuse_taken(name)
        return self._written(self._path(name, _AGENT), name, public_der)

    def names(self) -> list[str]:
        """Everyone who has a key here, sorted."""
        if not self._folder.is_dir():
            return []
        stems = {p.name.removesuffix(s) for s in _SUFFIXES for p in self._folder.glob(f"*{s}")}
        return sorted(stem for stem in stems if _NAME.fullmatch(stem))

    def load(self, name: str, passphrase: str | None) -> LogSigner:
        """Unlock the key of ``name``; one that an agent holds needs no passphrase here, but the agent.

        Raises:
            IdentityError: ``name-unusable``, ``person-unknown``, ``key-ambiguous`` and those of ``keys.load``.
        """
        return self._signer(self._known(name), passphrase)

    def public_der(self, name: str) -> bytes:
        """Public key of ``name`` (SubjectPublicKeyInfo, DER); needs no passphrase.

        Raises:
            IdentityError: ``name-unusable``, ``person-unknown``, ``key-ambiguous``, ``key-unreadable``.
        """
        return _public_der(self._known(name))

    def begin_rotation(self, name: str, passphrase: str | None) -> LogSigner:
        """The key that is to replace that of ``name``: made, or the one that an interrupted rotation made.

        Raises:
            IdentityError: as ``add`` and ``keys.load``.
            StorageError: ``key-not-written``.
        """
        begun = self.begun(name)
        if begun is not None:
            return self._signer(begun, passphrase)
        return keys.create(self._path(name, _FILE + _NEW), passphrase)

    def begin_rotation_to(self, name: str, public_der: bytes) -> LogSigner:
        """The same with a key that an agent holds.

        Raises:
            IdentityError: ``rotation-begun`` if an interrupted rotation had another key; as ``add``.
            StorageError: ``key-not-written``.
        """
        begun = self.begun(name)
        if begun is None:
            return self._written(self._path(name, _AGENT + _NEW), name, public_der)
        if _public_der(begun) != public_der:
            raise IdentityError(
                "rotation-begun",
                f"An interrupted rotation of {name} is to key {key_id(_public_der(begun))[:16]}, not to this one.",
                "Run it again without naming a key: it goes on where it was.",
            )
        return self._signer(begun, None)

    def begun(self, name: str) -> Path | None:
        """The successor's file, where a rotation of ``name`` was begun and not finished."""
        found = [self._path(name, suffix + _NEW) for suffix in _SUFFIXES]
        return next((path for path in found if path.is_file()), None)

    def finish_rotation(self, name: str) -> None:
        """Put the successor in the key's place; the old one is kept in ``retired``. Doing it again changes nothing.

        Call it once the log says that the key was rotated.

        Raises:
            StorageError: ``key-not-written``.
        """
        new = self.begun(name)
        if new is None:
            return
        target = new.with_name(new.name.removesuffix(_NEW))
        try:
            for suffix in _SUFFIXES:
                old = self._path(name, suffix)
                if old.is_file():
                    self._retire(old, name, suffix)
                    if old != target:
                        old.unlink()
            new.replace(target)
            keys.sync_folder(self._folder)
        except OSError as error:
            raise keys.not_written(target, error) from error

    def _retire(self, old: Path, name: str, suffix: str) -> None:
        """A second name for the old key's file, which a successor may then replace in one step."""
        place = self._folder / RETIRED / f"{name}-{key_id(_public_der(old))[:16]}{suffix}"
        place.parent.mkdir(mode=0o700, exist_ok=True)
        if not place.exists():
            os.link(old, place)
        keys.sync_folder(place.parent)

    def _written(self, path: Path, name: str, public_der: bytes) -> AgentSigner:
        keys.write_new(path, openssh.line(public_der, name), 0o644)
        return AgentSigner(public_der, self._agent)

    def _signer(self, path: Path, passphrase: str | None) -> LogSigner:
        if _is_public(path):
            return AgentSigner(_public_der(path), self._agent)
        return keys.load(path, passphrase)

    def _known(self, name: str) -> Path:
        found = [path for path in (self._path(name, suffix) for suffix in _SUFFIXES) if path.is_file()]
        if len(found) == 1:
            return found[0]
        if found:
            raise IdentityError(
                "key-ambiguous",
                f"There are two keys for {name}: {found[0].name} and {found[1].name}.",
                "Keep the one that `void-audit keys list` shows as valid.",
            )
        if self.begun(name):
            hint = f"Its rotation was interrupted: run `void-audit keys rotate {name}` again."
        else:
            hint = f"Known are: {', '.join(self.names()) or 'nobody yet'}."
        raise IdentityError("person-unknown", f"There is no key for {name!r} here.", hint)

    def _refuse_taken(self, name: str) -> None:
        for suffix in _SUFFIXES:
            path = self._path(name, suffix)
            if path.exists():
                raise IdentityError(
                    "key-exists",
                    f"There is a key in {path} already.",
                    "A key is never overwritten: choose another name, or `void-audit keys rotate`.",
                )

    def _path(self, name: str, suffix: str) -> Path:
        if not _NAME.fullmatch(name):
            raise IdentityError(
                "name-unusable",
                f"{name[:80]!r} cannot be the name of a key.",
                "Use up to 64 letters, digits and . _ @ + -, starting with a letter or digit.",
            )
        return self._folder / f"{name}{suffix}"


def read_public(path: Path) -> bytes:
    """SubjectPublicKeyInfo (DER) of an OpenSSH public key file.

    Raises:
        IdentityError: ``key-missing``, ``key-unreadable``, ``key-type``, ``key-private``.
    """
    try:
        with path.open("rb") as file:
            return openssh.parse_line(file.read(keys.MAX_KEY_FILE))
    except FileNotFoundError as error:
        raise IdentityError(
            "key-missing", f"There is no key in {path}.", "Name a file like id_ed25519.pub."
        ) from error
    except OSError as error:
        raise IdentityError(
            "key-unreadable", f"The key in {path} cannot be used: {error.strerror}.", "Name another file."
        ) from error


def _is_public(path: Path) -> bool:
    return path.name.removesuffix(_NEW).endswith(_AGENT)


def _public_der(path: Path) -> bytes:
    return read_public(path) if _is_public(path) else keys.public_der(path)
