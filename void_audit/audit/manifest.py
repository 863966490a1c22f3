"""Reading C2PA: the only module of ``audit`` that knows the library. Everything in a file is hostile.

Nothing is fetched over the network and nothing is trusted but the roots that are given: without roots a
manifest is at best ``valid``, which is anybody's key. A file without a manifest, or with one that cannot
be read, is a result and not an error.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import c2pa
from pydantic import ValidationError

from void_audit.audit.claims import ActionEvidence, IngredientEvidence, ManifestEvidence, ManifestState
from void_audit.audit.jumbf import certificate_chain
from void_audit.canon.roots import check_roots
from void_audit.errors import ClipError, ManifestError
from void_audit.media.kind import MATROSKA, UNKNOWN, media_type
from void_audit.model.proof import LedgerAssertion

__all__ = ["ManifestEvidence", "ManifestState", "read_manifest", "sidecar_of"]

LEDGER_LABEL = "org.voidaudit.ledger"
LEDGER_FORMAT = "void-audit-ledger/v1"

MAX_ASSERTION = 64 * 1024 * 1024
"""Bytes of the ledger assertion as JSON."""
MAX_EMBEDDED = 64 * 1024 * 1024
"""Bytes of one embedded datum: a quadmask of a long clip is a few million."""
MAX_INGREDIENTS = 64
MAX_SIDECAR = 512 * 1024 * 1024

_PURPOSES = "1.3.6.1.5.5.7.3.4\n1.3.6.1.5.5.7.3.36\n1.3.6.1.4.1.62558.2.1\n"
"""Extended key usages of C2PA signers."""


def read_manifest(path: Path, trust_pem: str | None, sidecar: Path | None = None) -> ManifestEvidence:
    """Read and validate the manifest of a file.

    Args:
        path: the file, of any kind.
        trust_pem: pinned root certificates.
        sidecar: where the manifest lies if it is not in the file.

    Raises:
        ClipError: ``clip-unreadable``: the file or the sidecar itself cannot be read.
        IdentityError: ``trust-unreadable``: the pinned roots are none.
    """
    if trust_pem is not None:
        check_roots(trust_pem)
    try:
        kind = media_type(path)
        beside = _sidecar_bytes(sidecar)
        with path.open("rb") as stream:
            if kind in (MATROSKA, UNKNOWN) and beside is None:
                return ManifestEvidence(ManifestState.MISSING)
            return _read(kind, stream, beside, trust_pem)
    except OSError as error:
        raise ClipError(
            "clip-unreadable",
            f"{path} cannot be read: {error.strerror}.",
            "Check that it is there and yours.",
        ) from error


def sidecar_of(path: Path) -> Path | None:
    """``NAME.c2pa`` beside ``NAME.mkv``, if it is there."""
    beside = path.with_suffix(".c2pa")
    return beside if beside != path and beside.is_file() else None


def _sidecar_bytes(sidecar: Path | None) -> bytes | None:
    if sidecar is None:
        return None
    with sidecar.open("rb") as file:
        content = file.read(MAX_SIDECAR + 1)
    return content if len(content) <= MAX_SIDECAR else b""


def _read(kind: str, stream: io.BufferedReader, beside: bytes | None, trust: str | None) -> ManifestEvidence:
    try:
        with (
            c2pa.Context(c2pa.Settings.from_dict(_settings(trust))) as context,
            c2pa.Reader(kind, stream, beside, context=context) as reader,
        ):
            return _Evidence(reader).collect()
    except c2pa.C2paError.ManifestNotFound:
        return ManifestEvidence(ManifestState.MISSING)
    except (c2pa.C2paError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, c2pa.C2paError) and str(error).startswith("Remote"):
            problem = "The file only names a manifest on the network, which is not fetched."
            return ManifestEvidence(ManifestState.MISSING, problems=(problem,))
        problem = f"The manifest cannot be read: {str(error)[:300]}"
        return ManifestEvidence(ManifestState.UNREADABLE, problems=(problem,))


def _settings(trust_pem: str | None) -> dict[str, Any]:
    """Offline, and trust in ``trust_pem`` alone."""
    return {
        "trust": {"trust_config": _PURPOSES, **({} if trust_pem is None else {"trust_anchors": trust_pem})},
        "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
        "core": {
            "backing_store_memory_threshold_in_mb": 64,
            "allowed_network_hosts": [],
            "decode_identity_assertions": False,
        },
    }


_STATES = {
    "Invalid": ManifestState.INVALID,
    "Valid": ManifestState.VALID,
    "Trusted": ManifestState.TRUSTED,
}

_OF_SIGNER = ("signingCredential.", "timeStamp.", "claimSignature.outsideValidity")
_UNTRUSTED = "signingCredential.untrusted"
_TIMED = "timeStamp.trusted"
"""Without it the token may be anybody's, and so may its time."""
_SIGNED = "claimSignature.validated"
_TRUSTED = {"signingCredential.trusted", _SIGNED}
_SINCE = {_UNTRUSTED, "signingCredential.expired"}
"""What befalls an ingredient's own signer without anybody touching the file."""


class _Evidence:
    """Collects evidence from an open reader. A KeyError and its like mean a manifest out of shape."""

    def __init__(self, reader: c2pa.Reader) -> None:
        self._reader = reader
        store = json.loads(reader.json())
        self._label: str = store["active_manifest"]
        self._manifest: dict[str, Any] = store["manifests"][self._label]
        self._results: dict[str, Any] = store.get("validation_results") or {}
        self._state = _STATES[store["validation_state"]]
        self._problems: list[str] = []

    def collect(self) -> ManifestEvidence:
        active = self._results.get("activeManifest")
        failures = _codes(active, "failure")
        ingredients = self._manifest.get("ingredients") or []
        if len(ingredients) > MAX_INGREDIENTS:
            raise ValueError(f"it has {len(ingredients)} ingredients")
        actions = self._assertion("c2pa.actions.v2") or {}
        signature = self._manifest.get("signature_info") or {}
        chain = self._chain()
        return ManifestEvidence(
            state=self._state,
            label=self._label,
            title=str(self._manifest.get("title") or ""),
            binding_failures=tuple(c for c in failures if not c.startswith(_OF_SIGNER)),
            signer_failures=tuple(c for c in failures if c.startswith(_OF_SIGNER)),
            trusted_signer=set(_codes(active, "success")) >= _TRUSTED,
            ingredient_failures=self._ingredient_failures(),
            ledger=self._ledger(),
            embedded=self._embedded(ingredients),
            actions=tuple(_action(a) for a in actions.get("actions") or []),
            all_actions_included=actions.get("allActionsIncluded") is True,
            ingredients=tuple(self._ingredient(i) for i in ingredients),
            certificates=tuple(hashlib.sha256(certificate).hexdigest() for certificate in chain),
            chain=chain,
            signature_good=_SIGNED in _codes(active, "success"),
            issuer=str(signature.get("issuer") or ""),
            signed_at=signature.get("time") if _TIMED in _codes(active, "success") else None,
            problems=tuple(self._problems),
        )

    def _assertion(self, label: str) -> Any:  # noqa: ANN401 - JSON of any shape
        """Data of the one assertion with this label; a second one makes both unusable."""
        found = [a for a in self._manifest["assertions"] if str(a["label"]).split("__")[0] == label]
        if len(found) > 1:
            self._problems.append(f"There are {len(found)} assertions {label}; none of them is used.")
        return found[0].get("data") if len(found) == 1 else None

    def _ledger(self) -> LedgerAssertion | None:
        data = self._assertion(LEDGER_LABEL)
        if data is None:
            return None
        text = json.dumps(data)
        if len(text) > MAX_ASSERTION:
            self._problems.append(f"The ledger assertion is larger than {MAX_ASSERTION} bytes.")
            return None
        try:
            ledger = LedgerAssertion.model_validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])[:120]
            self._problems.append(f"The ledger assertion is not of its form: {where}: {first['msg'][:120]}.")
            return None
        if ledger.format != LEDGER_FORMAT:
            self._problems.append(f"The ledger assertion is {ledger.format!r}; known is {LEDGER_FORMAT!r}.")
            return None
        return ledger

    def _embedded(self, ingredients: Sequence[Mapping[str, Any]]) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        twice: set[str] = set()
        for ingredient in ingredients:
            data = ingredient.get("data")
            if not data:
                continue
            title = str(ingredient.get("title"))
            content = self._resource(str(data["identifier"]), title)
            if title in found:
                twice.add(title)
            if content is not None:
                found[title] = content
        for title in twice:
            self._problems.append(f"Two embedded data are called {title!r}; neither is used.")
            del found[title]
        return found

    def _resource(self, identifier: str, title: str) -> bytes | None:
        stream = _Bounded(MAX_EMBEDDED)
        try:
            self._reader.resource_to_stream(identifier, stream)
        except c2pa.C2paError as error:
            self._problems.append(f"The embedded {title!r} cannot be read: {str(error)[:200]}")
            return None
        return stream.getvalue()

    def _ingredient(self, ingredient: Mapping[str, Any]) -> IngredientEvidence:
        recorded = (ingredient.get("validation_results") or {}).get("activeManifest")
        deltas = [
            d["validationDeltas"]
            for d in self._results.get("ingredientDeltas") or []
            if str(d["ingredientAssertionURI"]).endswith(
                f"/{self._label}/c2pa.assertions/{ingredient['label']}"
            )
        ]
        since = (c for delta in deltas for c in _codes(delta, "failure") if c not in _SINCE)
        failures = (*_codes(recorded, "failure"), *since)
        successes = tuple(c for part in (recorded, *deltas) for c in _codes(part, "success"))
        manifest = ingredient.get("active_manifest")
        return IngredientEvidence(
            title=str(ingredient.get("title") or ""),
            relationship=str(ingredient.get("relationship") or ""),
            media_type=str(ingredient.get("format") or ""),
            manifest=str(manifest) if manifest else None,
            state=_ingredient_state(failures, successes) if manifest else ManifestState.MISSING,
            failures=failures,
            description=str(ingredient.get("description") or ""),
        )

    def _ingredient_failures(self) -> tuple[str, ...]:
        deltas = [d["validationDeltas"] for d in self._results.get("ingredientDeltas") or []]
        return tuple(c for d in deltas for c in _codes(d, "failure") if c not in _SINCE)

    def _chain(self) -> tuple[bytes, ...]:
        """The library gives the whole store for the address of any box that is no resource."""
        stream = _Bounded(MAX_SIDECAR)
        try:
            self._reader.resource_to_stream(f"self#jumbf=/c2pa/{self._label}/c2pa.signature", stream)
            return tuple(certificate_chain(stream.getvalue(), self._label))
        except (c2pa.C2paError, ManifestError) as error:
            self._problems.append(f"The signing certificates cannot be read: {str(error)[:200]}")
            return ()


class _Bounded(io.BytesIO):
    """A stream that refuses to grow past a limit; the library then reports a failed write."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        if self.tell() + len(data) > self._most:
            raise OSError(f"more than {self._most} bytes")
        return super().write(data)


def _codes(results: Mapping[str, Any] | None, outcome: str) -> tuple[str, ...]:
    return tuple(str(item["code"]) for item in (results or {}).get(outcome) or [])


def _ingredient_state(failures: Sequence[str], successes: Sequence[str]) -> ManifestState:
    """From what was recorded when it was taken in, and what is found now."""
    if set(failures) - {_UNTRUSTED}:
        return ManifestState.INVALID
    if _SIGNED not in successes and "ingredient.manifest.validated" not in successes:
        return ManifestState.UNREADABLE
    return ManifestState.TRUSTED if "signingCredential.trusted" in successes else ManifestState.VALID


def _action(action: Mapping[str, Any]) -> ActionEvidence:
    return ActionEvidence(
        action=str(action["action"]),
        digital_source_type=str(action.get("digitalSourceType") or ""),
        description=str(action.get("description") or ""),
        parameters=dict(action.get("parameters") or {}),
        changes=tuple(action.get("changes") or ()),
    )
