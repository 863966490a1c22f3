"""``void-audit keys``: who may do what."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

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
from void_audit.cli.session import read_passphrase, workspace_at
from void_audit.cli.workspace import SERVICE, Workspace
from void_audit.errors import IdentityError
from void_audit.identity.keys import key_id
from void_audit.identity.registry import EnrolledKey
from void_audit.model.records import Role
from void_audit.settings import Environment
from void_audit.workflow.enrolment import enrol, registry_of, revoke

app = group("People's keys: enrolment and revocation are entries of the ledger.")

PERSONAL = [Role.EDITOR, Role.REASONER, Role.APPROVER, Role.COMPLIANCE, Role.ADMIN]
Name = Annotated[str, typer.Argument(help="Up to 64 letters, digits and . _ @ + -")]


@app.command()
@guarded
def add(
    name: Name,
    role: Annotated[
        list[str], typer.Option("--role", help="editor, reasoner, approver, compliance or admin; repeatable.")
    ],
    signer: AsOption = None,
    no_passphrase: Annotated[
        bool, typer.Option("--no-passphrase", help="Leave the key unencrypted.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key for a person and enrol it, signed by an administrator.

    An editor asks for edits, revises masks and prompts; a reasoner may also ask models about footage.

    Example: void-audit keys add lois --role editor
    """
    place = workspace_at(workspace)
    roles = [_role(text) for text in role]
    admin = place.person(signer or _administrator(place))
    if name not in place.people.names():
        place.people.add(name, None if no_passphrase else _new_passphrase(place, name))
    public = place.people.public_der(name)
    enrol(place.writing, place.blobs, admin, name, public, roles, place.clock())
    if as_json:
        emit({"name": name, "key": key_id(public), "roles": sorted(roles)})
    else:
        say(f"{name} is enrolled as {', '.join(sorted(roles))} with key {key_id(public)[:16]}.")


@app.command("revoke")
@guarded
def revoke_key(
    name: Name, signer: AsOption = None, workspace: WorkspaceOption = None, as_json: JsonOption = False
) -> None:
    """Revoke a person's key from now on; what it signed before stays valid.

    Example: void-audit keys revoke lois --as perry
    """
    place = workspace_at(workspace)
    admin = place.person(signer or _administrator(place))
    revoke(place.writing, place.blobs, admin, name, place.people.public_der(name), place.clock())
    if as_json:
        emit({"name": name, "revoked": True})
    else:
        say(f"{name}'s key is revoked.")


@app.command("list")
@guarded
def list_keys(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """All keys ever enrolled, from the ledger.

    Example: void-audit keys list
    """
    place = workspace_at(workspace)
    enrolled = registry_of(place.reading).enrolled
    names = holder_names(place)
    if as_json:
        emit({"keys": [{**_row(key), "name": names.get(key.key_id)} for key in enrolled]})
        return
    table = Table("name", "roles", "key", "enrolled at entry", "revoked at entry")
    for key in enrolled:
        revoked = "" if key.revoked is None else str(key.revoked)
        roles = ", ".join(sorted(key.roles))
        name = cell(names.get(key.key_id, "?"))
        table.add_row(name, roles, key.key_id[:16], str(key.enrolled), revoked)
    out.print(table)


def _row(key: EnrolledKey) -> dict[str, object]:
    return {
        "key": key.key_id,
        "roles": sorted(key.roles),
        "enrolled": key.enrolled,
        "revoked": key.revoked,
    }


def holder_names(place: Workspace) -> dict[str, str]:
    """Key id to name, for the keys that this workspace holds."""
    names = {key_id(place.people.public_der(name)): name for name in place.people.names()}
    return {place.machine_key_id(): "machine", **names}


def _role(text: str) -> Role:
    if text not in PERSONAL:
        raise IdentityError(
            "role-unknown", f"There is no role {text!r}.", f"Use one of {', '.join(PERSONAL)}."
        )
    return Role(text)


def _administrator(place: Workspace) -> str:
    """The first person here whose key holds ADMIN now."""
    registry = registry_of(place.reading)
    for key in registry.enrolled:
        name = holder_names(place).get(key.key_id)
        if name and Role.ADMIN in registry.roles_at(key.key_id, place.reading.size):
            return name
    raise IdentityError("admin-missing", "No administrator's key is kept here.", "Name one with --as.")


def _new_passphrase(place: Workspace, name: str) -> str | None:
    given = Environment().passphrase(name)
    if given is not None:
        return given
    if not place.is_encrypted(SERVICE):
        return None  # a workspace made with --no-passphrase stays one for trying out
    return read_passphrase(f"New passphrase for {name}", confirm=True)
