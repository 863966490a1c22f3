"""What a workflow works with. The composition root (``cli``) fills it; the workflow knows no adapter."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from void_audit.ledger.blobs import BlobStore
from void_audit.ledger.durable import storage_errors
from void_audit.ledger.log import Ledger
from void_audit.model.engine import Progress, no_progress
from void_audit.model.mask_schema import MaskSchema
from void_audit.model.plan import Pass1Settings, Pass2Settings
from void_audit.model.seeing import ReasonerSettings, SegmenterSettings
from void_audit.model.signing import Signer
from void_audit.pipeline.reason.base import Reasoner
from void_audit.pipeline.segment.base import Segmenter
from void_audit.pipeline.synthesize.base import Job, Refiner, Synthesizer
from void_audit.policy.pack import Pack
from void_audit.seal.base import Sealer
from void_audit.workflow.edits import EditFolders
from void_audit.workflow.notary import NobodyAsked, Notary

SCRATCH, CHECKPOINTS = "work", "checkpoints"


class Engines(Protocol):
    """Builds an engine when it is needed: a verifying desk never loads one."""

    def segmenter(self, settings: SegmenterSettings) -> Segmenter:
        """From marks to the object: the engine that these settings are for."""

    def reasoner(self, settings: ReasonerSettings) -> Reasoner:
        """From the object to its consequences: the engine that these settings are for."""

    def synthesizer(self, settings: Pass1Settings, job: Job) -> Synthesizer:
        """The engine of pass 1 that these settings are for."""

    def refiner(self, settings: Pass2Settings, job: Job) -> Refiner:
        """The engine of pass 2 that these settings are for."""


@dataclass(frozen=True)
class Studio:
    """Ledger, stores, keys, rules and engines of one workspace."""

    ledger: Ledger
    blobs: BlobStore
    edits: EditFolders
    machine: Signer
    packs: Sequence[Pack]
    engines: Engines
    sealer: Callable[[], Sealer]
    clock: Callable[[], datetime]
    approved_weights: Callable[[str], bool]
    """Whether a model file's SHA-256 is in the registry."""
    schemas: Callable[[str], MaskSchema]
    """A mask schema by name. Raises MaskError ``schema-missing``, ``schema-malformed``."""
    trust_pem: str
    """Roots against which a source's own credentials are judged."""
    notary: Notary = field(default_factory=NobodyAsked)
    device: str = "cpu"
    progress: Progress = no_progress

    def scratch(self, edit: str) -> Path:
        """Where an edit's working files lie."""
        folder = self.edits.path(edit) / SCRATCH
        with storage_errors(folder):
            folder.mkdir(exist_ok=True)
        return folder

    def checkpoints(self, edit: str) -> Path:
        """Where an engine keeps states from which a killed pass goes on. Unlike scratch it outlives the kill."""
        return self.edits.path(edit) / CHECKPOINTS

    def clear_scratch(self, edit: str) -> None:
        """Throw away what a killed command left: whatever counts is a blob. Call under the edit's lock."""
        shutil.rmtree(self.edits.path(edit) / SCRATCH, ignore_errors=True)
