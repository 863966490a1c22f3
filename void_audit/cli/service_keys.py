"""The keys of the house itself: of the log, the machine and the seal; in files, or on a PKCS#11 token."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from void_audit.errors import IdentityError
from void_audit.identity import keys
from void_audit.identity.agent import Agent
from void_audit.identity.token_uri import TokenUri, read_reference
from void_audit.model.signing import LogSigner
from void_audit.seal.certificates import SealKey, SigningChain, create_chain, load_chain

Ask = Callable[[str], str | None]
"""From a holder's name to the passphrase of that key; None if there is none to give."""

SERVICE = "workspace"
"""Whose passphrase opens the keys of the log, the machine and the seal."""

LOG, MACHINE = "log", "machine"


def _no_pin(token: str) -> str | None:
    return None


@dataclass(frozen=True)
class KeyAccess:
    """How keys are reached that lie in no file of the workspace."""

    agent: Agent = field(default_factory=lambda: Agent(None))
    ask_pin: Ask = _no_pin
    """From a token's label to its PIN."""


@dataclass(frozen=True)
class Tokens:
    """Which keys of a new workspace are on a PKCS#11 token; those that are not are made in files."""

    log: TokenUri | None = None
    seal: TokenUri | None = None


def log_reference(folder: Path) -> Path:
    """Where a workspace names the log's key on a token, if it is on one."""
    return folder / "keys" / "log.pkcs11"


def seal_reference(folder: Path) -> Path:
    """Where a workspace names the seal's key on a token, if it is on one."""
    return folder / "seal" / "key.pkcs11"


def log_key(folder: Path, ask: Ask, access: KeyAccess) -> LogSigner:
    """The log's key: from its file, or from the token that ``keys/log.pkcs11`` names.

    Raises:
        IdentityError: as ``keys.load`` and ``pkcs11.open_log_key``; ``key-ambiguous`` if there are both.
    """
    reference, file = log_reference(folder), folder / "keys" / f"{LOG}.pem"
    if not reference.exists():
        return keys.load(file, ask(SERVICE))
    if file.exists():
        raise IdentityError(
            "key-ambiguous",
            f"There are {file.name} and {reference.name} in {file.parent}.",
            "Keep the one whose verifier key is in trust/log.vkey.",
        )
    return log_key_on_token(read_reference(reference), access)


def log_key_on_token(uri: TokenUri, access: KeyAccess) -> LogSigner:
    """The log's key on a token. Raises as ``pkcs11.open_log_key``."""
    from void_audit.identity.pkcs11 import open_log_key  # noqa: PLC0415 - an extra, loaded only where it is used

    return open_log_key(uri, access.ask_pin)


def seal_key_on_token(uri: TokenUri, access: KeyAccess) -> SealKey:
    """The seal's key on a token. Raises as ``pkcs11.open_seal_key``."""
    from void_audit.identity.pkcs11 import open_seal_key  # noqa: PLC0415 - an extra, loaded only where it is used

    return open_seal_key(uri, access.ask_pin)


def sealing_chain(folder: Path, ask: Ask, access: KeyAccess) -> SigningChain:
    """The certificates under which files are sealed, with their key unlocked, in a file or on a token.

    Raises:
        IdentityError: as ``load_chain`` and ``pkcs11.open_seal_key``.
    """
    reference = seal_reference(folder)
    if not reference.exists():
        return load_chain(folder / "seal", ask(SERVICE))
    return load_chain(folder / "seal", None, seal_key_on_token(read_reference(reference), access))


def create_log_key(folder: Path, uri: TokenUri | None, ask: Ask, access: KeyAccess) -> LogSigner:
    """The log's key for a new workspace: made in a file, or the one that was made on a token.

    Raises:
        IdentityError: as ``keys.create`` and ``pkcs11.open_log_key``.
        StorageError: ``key-not-written``.
    """
    if uri is None:
        return keys.create(folder / "keys" / f"{LOG}.pem", ask(SERVICE))
    signer = log_key_on_token(uri, access)
    keys.write_new(log_reference(folder), f"{uri}\n".encode())
    return signer


def create_sealing_chain(
    folder: Path, organisation: str, uri: TokenUri | None, ask: Ask, access: KeyAccess
) -> SigningChain:
    """Root and leaf for a new workspace; the leaf's key is made in a file, or was made on a token.

    Raises:
        IdentityError: as ``create_chain`` and ``pkcs11.open_seal_key``.
        StorageError: ``key-not-written``.
    """
    token = None if uri is None else seal_key_on_token(uri, access)
    chain = create_chain(folder / "seal", organisation, ask(SERVICE), token=token)
    if uri is not None:
        keys.write_new(seal_reference(folder), f"{uri}\n".encode())
    return chain
