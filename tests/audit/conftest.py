"""One finished edit for all of this folder, and ways to bend what was gathered from it."""

from __future__ import annotations

import base64
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from simulator.studio import Studio

from void_audit.audit import evidence as evidence_module
from void_audit.audit.claims import ManifestEvidence
from void_audit.audit.evidence import Evidence, Pins, gather
from void_audit.canon.hashing import sha256_hex
from void_audit.model.base import BlobRef
from void_audit.model.lifecycle import step_of
from void_audit.model.proof import LedgerAssertion


@dataclass(frozen=True)
class Finished:
    """An honest, finished edit. ``with_`` and ``without_`` return evidence that differs in just that."""

    house: Studio
    edit: str
    evidence: Evidence

    @property
    def path(self) -> Path:
        return self.evidence.file

    @property
    def receipt(self) -> Path:
        return self.path.with_name(self.path.name + ".receipt")

    @property
    def source(self) -> Path:
        return self.evidence.source

    @property
    def pins(self) -> Pins:
        return self.evidence.pins

    @property
    def manifest(self) -> ManifestEvidence:
        return self.evidence.manifest

    @property
    def assertion(self) -> LedgerAssertion:
        return self.evidence.assertion

    def gather(self, **fields) -> Evidence:
        """What is gathered from the file if its manifest says other things."""
        with self._claiming(fields):
            return gather(self.path, self.pins, self.source, self.receipt)

    @contextmanager
    def _claiming(self, fields):
        told = replace(self.manifest, **fields)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(evidence_module, "read_manifest", lambda *args: told)
            yield

    def record(self, step):
        """The newest record of a step."""
        return self.evidence.state.records[step]

    def with_manifest(self, base=None, **fields):
        base = base or self.evidence
        return replace(base, manifest=replace(base.manifest, **fields))

    def with_ledger(self, base=None, **fields):
        base = base or self.evidence
        return self.with_manifest(base, ledger=base.assertion.model_copy(update=fields))

    def with_record(self, step, base=None, **fields):
        """Another record at a step, in the entries and in the state."""
        base = base or self.evidence
        changed = base.state.records[step].model_copy(update=fields)
        entries = tuple(
            replace(e, statement=e.statement.model_copy(update={"predicate": changed}))
            if step_of(e.statement.predicate) == step
            else e
            for e in base.entries
        )
        state = replace(base.state, records={**base.state.records, step: changed})
        return replace(base, entries=entries, state=state)

    def without_record(self, step, base=None):
        base = base or self.evidence
        entries = tuple(e for e in base.entries if step_of(e.statement.predicate) != step)
        records = {name: record for name, record in base.state.records.items() if name != step}
        return replace(base, entries=entries, state=replace(base.state, records=records))

    def with_blob(self, data, base=None):
        """Evidence that also carries ``data``, and a reference to it."""
        base = base or self.evidence
        ref = BlobRef(sha256=sha256_hex(data), size=len(data), media_type="application/json")
        text = base64.b64encode(data).decode()
        return ref, self.with_ledger(base, evidence={**base.assertion.evidence, ref.sha256: text})

    def without_blob(self, digest, base=None):
        base = base or self.evidence
        assert digest in base.assertion.evidence
        kept = {d: text for d, text in base.assertion.evidence.items() if d != digest}
        return self.with_ledger(base, evidence=kept)


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Finished:
    house = Studio(tmp_path_factory.mktemp("audited"))
    done = house.edit(house.folder / "clean.mp4")
    sealed = house.sealed(done.delivered.path)
    evidence = gather(sealed.path, sealed.pins, sealed.source, done.delivered.receipt)
    return Finished(house, done.edit, evidence)


@pytest.fixture
def nothing(finished) -> Evidence:
    """What can be gathered from a file without a manifest: every obligation must be able to answer for it."""
    return gather(finished.source, finished.pins, None, finished.path.with_name("no.receipt"))
