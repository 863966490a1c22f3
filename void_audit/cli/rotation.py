"""``void-audit keys rotate``: a new key in the place of an old one. A stopped rotation goes on where it was.

Three steps, each durable before the next: the new key is written beside the old one; the log says, signed by both,
that the new one takes over; the new file takes the old one's place, which is kept in ``retired/``.
"""

from __future__ import annotations

from typing import Annotated

import typer

from void_audit.cli.console import JsonOption, WorkspaceOption, emit, guarded, say
from void_audit.cli.key_options import AgentOption, PublicOption, new_passphrase, public_key_given
from void_audit.cli.service_keys import MACHINE, SERVICE
from void_audit.cli.session import read_passphrase, workspace_at
from void_audit.cli.workspace import Workspace
from void_audit.errors import IdentityError
from void_audit.identity.keys import key_id
from void_audit.identity.people import People
from void_audit.model.records import Role
from void_audit.model.signing import LogSigner, Signer
from void_audit.settings import Environment
from void_audit.workflow.enrolment import enrol, registry_of, rotate

Name = Annotated[str, typer.Argument(help="Whose key: a person's name, or machine.")]


@guarded
def rotate_key(
    name: Name,
    agent_key: AgentOption = None,
    public_key: PublicOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Replace a key by a new one, signed by both: it takes over the roles, and the old one ends.

    No administrator is needed. A stolen key is not rotated but revoked: whoever stole it can do this too.

    Example: void-audit keys rotate lois
    """
    place = workspace_at(workspace)
    given = public_key_given(place, agent_key, public_key)
    if name == MACHINE and given is not None:
        raise IdentityError(
            "key-type",
            "The machine's key is in a file: no agent answers while nobody is there.",
            "Leave it out.",
        )
    held = place.services if name == MACHINE else place.people
    public = _rotated(place, held, name, given)
    if as_json:
        emit({"name": name, "key": key_id(public), "rotated": True})
    else:
        say(
            f"{name} now signs with key {key_id(public)[:16]}; the old one has ended and is kept in retired/."
        )


def new_machine_key(place: Workspace, admin: Signer) -> bytes:
    """A machine key in the place of one that was revoked, enrolled by an administrator. Returns the public half.

    Raises:
        IdentityError: ``key-enrolled`` while the old one is valid.
    """
    old = key_id(place.services.public_der(MACHINE))
    known = registry_of(place.writing).get(old)
    if place.services.begun(MACHINE) is None and known is not None and known.ended is None:
        raise IdentityError(
            "key-enrolled", "The machine's key is valid.", "`void-audit keys rotate machine` replaces it."
        )
    new = place.services.begin_rotation(MACHINE, place.ask(SERVICE))
    enrol(place.writing, place.blobs, admin, MACHINE, new.public_der, [Role.MACHINE], place.clock())
    place.services.finish_rotation(MACHINE)
    return new.public_der


def _rotated(place: Workspace, held: People, name: str, given: bytes | None) -> bytes:
    if held.begun(name) is not None and name not in held.names():
        held.finish_rotation(name)  # stopped between taking the old file away and putting the new one there
        return held.public_der(name)
    old = held.load(name, place.ask(SERVICE if name == MACHINE else name))
    _refuse_ended(place, name, old, begun=held.begun(name) is not None)
    new = _successor(place, held, name, given)
    rotate(place.writing, place.blobs, old, new, name, place.clock())
    held.finish_rotation(name)
    return new.public_der


def _refuse_ended(place: Workspace, name: str, old: LogSigner, begun: bool) -> None:
    """Before a new key is made: nobody is left with one that will never count."""
    known = registry_of(place.writing).get(old.key_id)
    if known is None:
        raise IdentityError(
            "key-not-enrolled", f"The key of {name} is not enrolled.", "`void-audit keys add` enrols it."
        )
    if known.ended is not None and not begun:
        raise IdentityError(
            "key-revoked" if known.successor is None else "key-rotated",
            f"The key of {name} ended at entry {known.ended}.",
            "An administrator enrols a new one: `void-audit keys add`.",
        )


def _successor(place: Workspace, held: People, name: str, given: bytes | None) -> LogSigner:
    begun = held.begun(name)
    if given is not None:
        return held.begin_rotation_to(name, given)
    if name == MACHINE:
        return held.begin_rotation(name, place.ask(SERVICE))
    if begun is None:
        return held.begin_rotation(name, new_passphrase(place, name))
    phrase = Environment().passphrase(name)
    if phrase is None and b"ENCRYPTED" in begun.read_bytes():
        phrase = read_passphrase(f"Passphrase of {name}'s new key")
    return held.begin_rotation(name, phrase)
