"""Which key is meant: one that the ssh-agent holds, a public key file, or a new one in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from void_audit.cli.service_keys import SERVICE
from void_audit.cli.session import read_passphrase
from void_audit.cli.workspace import Workspace
from void_audit.errors import RequestError
from void_audit.identity.people import read_public
from void_audit.settings import Environment

AgentOption = Annotated[
    str | None,
    typer.Option(
        "--ssh-agent",
        metavar="WHICH",
        help="A key of your ssh-agent: its fingerprint, its comment, or `only`.",
    ),
]
PublicOption = Annotated[
    Path | None,
    typer.Option("--public-key", metavar="FILE", help="An OpenSSH public key (.pub) of somebody's agent."),
]

ONLY = "only"


def public_key_given(place: Workspace, which: str | None, file: Path | None) -> bytes | None:
    """The public key (DER) that the options name; None if they name none.

    Raises:
        RequestError: ``key-given-twice``.
        IdentityError: as ``Agent.choose`` and ``read_public``.
    """
    if which is not None and file is not None:
        raise RequestError("key-given-twice", "Both --ssh-agent and --public-key are given.", "Give one.")
    if which is not None:
        return place.access.agent.choose(None if which == ONLY else which).public_der
    return None if file is None else read_public(file)


def new_passphrase(place: Workspace, name: str) -> str | None:
    """The passphrase for a new key: from the environment, else from the person at the terminal."""
    given = Environment().passphrase(name)
    if given is not None:
        return given
    if not place.is_encrypted(SERVICE):
        return None  # a workspace made with --no-passphrase stays one for trying out
    return read_passphrase(f"New passphrase for {name}", confirm=True)
