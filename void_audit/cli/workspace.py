"""A workspace on disk, and the composition root: settings in, a ``Studio`` out."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from void_audit.cli.engines import LocalEngines
from void_audit.errors import WorkspaceError
from void_audit.identity import keys
from void_audit.identity.keys import FileSigner
from void_audit.identity.people import People
from void_audit.ledger.blobs import BlobStore
from void_audit.ledger.fsck import FsckReport, fsck
from void_audit.ledger.log import Ledger
from void_audit.model.engine import Progress, no_progress
from void_audit.model.mask_schema import MaskSchema
from void_audit.model.records import Role
from void_audit.pipeline.masks import schema as schemas
from void_audit.policy.pack import Pack, builtin, builtin_names, load_pack
from void_audit.seal.base import Sealer
from void_audit.seal.certificates import create_chain
from void_audit.seal.sealer import C2paSealer
from void_audit.settings import WorkspaceSettings, read_settings, write_settings
from void_audit.weights.house import FILE as MODELS_FILE
from void_audit.weights.house import house_list
from void_audit.weights.registry import Registry, with_house
from void_audit.workflow.edits import EditFolders
from void_audit.workflow.enrolment import enrol
from void_audit.workflow.replaying import Archive
from void_audit.workflow.studio import Studio

Ask = Callable[[str], str | None]
"""From a holder's name to the passphrase of that key; None if there is none to give."""

SCHEMAS = "schemas"
"""Folder of the house's own mask schemas."""

SERVICE = "workspace"
"""Whose passphrase opens the keys of the log, the machine and the seal."""


def utc_now() -> datetime:
    """The only clock."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Workspace:
    """``.void-audit``: settings, keys, ledger, blobs, edits, and what verifiers are to be given (``trust/``)."""

    folder: Path
    models: Path
    ask: Ask
    progress: Progress = no_progress
    clock: Callable[[], datetime] = field(default=utc_now)

    @cached_property
    def settings(self) -> WorkspaceSettings:
        """``settings.toml``."""
        return read_settings(self.folder)

    @cached_property
    def people(self) -> People:
        """Keys of people."""
        return People(self.folder / "keys" / "people")

    @cached_property
    def blobs(self) -> BlobStore:
        """Content-addressed files."""
        return BlobStore(self.folder / "blobs")

    @cached_property
    def reading(self) -> Ledger:
        """The ledger for reading; needs no key."""
        self.settings  # noqa: B018 - a missing workspace is the clearer error
        return Ledger.open(self.folder / "ledger")

    @cached_property
    def writing(self) -> Ledger:
        """The ledger with the log key."""
        self.settings  # noqa: B018 - a missing workspace is the clearer error
        return Ledger.open(self.folder / "ledger", self._service_key("log"), self._mark)

    def person(self, name: str) -> FileSigner:
        """A person's key, unlocked."""
        return self.people.load(name, self.ask(name))

    def log_vkey(self) -> str:
        """What verifiers pin: the log's verifier key."""
        return (self.folder / "trust" / "log.vkey").read_text().strip()

    def trust_pem(self) -> str:
        """What verifiers pin: the root certificate."""
        return (self.folder / "trust" / "root.pem").read_text()

    def packs(self) -> list[Pack]:
        """The active rule packs."""
        shipped = builtin_names()
        return [
            builtin(name) if name in shipped else load_pack(self.folder / name)
            for name in self.settings.packs
        ]

    @cached_property
    def registry(self) -> Registry:
        """The model files that may be used: shipped, and approved by this house."""
        return with_house(house_list(self.folder / "trust" / MODELS_FILE))

    def schema(self, name: str) -> MaskSchema:
        """A mask schema: one that ships with the package, or the house's own in ``schemas/NAME.yaml``.

        Raises:
            MaskError: ``schema-missing``, ``schema-malformed``, ``schema-name``.
        """
        return schemas.find_schema(name, self.folder / SCHEMAS)

    def schema_names(self) -> tuple[str, ...]:
        """Names of all mask schemas, shipped and the house's own, sorted."""
        return schemas.schema_names(self.folder / SCHEMAS)

    def studio(self) -> Studio:
        """Everything that the workflow works with."""
        return Studio(
            ledger=self.writing,
            blobs=self.blobs,
            edits=EditFolders(self.folder / "edits"),
            machine=self._service_key("machine"),
            packs=self.packs(),
            engines=self._engines,
            sealer=self._sealer,
            clock=self.clock,
            approved_weights=self.registry.approved,
            schemas=self.schema,
            trust_pem=self.trust_pem(),
            progress=self.progress,
        )

    def archive(self) -> Archive:
        """What replaying works with; needs no passphrase."""
        return Archive(self.reading, self.blobs, self._engines, progress=self.progress)

    def machine_key_id(self) -> str:
        """Key id of the machine; needs no passphrase."""
        return keys.key_id(keys.public_der(self.folder / "keys" / "machine.pem"))

    def is_encrypted(self, holder: str) -> bool:
        """Whether opening this holder's key needs a passphrase."""
        return is_encrypted(self.folder, holder)

    def fsck(self) -> FsckReport:
        """Recompute the log from its stored bytes."""
        self.settings  # noqa: B018 - a missing workspace is the clearer error
        return fsck(self.folder / "ledger", self.log_vkey(), self.blobs, self._mark)

    @property
    def _engines(self) -> LocalEngines:
        return LocalEngines(self.models, self.registry, self.progress)

    @property
    def _mark(self) -> Path:
        return self.folder / "keys" / "log.mark"

    def _service_key(self, name: str) -> FileSigner:
        return keys.load(self.folder / "keys" / f"{name}.pem", self.ask(SERVICE))

    def _sealer(self) -> Sealer:
        return C2paSealer.load(self.folder / "seal", self.ask(SERVICE))


def is_encrypted(folder: Path, holder: str) -> bool:
    """Whether opening this holder's key in the workspace ``folder`` needs a passphrase."""
    name = folder / "keys" / ("log.pem" if holder == SERVICE else f"people/{holder}.pem")
    try:
        return b"ENCRYPTED" in name.read_bytes()
    except OSError:
        return False


def create_workspace(workspace: Workspace, settings: WorkspaceSettings, admin: str) -> None:
    """Make a workspace. It appears whole or not at all.

    Raises:
        WorkspaceError: ``workspace-exists``.
    """
    folder = workspace.folder
    if folder.exists():
        raise WorkspaceError(
            "workspace-exists", f"{folder} is there already.", "Use it, or name another place."
        )
    staging = folder.with_name(folder.name + ".new")
    shutil.rmtree(staging, ignore_errors=True)
    try:
        _fill(staging, workspace, settings, admin)
        staging.rename(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _fill(staging: Path, workspace: Workspace, settings: WorkspaceSettings, admin: str) -> None:
    ask, now = workspace.ask, workspace.clock()
    for part in ("keys/people", "trust", "edits"):
        (staging / part).mkdir(parents=True)
    write_settings(staging, settings)
    log_key = keys.create(staging / "keys" / "log.pem", ask(SERVICE))
    machine = keys.create(staging / "keys" / "machine.pem", ask(SERVICE))
    person = People(staging / "keys" / "people").add(admin, ask(admin))
    create_chain(staging / "seal", settings.organisation, ask(SERVICE))
    shutil.copy(staging / "seal" / "root.pem", staging / "trust" / "root.pem")
    ledger = Ledger.create(staging / "ledger", settings.origin, log_key, staging / "keys" / "log.mark")
    (staging / "trust" / "log.vkey").write_text(ledger.vkey + "\n")
    blobs = BlobStore(staging / "blobs")
    enrol(ledger, blobs, person, admin, person.public_der, [Role.ADMIN], now)
    enrol(ledger, blobs, person, "machine", machine.public_der, [Role.MACHINE], now)
    ledger.close()
