"""A workspace on disk, and the composition root: settings in, a ``Studio`` out."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from void_audit.cli import stamping, tiles
from void_audit.cli.engines import LocalEngines
from void_audit.cli.notary import OPERATOR_TRUSTED, POLICY, HouseNotary, house_authorities, house_policy
from void_audit.cli.service_keys import (
    LOG,
    MACHINE,
    SERVICE,
    Ask,
    KeyAccess,
    Tokens,
    create_log_key,
    create_sealing_chain,
    log_key,
    sealing_chain,
)
from void_audit.errors import VoidAuditError, WorkspaceError
from void_audit.identity import keys
from void_audit.identity.people import People
from void_audit.ledger.authorities import Authorities
from void_audit.ledger.blobs import BlobStore
from void_audit.ledger.database import Place
from void_audit.ledger.erasures import Erasures
from void_audit.ledger.exporter import Exporter
from void_audit.ledger.fsck import FsckReport, fsck
from void_audit.ledger.log import Ledger
from void_audit.ledger.tile_store import TileStore
from void_audit.ledger.witness_client import WitnessClient
from void_audit.model.engine import Progress, no_progress
from void_audit.model.mask_schema import MaskSchema
from void_audit.model.records import Role
from void_audit.model.signing import LogSigner
from void_audit.pipeline.masks import schema as schemas
from void_audit.policy.pack import Pack, builtin, builtin_names, load_pack
from void_audit.seal.base import Sealer
from void_audit.seal.sealer import C2paSealer
from void_audit.settings import WorkspaceSettings, read_settings, write_settings
from void_audit.weights.house import FILE as MODELS_FILE
from void_audit.weights.house import house_list
from void_audit.weights.registry import Registry, with_house
from void_audit.workflow.edits import EditFolders
from void_audit.workflow.enrolment import enrol
from void_audit.workflow.replaying import Archive
from void_audit.workflow.studio import Studio

SCHEMAS = "schemas"
"""Folder of the house's own mask schemas."""


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
    access: KeyAccess = field(default_factory=KeyAccess)

    @cached_property
    def settings(self) -> WorkspaceSettings:
        """``settings.toml``."""
        return read_settings(self.folder)

    @cached_property
    def people(self) -> People:
        """Keys of people."""
        return People(self.folder / "keys" / "people", self.access.agent)

    @cached_property
    def services(self) -> People:
        """Where the machine's key lies; that of the log lies beside it."""
        return People(self.folder / "keys")

    @cached_property
    def blobs(self) -> BlobStore:
        """Content-addressed files; what is personal is encrypted, and erasable."""
        return BlobStore(self.folder / "blobs", erased_by=self._erased_by)

    @cached_property
    def erasures(self) -> Erasures:
        """What the log says was erased."""
        return Erasures(self.reading)

    @property
    def ledger_place(self) -> Place:
        """Where the ledger's database is: PostgreSQL if the settings name one, else a folder here."""
        return self.settings.database or self.folder / "ledger"

    @cached_property
    def reading(self) -> Ledger:
        """The ledger for reading; needs no key."""
        return Ledger.open(self.ledger_place)

    @cached_property
    def writing(self) -> Ledger:
        """The ledger with the log key."""
        ledger = Ledger.open(self.ledger_place, self._service_key("log"), self.mark)
        tiles.follow(ledger, self.exporter())
        if self.settings.timestamp_urls:
            stamping.keep_up(ledger, self.notary, self.settings.timestamp_hours, self.clock)
        return ledger

    def tiles(self) -> TileStore:
        """Where the tiles of the log are kept: the evidence outside its database."""
        return tiles.tiles_of(self.folder, self.settings.evidence)

    def exporter(self, target: TileStore | None = None) -> Exporter:
        """Exports the log to ``target``, by default to ``tiles``."""
        return tiles.exporter(self.folder, self.ledger_place, self.log_vkey(), target or self.tiles())

    def evidence_now(self) -> None:
        """Export the log; what fails is said on standard error, and tried again with the next command."""
        try:
            with closing(self.exporter()) as export:
                export.catch_up()
        except VoidAuditError as error:
            tiles.warn(error)

    def person(self, name: str) -> LogSigner:
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
            notary=self.notary(),
            progress=self.progress,
        )

    def notary(self) -> HouseNotary:
        """Who outside is asked to vouch for the log. Raises IdentityError ``log-policy-*``."""
        return self._notary  # one: who did not answer is not waited for again when the command ends

    @cached_property
    def _notary(self) -> HouseNotary:
        policy = house_policy(self.folder, self.log_vkey())
        witnesses = WitnessClient(policy, clock=lambda: self.clock().timestamp())
        return HouseNotary(witnesses, self.authorities)

    def authorities(self) -> Authorities | None:
        """Who stamps checkpoints and files, if anybody. Raises TokenError ``tsa-roots-missing``."""
        return house_authorities(self.folder, self.settings.timestamp_urls)

    def archive(self) -> Archive:
        """What replaying works with; needs no passphrase."""
        return Archive(self.reading, self.blobs, self._engines, progress=self.progress)

    def machine_key_id(self) -> str:
        """Key id of the machine; needs no passphrase."""
        return keys.key_id(self.services.public_der(MACHINE))

    def is_encrypted(self, holder: str) -> bool:
        """Whether opening this holder's key needs a passphrase."""
        return is_encrypted(self.folder, holder)

    def fsck(self) -> FsckReport:
        """Recompute the log from its stored bytes."""
        return fsck(self.ledger_place, self.log_vkey(), self.blobs, self.mark, self.tiles())

    @property
    def _engines(self) -> LocalEngines:
        return LocalEngines(self.models, self.registry, self.progress)

    @property
    def mark(self) -> Path:
        """The high-water mark of the log key."""
        return self.folder / "keys" / "log.mark"

    def _service_key(self, name: str) -> LogSigner:
        if name == LOG:
            return log_key(self.folder, self.ask, self.access)
        return keys.load(self.folder / "keys" / f"{name}.pem", self.ask(SERVICE))

    def _erased_by(self, digest: str) -> int | None:
        return self.erasures.by(digest)  # the ledger is opened only if something is not there

    def _sealer(self) -> Sealer:
        return C2paSealer(sealing_chain(self.folder, self.ask, self.access))


def is_encrypted(folder: Path, holder: str) -> bool:
    """Whether opening this holder's key in the workspace ``folder`` needs a passphrase."""
    name = folder / "keys" / (f"{MACHINE}.pem" if holder == SERVICE else f"people/{holder}.pem")
    try:
        return b"ENCRYPTED" in name.read_bytes()
    except OSError:
        return False


def create_workspace(
    workspace: Workspace, settings: WorkspaceSettings, admin: str, tokens: Tokens | None = None
) -> None:
    """Make a workspace. It appears whole or not at all.

    Raises:
        WorkspaceError: ``workspace-exists``.
        IdentityError: a key on a token cannot be used (``identity.pkcs11``).
    """
    folder = workspace.folder
    if folder.exists():
        raise WorkspaceError(
            "workspace-exists", f"{folder} is there already.", "Use it, or name another place."
        )
    staging = folder.with_name(folder.name + ".new")
    shutil.rmtree(staging, ignore_errors=True)
    try:
        _fill(staging, workspace, settings, admin, tokens or Tokens())
        staging.rename(folder)
        workspace.evidence_now()
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _fill(
    staging: Path, workspace: Workspace, settings: WorkspaceSettings, admin: str, tokens: Tokens
) -> None:
    ask, access, now = workspace.ask, workspace.access, workspace.clock()
    for part in ("keys/people", "trust", "edits"):
        (staging / part).mkdir(parents=True)
    (staging / "keys").chmod(0o700)  # whatever the umask says
    write_settings(staging, settings)
    signer = create_log_key(staging, tokens.log, ask, access)
    machine = keys.create(staging / "keys" / "machine.pem", ask(SERVICE))
    person = People(staging / "keys" / "people").add(admin, ask(admin))
    create_sealing_chain(staging, settings.organisation, tokens.seal, ask, access)
    shutil.copy(staging / "seal" / "root.pem", staging / "trust" / "root.pem")
    place = settings.database or staging / "ledger"
    ledger = Ledger.create(place, settings.origin, signer, staging / "keys" / "log.mark")
    (staging / "trust" / "log.vkey").write_text(ledger.vkey + "\n")
    (staging / "trust" / POLICY).write_text(OPERATOR_TRUSTED.format(vkey=ledger.vkey))
    blobs = BlobStore(staging / "blobs")
    enrol(ledger, blobs, person, admin, person.public_der, [Role.ADMIN], now)
    enrol(ledger, blobs, person, "machine", machine.public_der, [Role.MACHINE], now)
    ledger.close()
