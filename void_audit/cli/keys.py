"""``void-audit keys``: who may do what."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from void_audit.cli import rotation
from void_audit.cli.console import (
    AsOption,
    JsonOption,
    WorkspaceOption,
    cell,
    emit,
    group,
    guarded,
    out,
    say,
)
from void_audit.cli.erase import erased_keys
from void_audit.cli.key_options import AgentOption, PublicOption, new_passphrase, public_key_given
from void_audit.cli.service_keys import MACHINE
from void_audit.cli.session import workspace_at
from void_audit.cli.workspace import Workspace
from void_audit.errors import IdentityError, VoidAuditError
from void_audit.identity.keys import key_id
from void_audit.identity.registry import EnrolledKey, Suspicion
from void_audit.model.records import Role
from void_audit.model.signing import Signer
from void_audit.workflow.enrolment import enrol, registry_of, revoke, suspect

app = group("People's keys: enrolment, rotation and revocation are entries of the ledger.")
app.command("rotate")(rotation.rotate_key)

PERSONAL = [Role.EDITOR, Role.REASONER, Role.APPROVER, Role.COMPLIANCE, Role.ADMIN]
Name = Annotated[str, typer.Argument(help="Up to 64 letters, digits and . _ @ + -")]
Since = Annotated[int, typer.Option("--since", min=0, help="The first entry that may be somebody else's.")]
Compromised = Annotated[
    int | None,
    typer.Option("--compromised-since", min=0, help="The first entry that may be somebody else's."),
]


@app.command()
@guarded
def add(
    name: Name,
    role: Annotated[
        list[str], typer.Option("--role", help="editor, reasoner, approver, compliance or admin; repeatable.")
    ],
    signer: AsOption = None,
    agent_key: AgentOption = None,
    public_key: PublicOption = None,
    no_passphrase: Annotated[
        bool, typer.Option("--no-passphrase", help="Leave the key unencrypted.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Enrol a person, signed by an administrator: with a new key in a file, or one that their ssh-agent holds.

    An editor asks for edits, revises masks and prompts; a reasoner may also ask models about footage.
    `keys add machine --role machine` makes the workspace a new machine key where the old one was revoked.

    Example: void-audit keys add lois --role editor --ssh-agent SHA256:bz0fgg8n2ZAlmFHA2Pe5SVyqzqY
    """
    place = workspace_at(workspace)
    roles = [_role(name, text) for text in role]
    admin = place.person(signer or _administrator(place))
    if name == MACHINE:
        public = rotation.new_machine_key(place, admin)
    else:
        public = _person(place, name, public_key_given(place, agent_key, public_key), no_passphrase)
        enrol(place.writing, place.blobs, admin, name, public, roles, place.clock())
    if as_json:
        emit({"name": name, "key": key_id(public), "roles": sorted(roles)})
    else:
        say(f"{name} is enrolled as {', '.join(sorted(roles))} with key {key_id(public)[:16]}.")


@app.command("revoke")
@guarded
def revoke_key(
    name: Name,
    since: Compromised = None,
    signer: AsOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Revoke a person's key from now on; what it signed before stays valid, or is suspect from an entry on.

    Example: void-audit keys revoke lois --as perry --compromised-since 112
    """
    place = workspace_at(workspace)
    admin = place.person(signer or _administrator(place))
    *earlier, present = _keys_of(place, name)
    if since is not None:
        _suspect_all(place, admin, name, earlier, since)
    revoke(place.writing, place.blobs, admin, name, present, place.clock(), since)
    if as_json:
        emit({"name": name, "revoked": True})
    else:
        say(f"{name}'s key is revoked.")
        if since is not None:
            say(f"What it signed from entry {since} on is suspect: `verify` says so.")


@app.command("suspect")
@guarded
def suspect_key(
    name: Name,
    since: Since,
    signer: AsOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that what a person's keys signed from an entry on may be somebody else's. It is never taken back.

    Nothing ends by it: revoke the key too.

    Example: void-audit keys suspect lois --since 112 --as perry
    """
    place = workspace_at(workspace)
    admin = place.person(signer or _administrator(place))
    _suspect_all(place, admin, name, _keys_of(place, name), since)
    if as_json:
        emit({"name": name, "suspect_since": since})
    else:
        say(f"What {name}'s keys signed from entry {since} on is suspect: `verify` says so.")


@app.command("list")
@guarded
def list_keys(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """All keys ever enrolled, from the ledger: rotated, revoked and suspect ones too.

    Example: void-audit keys list
    """
    place = workspace_at(workspace)
    registry = registry_of(place.reading)
    names, suspicions, erased = shown_names(place), registry.suspicions(), erased_keys(place)
    if as_json:
        rows = [_row(key, suspicions.get(key.key_id)) for key in registry.enrolled]
        named = [(names.get(key.key_id), erased.get(key.key_id)) for key in registry.enrolled]
        pairs = zip(rows, named, strict=True)
        emit({"keys": [{**row, "name": name, "name_erased": entry} for row, (name, entry) in pairs]})
        return
    names |= {key: f"ERASED (entry {entry})" for key, entry in erased.items()}
    table = Table("name", "roles", "key", "from entry", "ended", "suspect")
    for key in registry.enrolled:
        found = suspicions.get(key.key_id)
        roles = ", ".join(sorted(key.roles))
        name = cell(names.get(key.key_id, "?"))
        since = "" if found is None else f"from {found.since}"
        table.add_row(name, roles, key.key_id[:16], str(key.enrolled), _ended(key), since)
    out.print(table)


def _row(key: EnrolledKey, found: Suspicion | None) -> dict[str, object]:
    return {
        "key": key.key_id,
        "roles": sorted(key.roles),
        "enrolled": key.enrolled,
        "revoked": key.revoked,
        "rotated": key.rotated,
        "successor": key.successor,
        "suspect_since": found.since if found else None,
        "suspect_because": found.because if found else None,
    }


def _ended(key: EnrolledKey) -> str:
    if key.successor is not None:
        return f"rotated at {key.rotated}"
    return "" if key.revoked is None else f"revoked at {key.revoked}"


def holder_names(place: Workspace) -> dict[str, str]:
    """Key id to name, for the keys that this workspace holds and those that were rotated to or from them."""
    names = {key_id(place.people.public_der(name)): name for name in place.people.names()}
    names[place.machine_key_id()] = MACHINE
    try:
        registry = registry_of(place.reading)
    except VoidAuditError:
        return names  # without a ledger there is nothing to add
    holders = {registry.holder_of(key): name for key, name in names.items()}
    known = {key.key_id: holders[key.holder] for key in registry.enrolled if key.holder in holders}
    return {**names, **known}


def shown_names(place: Workspace) -> dict[str, str]:
    """``holder_names`` without those that were erased: here a key file still has that name, elsewhere nothing."""
    try:
        erased = erased_keys(place)
    except VoidAuditError:
        erased = {}  # without a ledger nothing is known to be
    try:
        names = holder_names(place)
    except PermissionError:
        names = {}  # whoever may read the log need not be let into the folder of keys
    return {key: name for key, name in names.items() if key not in erased}


def _person(place: Workspace, name: str, given: bytes | None, no_passphrase: bool) -> bytes:
    """The public key to enrol: of an earlier attempt, as given, or of a key that is made now."""
    if name in place.people.names():
        public = place.people.public_der(name)
        if given is not None and given != public:
            raise IdentityError(
                "key-exists",
                f"There is another key for {name} here: {key_id(public)[:16]}.",
                f"`void-audit keys rotate {name}` replaces it.",
            )
        return public
    if given is not None:
        return place.people.add_public(name, given).public_der
    return place.people.add(name, None if no_passphrase else new_passphrase(place, name)).public_der


def _keys_of(place: Workspace, name: str) -> list[bytes]:
    """All keys of a person in the order of rotation, whatever lies in this workspace; the present one last.

    Whoever stole a key may have rotated it to one of theirs: that is the one to revoke.
    """
    own = place.services.public_der(name) if name == MACHINE else place.people.public_der(name)
    registry = registry_of(place.writing)
    chain = [key.public_der for key in registry.enrolled if key.holder == registry.holder_of(key_id(own))]
    return chain or [own]


def _suspect_all(place: Workspace, admin: Signer, name: str, keys: list[bytes], since: int) -> None:
    registry = registry_of(place.writing)
    for public in keys:
        known = registry.get(key_id(public))
        if known is None or known.ended is None or known.ended > since:
            suspect(place.writing, place.blobs, admin, name, public, since, place.clock())


def _role(name: str, text: str) -> Role:
    if name == MACHINE and text == Role.MACHINE:
        return Role.MACHINE
    if text not in PERSONAL or name == MACHINE:
        raise IdentityError(
            "role-unknown",
            f"There is no role {text!r} for {name}.",
            f"Use one of {', '.join(PERSONAL)}; machine is for the machine alone.",
        )
    return Role(text)


def _administrator(place: Workspace) -> str:
    """The first person here whose key holds ADMIN now."""
    registry = registry_of(place.reading)
    names = holder_names(place)
    for key in registry.enrolled:
        name = names.get(key.key_id)
        if name and Role.ADMIN in registry.roles_at(key.key_id, place.reading.size):
            return name
    raise IdentityError("admin-missing", "No administrator's key is kept here.", "Name one with --as.")
