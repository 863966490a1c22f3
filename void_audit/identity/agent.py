"""Keys that an ssh-agent holds (draft-ietf-sshm-ssh-agent): list them, and let one sign.

The agent signs a record's DSSE pre-authentication encoding directly; what comes back is a plain Ed25519 signature,
the same that a key file makes. It is verified before it is used. Whatever else the agent says is judged like
anything from outside: bounded in size and time.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from void_audit.canon.keys import ed25519_valid, key_id, raw_ed25519
from void_audit.errors import IdentityError
from void_audit.identity import openssh
from void_audit.identity.openssh import read_string, string

FAILURE, REQUEST_IDENTITIES, IDENTITIES, SIGN_REQUEST, SIGNED = 5, 11, 12, 13, 14
"""Message numbers."""

MAX_REPLY = 256 * 1024
"""Bytes: OpenSSH's own limit."""
MAX_KEYS = 500
LIST_SECONDS = 10.0
SIGN_SECONDS = 120.0
"""Longer: the agent may ask its person to confirm, or to touch a device."""


@dataclass(frozen=True)
class AgentKey:
    """An Ed25519 key in an agent."""

    public_der: bytes
    comment: str

    @property
    def fingerprint(self) -> str:
        """As ssh-add -l prints it."""
        return openssh.fingerprint(openssh.blob_of_der(self.public_der))


class Agent:
    """An ssh-agent at a socket. One connection for each question."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def keys(self) -> tuple[list[AgentKey], list[IdentityError]]:
        """Ed25519 keys, and why each of the others cannot be used.

        Raises:
            IdentityError: ``agent-missing``, ``agent-unreachable``, ``agent-timeout``, ``agent-malformed``,
                ``agent-refused``.
        """
        kind, body = self._ask(bytes([REQUEST_IDENTITIES]), LIST_SECONDS)
        if kind != IDENTITIES:
            raise _refused("does not list its keys")
        good: list[AgentKey] = []
        bad: list[IdentityError] = []
        for blob, comment in _identities(body):
            try:
                good.append(AgentKey(openssh.der_of_blob(blob), comment))
            except IdentityError as error:
                bad.append(error)
        return good, bad

    def choose(self, which: str | None = None) -> AgentKey:
        """The key with this fingerprint or comment; without either, the only one.

        Raises:
            IdentityError: as ``keys``; ``agent-key-missing``, ``agent-key-ambiguous``; ``key-type`` if the agent has
                keys, but none that can be used.
        """
        good, bad = self.keys()
        found = [key for key in good if which is None or which in (key.fingerprint, key.comment)]
        if len(found) == 1:
            return found[0]
        if found:
            raise IdentityError(
                "agent-key-ambiguous",
                f"The agent has {len(found)} such keys: {_listed(found)}.",
                "Name one by its fingerprint: --ssh-agent SHA256:...",
            )
        if bad and not good:
            raise bad[0]
        raise _missing(f"no key {which!r}" if which else "no key at all", good)

    def sign(self, public_der: bytes, data: bytes) -> bytes:
        """The Ed25519 signature (64 bytes) over ``data``, verified.

        Raises:
            IdentityError: as ``keys``; ``agent-key-missing``; ``agent-refused``: locked, or its person said no;
                ``agent-signature``: it is not a signature under this key.
        """
        good, _ = self.keys()
        if public_der not in [key.public_der for key in good]:
            raise _missing(f"no key {key_id(public_der)[:16]}", good)
        question = string(openssh.blob_of_der(public_der)) + string(data) + struct.pack(">I", 0)
        kind, body = self._ask(bytes([SIGN_REQUEST]) + question, SIGN_SECONDS)
        if kind != SIGNED:
            raise _refused("does not sign")
        signature = _signature(body)
        if not ed25519_valid(raw_ed25519(public_der) or b"", data, signature):
            raise IdentityError(
                "agent-signature",
                f"What the agent returned is no signature under key {key_id(public_der)[:16]}.",
                "Nothing was recorded. Use another agent.",
            )
        return signature

    def _ask(self, message: bytes, seconds: float) -> tuple[int, bytes]:
        """Number and content of the reply."""
        if self._path is None:
            raise IdentityError(
                "agent-missing",
                "There is no ssh-agent: SSH_AUTH_SOCK is not set.",
                "Start one (`eval $(ssh-agent)`, `ssh-add`), or log in with agent forwarding.",
            )
        deadline = time.monotonic() + seconds
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(seconds)
                connection.connect(str(self._path))
                connection.sendall(string(message))
                (size,) = struct.unpack(">I", _receive(connection, 4, deadline))
                if not 1 <= size <= MAX_REPLY:
                    raise _malformed(f"a reply of {size} bytes")
                reply = _receive(connection, size, deadline)
        except TimeoutError as error:
            raise IdentityError(
                "agent-timeout",
                f"The ssh-agent at {self._path} did not answer within {seconds:g} seconds.",
                "If it waits for you to confirm or to touch a device, do so and run the command again.",
            ) from error
        except (OSError, ValueError) as error:  # ValueError: a path with a zero byte in it
            raise IdentityError(
                "agent-unreachable",
                f"The ssh-agent at {self._path} cannot be reached: {error}.",
                "Check SSH_AUTH_SOCK: `ssh-add -l` must list your key.",
            ) from error
        return reply[0], reply[1:]


class AgentSigner:
    """One key of an agent. Implements ``model.signing.LogSigner``; needs no passphrase here."""

    def __init__(self, public_der: bytes, agent: Agent) -> None:
        self._public, self._agent = public_der, agent

    @property
    def public_der(self) -> bytes:
        """SubjectPublicKeyInfo, DER."""
        return self._public

    @property
    def key_id(self) -> str:
        """SHA-256 of ``public_der``, hexadecimal."""
        return key_id(self._public)

    def sign(self, data: bytes) -> bytes:
        """The 64-byte Ed25519 signature over ``data``. Raises as ``Agent.sign``."""
        return self._agent.sign(self._public, data)

    def __repr__(self) -> str:
        return f"AgentSigner({self.key_id})"


def _receive(connection: socket.socket, size: int, deadline: float) -> bytes:
    """Exactly ``size`` bytes, however slowly they drip, but all before the deadline."""
    data = bytearray()
    while len(data) < size:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(left)
        part = connection.recv(size - len(data))
        if not part:
            raise _malformed("a reply that is cut off")
        data += part
    return bytes(data)


def _identities(body: bytes) -> list[tuple[bytes, str]]:
    """Key blobs and comments."""
    count = struct.unpack(">I", body[:4])[0] if len(body) >= 4 else MAX_KEYS + 1
    if count > MAX_KEYS:
        raise _malformed(f"a list of more than {MAX_KEYS} keys, or none")
    found, rest = [], body[4:]
    try:
        for _ in range(count):
            blob, rest = read_string(rest)
            comment, rest = read_string(rest)
            found.append((blob, comment.decode("utf-8", "replace")))
    except IdentityError as error:
        raise _malformed("a list of keys that is cut off") from error
    if rest:
        raise _malformed("more than its list of keys")
    return found


def _signature(body: bytes) -> bytes:
    try:
        blob, rest = read_string(body)
        kind, inner = read_string(blob)
        signature, more = read_string(inner)
    except IdentityError as error:
        raise _malformed("a signature that is cut off") from error
    if rest or more or kind != openssh.ED25519 or len(signature) != 64:
        raise _malformed("a signature of another kind than Ed25519")
    return signature


def _listed(keys: Sequence[AgentKey]) -> str:
    shown = ", ".join(f"{key.fingerprint} {key.comment[:60]!r}" for key in keys[:5])
    return shown + (", ..." if len(keys) > 5 else "")


def _missing(what: str, good: Sequence[AgentKey]) -> IdentityError:
    return IdentityError(
        "agent-key-missing",
        f"The ssh-agent holds {what} of type Ed25519. It has: {_listed(good) or 'none'}.",
        "Add it with `ssh-add`, or unlock the agent (`ssh-add -X`): a locked one lists nothing.",
    )


def _refused(what: str) -> IdentityError:
    return IdentityError(
        "agent-refused",
        f"The ssh-agent {what}.",
        "It is locked (`ssh-add -X` unlocks), the key was just removed, or its person said no.",
    )


def _malformed(what: str) -> IdentityError:
    return IdentityError(
        "agent-malformed", f"The ssh-agent answered with {what}.", "Use another agent: this one is broken."
    )
