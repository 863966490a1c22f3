"""Sealing with C2PA: a manifest is written, read back and found trusted, or nothing is delivered."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from void_audit.canon.hashing import sha256_file
from void_audit.errors import SealError
from void_audit.media.atomic import whole_file
from void_audit.media.kind import UNKNOWN, media_type
from void_audit.seal import adapter
from void_audit.seal.adapter import Credentials, Ingredient
from void_audit.seal.base import SealedFile, SealRequest
from void_audit.seal.certificates import SigningChain, load_chain
from void_audit.seal.definition import (
    LEDGER_LABEL,
    data_ingredient,
    manifest_definition,
    parent_ingredient,
    supplied_ingredient,
)

SIDECAR_SUFFIX = ".c2pa"
"""``NAME.c2pa`` beside ``NAME.mkv``: where C2PA readers look."""


class C2paSealer:
    """Implements ``seal.base.Sealer`` with one unlocked signing chain."""

    def __init__(
        self, chain: SigningChain, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._chain = chain
        self._clock = clock

    @classmethod
    def load(cls, folder: Path, passphrase: str | None) -> C2paSealer:
        """With the chain that ``certificates.create_chain`` wrote. Raises as ``load_chain`` does."""
        return cls(load_chain(folder, passphrase))

    def seal(self, request: SealRequest) -> SealedFile:
        """Write ``request.destination``, and a sidecar beside it if its container cannot hold a manifest.

        The result has been read back: it is trusted under our own root, holds the ledger assertion, and
        names the source as parent with the credentials that the source has.

        Raises:
            SealError: ``certificate-expired``, ``certificate-not-yet-valid``, ``seal-input``,
                ``sign-failed``, ``signing-key-failed``, ``seal-not-trusted``, ``seal-incomplete``,
                ``source-credentials-lost``. Nothing is left at the destination.
            StorageError: it could not be written.
        """
        self._chain.refuse_out_of_date(self._clock())
        _check_paths(request)
        beside = media_type(request.unsealed) in adapter.NOT_EMBEDDABLE
        with ExitStack() as files:
            # The picture file appears last: where it is, its sidecar is.
            side = files.enter_context(whole_file(sidecar_of(request.destination))) if beside else None
            with whole_file(request.destination) as partial:
                manifest = self._sign(request, partial)
                if side is not None:
                    side.write_bytes(manifest)
                found = self._read_back(request, partial, side)
                digest = sha256_file(partial)
        return SealedFile(
            path=request.destination,
            sha256=digest,
            manifest=found.label,
            certificate=self._chain.certificate_sha256,
            sidecar=sidecar_of(request.destination) if beside else None,
        )

    def _sign(self, request: SealRequest, partial: Path) -> bytes:
        parent = parent_ingredient(request.source_name, media_type(request.source))
        placed = [
            Ingredient(supplied_ingredient(media_type(path), sha256_file(path)), path)
            for path in (request.supplied,)
            if path
        ]
        embedded = [Ingredient(data_ingredient(data), data.content, data.title) for data in request.embedded]
        return adapter.sign(
            self._chain.sign,
            self._chain.chain_pem,
            self._chain.root_pem,
            manifest_definition(request),
            [Ingredient(parent, request.source), *placed, *embedded],
            request.unsealed,
            partial,
        )

    def _read_back(self, request: SealRequest, partial: Path, side: Path | None) -> Credentials:
        found = adapter.read_credentials(partial, self._chain.root_pem, side)
        if found.state != "trusted" or found.manifest is None:
            raise SealError(
                "seal-not-trusted",
                f"The sealed file reads back as {found.state}, not as trusted.",
                "Check this machine's clock and the certificates.",
            )
        expected = json.loads(request.assertion.model_dump_json())
        assertions = {a["label"]: a.get("data") for a in found.manifest["assertions"]}
        if assertions.get(LEDGER_LABEL) != expected:
            raise SealError("seal-incomplete", "The ledger's records did not arrive in the manifest.")
        self._check_parent(request, found)
        return found

    def _check_parent(self, request: SealRequest, found: Credentials) -> None:
        ingredients = found.manifest["ingredients"] if found.manifest else []
        parent = next((i for i in ingredients if i.get("relationship") == "parentOf"), None)
        state = adapter.read_credentials(request.source, None).state
        if parent is None or (state in ("valid", "invalid") and "active_manifest" not in parent):
            raise SealError(
                "source-credentials-lost", "The source's own credentials did not arrive in the manifest."
            )


def sidecar_of(path: Path) -> Path:
    """Where the manifest of a file lies whose container cannot hold one."""
    return path.with_suffix(SIDECAR_SUFFIX)


def _check_paths(request: SealRequest) -> None:
    for path in (request.unsealed, request.source):
        if not path.is_file():
            raise SealError("seal-input", f"There is no file {path} to seal.", "Run the edit again.")
        if request.destination.exists() and path.samefile(request.destination):
            raise SealError(
                "seal-input", f"{path} would be overwritten by its own seal.", "Name another destination."
            )
    if media_type(request.unsealed) == UNKNOWN:
        raise SealError("seal-input", f"{request.unsealed} is no video file.", "Run the edit again.")
    titles = [data.title for data in request.embedded]
    if len(set(titles)) != len(titles):
        raise SealError("seal-input", "Two embedded data have the same title.", "Give each its own.")
