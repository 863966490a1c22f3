"""The folder of a witness: its name, its keys, what it remembers.

witness.json          name and version
keys/ed25519.pem      the key of type 0x04
keys/ml-dsa-44.pem    the key of type 0x06, where `cryptography` has ML-DSA (PKCS#8)
keys/marks/           how far each log was cosigned: belongs in the backup of the keys
witness.sqlite        logs, and the newest checkpoint of each
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from void_audit.canon import jcs
from void_audit.canon.cosignature import ED25519_COSIGNATURE, MAX_LABEL, ML_DSA_44_COSIGNATURE, CosignerKey
from void_audit.canon.keys import raw_ed25519
from void_audit.canon.ml_dsa import MlDsaKey
from void_audit.canon.note import VerifierKey, check_name
from void_audit.canon.pkcs8 import private_pem
from void_audit.errors import IdentityError, NoteError, WorkspaceError
from void_audit.identity import keys
from void_audit.ledger.durable import make_folder, replacing, storage_errors
from void_audit.ledger.witness import Cosigner, Known, Witness
from void_audit.ledger.witness_store import WitnessStore

_FORMAT = "void-audit-witness/v1"
_MAX_BYTES = 10_000


@dataclass(frozen=True)
class WitnessLog:
    """A log that a witness knows, and how far it has cosigned it."""

    key: VerifierKey
    known: Known


class WitnessFolder:
    """An existing witness. Only cosigning needs its passphrase."""

    def __init__(self, folder: Path) -> None:
        """Open.

        Raises:
            WorkspaceError: ``witness-missing``, ``witness-malformed``.
        """
        self.folder = folder
        self.name, self.vkeys = _read(folder)

    @classmethod
    def create(cls, folder: Path, name: str, passphrase: str | None) -> WitnessFolder:
        """Make a witness with new keys. It appears whole or not at all: its name is written last.

        Args:
            folder: made if missing.
            name: of its keys, for ever, like ``partner.example/witness``: no spaces, no plus; 255 bytes.
            passphrase: encrypts the keys; None, given explicitly, leaves them open.

        Raises:
            WorkspaceError: ``witness-exists``.
            NoteError: ``key-name``.
            IdentityError: ``key-exists``, ``passphrase-empty``.
            StorageError: ``storage-*``, ``key-not-written``.
        """
        check_name(name)
        if len(name.encode()) > MAX_LABEL:
            raise NoteError("key-name", f"A name of {len(name)} characters is too long.", "Shorten it.")
        if (folder / "witness.json").exists():
            raise WorkspaceError(
                "witness-exists", f"There is a witness in {folder} already.", "Use that one."
            )
        with storage_errors(folder):
            make_folder(folder / "keys")
            (folder / "keys").chmod(0o700)
        signer = keys.create(folder / "keys" / "ed25519.pem", passphrase)
        second = _create_ml_dsa(folder / "keys" / "ml-dsa-44.pem", passphrase)
        vkeys = [str(cosigner.key) for cosigner in _cosigners(name, signer, second)]
        WitnessStore(folder)
        with storage_errors(folder), replacing(folder / "witness.json") as stream:
            stream.write(jcs.canonical({"format": _FORMAT, "name": name, "vkeys": vkeys}))
        return cls(folder)

    @cached_property
    def store(self) -> WitnessStore:
        """What it remembers."""
        return WitnessStore(self.folder)

    def cosigners(self, passphrase: str | None) -> list[Cosigner]:
        """The unlocked keys: Ed25519, and ML-DSA-44 if it has one.

        Raises:
            IdentityError: those of ``identity.keys.load``; ``ml-dsa-missing``.
        """
        signer = keys.load(self.folder / "keys" / "ed25519.pem", passphrase)
        path = self.folder / "keys" / "ml-dsa-44.pem"
        second = _load_ml_dsa(path, passphrase) if len(self.vkeys) > 1 else None
        cosigners = _cosigners(self.name, signer, second)
        if tuple(str(cosigner.key) for cosigner in cosigners) != self.vkeys:
            raise IdentityError(
                "key-unreadable",
                f"The keys in {self.folder} are not those of witness.json.",
                "Restore both from the same backup.",
            )
        return cosigners

    def witness(self, passphrase: str | None, clock: Callable[[], int] = lambda: int(time.time())) -> Witness:
        """The witness, able to cosign. Raises as ``cosigners``, and StorageError."""
        return Witness(self.store, self._marks, self.cosigners(passphrase), clock)

    def logs(self) -> list[WitnessLog]:
        """The logs that it knows.

        Raises:
            StorageError, LedgerError: what it remembers cannot be read.
        """
        looking = Witness(self.store, self._marks, (), lambda: 0)
        return [WitnessLog(key, looking.latest(key.name)) for key in self.store.logs()]

    @property
    def _marks(self) -> Path:
        return self.folder / "keys" / "marks"


def _read(folder: Path) -> tuple[str, tuple[str, ...]]:
    try:
        with (folder / "witness.json").open("rb") as stream:
            data = stream.read(_MAX_BYTES + 1)
    except OSError:
        raise WorkspaceError(
            "witness-missing", f"There is no witness in {folder}.", "Make one: void-audit witness init."
        ) from None
    fields = jcs.parse(data, _MAX_BYTES, error=WorkspaceError)
    known = isinstance(fields, dict) and fields.get("format") == _FORMAT
    name, vkeys = (fields.get("name"), fields.get("vkeys")) if known else (None, None)
    if not isinstance(name, str) or not isinstance(vkeys, list) or not all(isinstance(v, str) for v in vkeys):
        raise WorkspaceError(
            "witness-malformed", f"{folder}/witness.json is none.", "Restore it from a backup."
        )
    return name, tuple(vkeys)


def _cosigners(name: str, signer: keys.FileSigner, second: MlDsaKey | None) -> list[Cosigner]:
    raw = raw_ed25519(signer.public_der)
    if raw is None:
        raise AssertionError("a loaded key is Ed25519")
    found = [Cosigner(CosignerKey(name, ED25519_COSIGNATURE, raw), signer.sign)]
    if second is not None:
        found.append(Cosigner(CosignerKey(name, ML_DSA_44_COSIGNATURE, second.public), second.sign))
    return found


def _create_ml_dsa(path: Path, passphrase: str | None) -> MlDsaKey | None:
    """The second key; None where the installed library cannot make one."""
    try:
        key = MlDsaKey(os.urandom(32))
    except IdentityError:
        return None
    with storage_errors(path):
        if path.exists():
            raise IdentityError("key-exists", f"There is a key in {path} already.", "Choose another folder.")
        with replacing(path, 0o600) as stream:
            stream.write(private_pem(key.key, passphrase))
    return key


def _load_ml_dsa(path: Path, passphrase: str | None) -> MlDsaKey:
    with storage_errors(path), path.open("rb") as stream:
        data = stream.read(_MAX_BYTES)
    encrypted = b"ENCRYPTED" in data
    try:
        key = serialization.load_pem_private_key(
            data, passphrase.encode() if encrypted and passphrase is not None else None
        )
        seed = key.private_bytes_raw()  # type: ignore[union-attr]
    except (ValueError, TypeError, AttributeError, UnsupportedAlgorithm) as error:
        raise IdentityError(
            "key-unreadable",
            f"The key in {path} cannot be opened with this passphrase and this `cryptography`.",
            "Give its passphrase; else restore it from a backup.",
        ) from error
    return MlDsaKey(seed)
