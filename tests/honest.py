"""One honest finished file for tests of the checker, and other claims in its manifest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from house import House, quick

from void_audit.audit import evidence as evidence_module
from void_audit.audit.evidence import Evidence, Pins, gather
from void_audit.audit.manifest import ManifestEvidence, read_manifest
from void_audit.audit.verify import verify
from void_audit.model.proof import LedgerAssertion
from void_audit.model.report import Report


@dataclass(frozen=True)
class Honest:
    """A finished file, with what is needed to verify it. To be looked at only."""

    house: House
    edit: str
    path: Path
    manifest: ManifestEvidence

    @classmethod
    def make(cls, folder: Path) -> Honest:
        """Plan, approve and run in ``folder``."""
        with quick():
            house = House(folder)
            edit = house.approved()
            path = house.run(edit, folder / "clean.mp4").delivered.path
        return cls(house, edit, path, read_manifest(path, house.place.trust_pem()))

    @property
    def pins(self) -> Pins:
        """Root and log key of the house."""
        return self.house.pins()

    @property
    def source(self) -> Path:
        """The clip that it was made from."""
        return self.house.folder / "request" / "clip.mp4"

    @property
    def receipt(self) -> Path:
        """Written beside it."""
        return self.path.with_name(self.path.name + ".receipt")

    @property
    def assertion(self) -> LedgerAssertion:
        """The records that it carries."""
        assert self.manifest.ledger is not None
        return self.manifest.ledger

    def gather(self, **claims: object) -> Evidence:
        """Evidence of the file, with other claims in its manifest."""
        with self._claiming(claims):
            return gather(self.path, self.pins, None, None)

    def report(self, **claims: object) -> Report:
        """The report on the file, with other claims in its manifest."""
        with self._claiming(claims):
            return verify(self.path, self.pins)

    @contextmanager
    def _claiming(self, claims: dict[str, object]) -> Iterator[None]:
        told = replace(self.manifest, **claims)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(evidence_module, "read_manifest", lambda *arguments: told)
            yield
