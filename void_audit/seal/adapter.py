"""The only module of ``seal`` that knows the C2PA library, with its sharp edges covered (spec/c2pa 1.4).

* It opens its destination before it reads the source: callers give a fresh path, never the source.
* An exception of the signing key reaches its caller as "internal error": the real one is kept here.
* Its defaults fetch what a file names over the network: every call here has its own strict settings.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

import c2pa

from void_audit.errors import SealError, VoidAuditError
from void_audit.media.kind import MATROSKA, UNKNOWN, media_type

CredentialState = Literal["none", "invalid", "valid", "trusted", "unreadable"]
"""State of a file's own manifest. ``valid`` is anybody's key; ``trusted`` chains to a root that was given."""

NOT_EMBEDDABLE = frozenset({MATROSKA})
"""Containers into which the library cannot write a manifest: it goes beside them."""

_PURPOSES = "1.3.6.1.5.5.7.3.4\n1.3.6.1.5.5.7.3.36\n1.3.6.1.4.1.62558.2.1\n"
"""Extended key usages of C2PA signers. Without this list the library rejects conformant certificates."""


@dataclass(frozen=True)
class Ingredient:
    """An ingredient's description and bytes. With a ``name`` the bytes are embedded, else looked into."""

    description: Mapping[str, Any]
    content: bytes | Path
    name: str | None = None


@dataclass(frozen=True)
class Credentials:
    """What a reader finds in a file."""

    state: CredentialState
    label: str = ""
    manifest: Mapping[str, Any] | None = None


def sign(
    sign_bytes: Callable[[bytes], bytes],
    chain_pem: str,
    root_pem: str,
    definition: Mapping[str, Any],
    ingredients: Sequence[Ingredient],
    source: Path,
    destination: Path,
) -> bytes:
    """Write ``source`` with a manifest to ``destination``; returns the manifest's bytes.

    A container of ``NOT_EMBEDDABLE`` is copied as it is: the manifest is only returned.

    Args:
        sign_bytes: ES256 signature, r and s, 64 bytes.
        chain_pem: leaf and intermediates.
        root_pem: the library's trust while it looks at its own result. It signs under a chain of any other
            root all the same: whoever needs ``trusted`` reads the file back.
        definition: the manifest but for its ingredients.
        ingredients: the parent first.
        source: the file to seal; it stays as it is.
        destination: a path at which nothing of value lies.

    Raises:
        SealError: ``sign-failed``, ``signing-key-failed``; an error of ours from ``sign_bytes`` as it is.
    """
    callback = _Callback(sign_bytes)
    kind = media_type(source)
    try:
        with ExitStack() as stack:
            context = stack.enter_context(_context(root_pem))
            builder = stack.enter_context(c2pa.Builder(dict(definition), context=context))
            signer = stack.enter_context(
                c2pa.Signer.from_callback(callback, c2pa.C2paSigningAlg.ES256, chain_pem)
            )
            for ingredient in ingredients:
                _add(builder, ingredient)
            if kind in NOT_EMBEDDABLE:
                builder.set_no_embed()
            reading = stack.enter_context(source.open("rb"))
            writing = stack.enter_context(destination.open("w+b"))
            return bytes(builder.sign(signer, kind, reading, writing))
    except c2pa.C2paError as error:
        raise (callback.error or _failed(error)) from error


def read_credentials(path: Path, trust_pem: str | None, sidecar: Path | None = None) -> Credentials:
    """Read and validate a file's manifest, offline. Never raises for what the file holds.

    Args:
        path: a file of any kind.
        trust_pem: pinned roots; without them nothing is ever ``trusted``.
        sidecar: where the manifest lies if it is not in the file.

    Raises:
        OSError: the file or the sidecar cannot be read.
    """
    kind = media_type(path)
    if kind in (MATROSKA, UNKNOWN) and sidecar is None:
        return Credentials("none")
    beside = sidecar.read_bytes() if sidecar is not None else None
    try:
        with (
            _context(trust_pem) as context,
            path.open("rb") as stream,
            c2pa.Reader(kind, stream, beside, context=context) as reader,
        ):
            store = json.loads(reader.json())
            label = store["active_manifest"]
            state = _STATES[store["validation_state"]]
            return Credentials(state, label, store["manifests"][label])
    except c2pa.C2paError.ManifestNotFound:
        return Credentials("none")
    except (c2pa.C2paError, ValueError, KeyError, TypeError):
        return Credentials("unreadable")


_STATES: dict[str, CredentialState] = {"Invalid": "invalid", "Valid": "valid", "Trusted": "trusted"}


class _Callback:
    """Keeps the exception that the library would swallow."""

    def __init__(self, sign_bytes: Callable[[bytes], bytes]) -> None:
        self._sign = sign_bytes
        self.error: VoidAuditError | None = None

    def __call__(self, data: bytes) -> bytes:
        try:
            return self._sign(data)
        except VoidAuditError as error:
            self.error = error
        except Exception as error:  # noqa: BLE001 - kept, and raised once the library has returned
            self.error = SealError(
                "signing-key-failed", f"The signing key failed: {error!r}.", "Check the key or its device."
            )
            self.error.__cause__ = error
        return b""  # which the library takes as a failure


def _add(builder: c2pa.Builder, ingredient: Ingredient) -> None:
    description = dict(ingredient.description)
    with _opened(ingredient.content) as stream:
        if ingredient.name is not None:
            # Not looked into: the parsers of pictures and documents refuse what they do not understand.
            builder.add_ingredient(description, UNKNOWN, io.BytesIO())
            builder.add_resource(ingredient.name, stream)
            return
        kind = media_type(ingredient.content) if isinstance(ingredient.content, Path) else UNKNOWN
        try:
            builder.add_ingredient(description, kind, stream)
        except c2pa.C2paError:
            # Its credentials are unreadable, which the source record says; it stays the parent.
            builder.add_ingredient(description, UNKNOWN, io.BytesIO())


def _opened(content: bytes | Path) -> BinaryIO:
    return content.open("rb") if isinstance(content, Path) else io.BytesIO(content)


def _context(trust_pem: str | None) -> c2pa.Context:
    return c2pa.Context(c2pa.Settings.from_dict(_settings(trust_pem)))


def _settings(trust_pem: str | None) -> dict[str, Any]:
    """No network, no global state, trust in ``trust_pem`` alone."""
    return {
        "trust": {"trust_config": _PURPOSES, **({} if trust_pem is None else {"trust_anchors": trust_pem})},
        "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
        "core": {
            "backing_store_memory_threshold_in_mb": 64,
            "allowed_network_hosts": [],
            "decode_identity_assertions": False,
        },
        "builder": {
            "thumbnail": {"enabled": False},
            "actions": {"all_actions_included": True},
            "created_assertion_labels": ["c2pa.actions", "c2pa.actions.v2"],
        },
    }


def _failed(error: Exception) -> SealError:
    return SealError(
        "sign-failed",
        f"The C2PA library refused to sign: {str(error)[:300]}.",
        "Check the room on the disk, then the signing certificate and this machine's clock.",
    )
