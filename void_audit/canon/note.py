"""C2SP signed notes v1.0.0 with Ed25519 keys (spec/ledger 1); those of witnesses are in ``cosignature``.

A note is text that ends in a line feed, an empty line, and one or more signature lines
``— <name> base64(key hash[4] || signature)``. A bad signature by a *known* key condemns the whole note;
signatures by unknown keys and of unknown types are ignored.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from void_audit.canon.keys import ed25519_valid, raw_ed25519
from void_audit.errors import NoteError
from void_audit.model.signing import LogSigner

MAX_NOTE = 100_000
"""Bytes."""

MAX_SIGNATURES = 100
"""C2SP asks for at least 16."""

ED25519 = 0x01
"""Signature type."""

_NAME = re.compile(r"[^\s+\ud800-\udfff]+")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\ud800-\udfff]")
"""Halves of surrogate pairs have no UTF-8 form: they reach Python through arguments of odd bytes."""


@dataclass(frozen=True)
class NoteSignature:
    """A signature line, parsed."""

    name: str
    key_hash: bytes
    signature: bytes

    def line(self) -> str:
        """The line, with its line feed."""
        return f"\u2014 {self.name} {base64.b64encode(self.key_hash + self.signature).decode()}\n"


@dataclass(frozen=True)
class Note:
    """A parsed note. ``text`` ends in a line feed; nothing is verified yet."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def __str__(self) -> str:
        return self.text + "\n" + "".join(s.line() for s in self.signatures)


class NoteKey(Protocol):
    """A named public key of any signature type."""

    @property
    def name(self) -> str:
        """The name in its signature lines."""

    @property
    def key_hash(self) -> bytes:
        """The four bytes in its signature lines."""

    def verifies(self, text: str, signature: bytes) -> bool:
        """Whether ``signature``, which may be any bytes, is this key's over the text of a note."""


Key = TypeVar("Key", bound=NoteKey)


@dataclass(frozen=True)
class TypedKey:
    """What a vkey says: ``<name>+<key hash>+<base64(type || key)>``."""

    name: str
    type: int
    """First byte of what is encoded."""
    public: bytes

    @property
    def key_hash(self) -> bytes:
        """First four bytes of SHA-256(name || LF || type || key)."""
        return hashlib.sha256(self.name.encode() + b"\n" + self._typed).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_hash.hex()}+{base64.b64encode(self._typed).decode()}"

    @property
    def _typed(self) -> bytes:
        return bytes([self.type]) + self.public

    @classmethod
    def parse(cls, vkey: str, sizes: Mapping[int, int]) -> TypedKey:
        """Parse a vkey.

        Args:
            vkey: one line.
            sizes: the types that are understood, and how many bytes a key of each has.

        Raises:
            NoteError: ``vkey-malformed``, or ``vkey-type`` for a key of another type.
        """
        parts = vkey.split("+", 2)
        if len(parts) != 3 or not usable_name(parts[0]) or not re.fullmatch(r"[0-9a-f]{8}", parts[1]):
            raise _bad_vkey(vkey)
        typed = _decode(parts[2])
        if not typed:
            raise _bad_vkey(vkey)
        key = cls(parts[0], typed[0], typed[1:])
        if key.type not in sizes:
            raise NoteError("vkey-type", f"Key type {key.type:#04x} of {key.name} is not understood here.")
        if len(key.public) != sizes[key.type] or str(key) != vkey:
            raise _bad_vkey(vkey)
        return key


@dataclass(frozen=True)
class VerifierKey:
    """The key of a log: type 0x01, Ed25519."""

    name: str
    public: bytes
    """32-byte Ed25519 key."""

    @property
    def key_hash(self) -> bytes:
        """First four bytes of SHA-256(name || LF || type || key)."""
        return TypedKey(self.name, ED25519, self.public).key_hash

    def __str__(self) -> str:
        return str(TypedKey(self.name, ED25519, self.public))

    def verifies(self, text: str, signature: bytes) -> bool:
        """Whether ``signature`` is this key's over the text of a note."""
        return ed25519_valid(self.public, text.encode(), signature)

    @classmethod
    def parse(cls, vkey: str) -> VerifierKey:
        """Parse the vkey of a log.

        Raises:
            NoteError: ``vkey-malformed``, or ``vkey-type`` for a key of another type.
        """
        key = TypedKey.parse(vkey, {ED25519: 32})
        return cls(key.name, key.public)

    @classmethod
    def of(cls, name: str, signer: LogSigner) -> VerifierKey:
        """The public half of a log's key.

        Raises:
            NoteError: ``key-name`` or ``vkey-type``.
        """
        raw = raw_ed25519(signer.public_der)
        if raw is None:
            raise NoteError("vkey-type", "The key of a log must be Ed25519.", "Make one of that type.")
        check_name(name)
        return cls(name, raw)


def usable_name(name: str) -> bool:
    """Whether a key can have this name: no space, no plus sign, no control character."""
    return bool(_NAME.fullmatch(name)) and not _CONTROL.search(name)


def check_name(name: str) -> None:
    """Returns only if a key can have this name. Raises NoteError ``key-name``."""
    if not usable_name(name):
        raise NoteError("key-name", f"{name!r} cannot name a key.", "Use no spaces and no plus sign.")


def sign(text: str, name: str, signer: LogSigner) -> Note:
    """Sign ``text`` under ``name`` and check the result, so that a faulty signer is noticed here.

    Raises:
        NoteError: ``note-malformed``, ``key-name``, ``vkey-type`` or ``note-signature-bad``.
    """
    _check_text(text)
    key = VerifierKey.of(name, signer)
    note = Note(text, (NoteSignature(name, key.key_hash, signer.sign(text.encode())),))
    verify(str(note), [key])
    return note


def parse(note: str | bytes) -> Note:
    """Split a note into text and signature lines, without verifying any.

    Raises:
        NoteError: ``note-too-large`` or ``note-malformed``.
    """
    text, lines = _split(_text(note))
    _check_text(text)
    if not 1 <= len(lines) <= MAX_SIGNATURES:
        raise _malformed(f"{len(lines)} signature lines, where 1 to {MAX_SIGNATURES} are allowed")
    return Note(text, tuple(_signature(line) for line in lines))


def verify(note: str | bytes, keys: Iterable[Key]) -> tuple[Note, tuple[Key, ...]]:
    """Parse a note and check it against known keys.

    Returns:
        The note and those of ``keys`` that signed it, in the order of ``keys``: at least one.

    Raises:
        NoteError: those of ``parse``; ``note-signature-bad`` if a known key's signature is wrong;
            ``note-unsigned`` if no known key signed.
    """
    parsed = parse(note)
    known = list(keys)
    signed = tuple(key for key in known if signatures_of(parsed, key))
    if not signed:
        names = ", ".join(key.name for key in known) or "nobody"
        raise NoteError(
            "note-unsigned", f"The note carries no signature of {names}.", "Check that this is the right key."
        )
    return parsed, signed


def signatures_of(note: Note, key: NoteKey) -> tuple[bytes, ...]:
    """Every signature that this key gave the note; a key may sign it again.

    Raises:
        NoteError: ``note-signature-bad`` if one of them is wrong.
    """
    mine = [s.signature for s in note.signatures if (s.name, s.key_hash) == (key.name, key.key_hash)]
    if not all(key.verifies(note.text, signature) for signature in mine):
        raise NoteError(
            "note-signature-bad",
            f"A signature of {key.name} does not match the note.",
            "The note was changed after it was signed: trust nothing in it.",
        )
    return tuple(mine)


def _text(note: str | bytes) -> str:
    if len(note) > MAX_NOTE:
        raise NoteError("note-too-large", f"A note of more than {MAX_NOTE} bytes.")
    try:
        data = note if isinstance(note, bytes) else note.encode()
        return data.decode()
    except UnicodeError as error:
        raise _malformed("it is not UTF-8") from error


def _split(note: str) -> tuple[str, list[str]]:
    text, gap, signatures = note.rpartition("\n\n")
    if not gap or not signatures.endswith("\n"):
        raise _malformed("no empty line, or no line feed at the end")
    return text + "\n", signatures[:-1].split("\n")


def _check_text(text: str) -> None:
    if not text.endswith("\n") or _CONTROL.search(text):
        raise _malformed("the text has control characters, is not UTF-8 or does not end in a line feed")


def _signature(line: str) -> NoteSignature:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != "\u2014" or not _NAME.fullmatch(parts[1]):
        raise _malformed("a signature line is not of its form")
    content = _decode(parts[2])
    if content is None or len(content) < 5:
        raise _malformed("a signature is not base64 of a key hash and a signature")
    return NoteSignature(parts[1], content[:4], content[4:])


def _decode(text: str) -> bytes | None:
    """Standard padded base64 in its one encoding, or None."""
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return content if base64.b64encode(content).decode() == text else None


def _malformed(why: str) -> NoteError:
    return NoteError("note-malformed", f"Not a signed note: {why}.", "It was damaged or is something else.")


def _bad_vkey(vkey: str) -> NoteError:
    return NoteError(
        "vkey-malformed", f"{vkey[:120]!r} is not a verifier key.", "It reads NAME+HASH+BASE64 in one line."
    )
