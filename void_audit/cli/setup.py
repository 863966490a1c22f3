"""``void-audit init``."""

from __future__ import annotations

from typing import Annotated

import typer

from void_audit.cli.console import JsonOption, WorkspaceOption, emit, guarded, say
from void_audit.cli.database import check_new
from void_audit.cli.service_keys import SERVICE, Tokens
from void_audit.cli.session import read_passphrase, workspace_at
from void_audit.cli.workspace import Workspace, create_workspace
from void_audit.identity.token_uri import TokenUri
from void_audit.settings import Environment, WorkspaceSettings, settings_from

HONEST = """\
The roots are self-made. They show that this workspace made and logged an edit; nobody else vouches for it,
and viewers of Content Credentials will call the signer unrecognised. Hand trust/root.pem and trust/log.vkey
to those who will verify, by another way than the videos.
For production: a signing certificate from your organisation's CA in place of seal/, the log and machine keys
on hardware (--log-key, docs/keys.md), passphrases kept apart, and people's keys on their own machines."""


@guarded
def init(
    organisation: Annotated[str, typer.Option("--organisation", help="Who signs.")] = "Example Newsroom",
    admin: Annotated[str, typer.Option("--admin", help="The first administrator.")] = "admin",
    pack: Annotated[
        list[str] | None, typer.Option("--pack", help="Active rule pack; may be repeated (default: base).")
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(
            "--database",
            metavar="URL",
            help="Keep the ledger in PostgreSQL, e.g. postgresql://ROLE@HOST/NAME, without a password "
            "(default: SQLite here). `void-audit ledger prepare` comes first.",
        ),
    ] = None,
    log_key: Annotated[
        str | None,
        typer.Option("--log-key", metavar="pkcs11:...", help="The log's key, made on a PKCS#11 token."),
    ] = None,
    seal_key: Annotated[
        str | None,
        typer.Option("--seal-key", metavar="pkcs11:...", help="The seal's key, made on a PKCS#11 token."),
    ] = None,
    no_passphrase: Annotated[
        bool, typer.Option("--no-passphrase", help="Leave the keys unencrypted: for trying out only.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a workspace: keys, signing chain, ledger, blob store and active rule packs.

    Example: void-audit init --organisation "Daily Planet" --admin perry --pack base --pack news
    """
    if database is not None:
        check_new(database)  # before anybody is asked for a passphrase
    tokens = Tokens(*(TokenUri.parse(uri) if uri else None for uri in (log_key, seal_key)))
    environment = Environment()
    phrase = None if no_passphrase else environment.passphrase(SERVICE)
    if phrase is None and not no_passphrase:
        phrase = read_passphrase("New passphrase for the keys of this workspace", confirm=True)

    def given(holder: str) -> str | None:
        """What opens this holder's key later must close it now: the administrator may have a passphrase apart."""
        return None if no_passphrase else environment.passphrase(holder) or phrase

    place = workspace_at(workspace, given)
    settings = _settings(organisation, pack or ["base"], database)
    create_workspace(place, settings, admin, tokens)
    _report(place, settings, tokens, phrase is not None, as_json)


def _settings(organisation: str, packs: list[str], database: str | None) -> WorkspaceSettings:
    slug = "".join(c if c.isalnum() else "-" for c in organisation.lower()).strip("-") or "workspace"
    fields = {"organisation": organisation, "origin": f"{slug}/void-audit/0", "packs": packs}
    return settings_from(fields | ({} if database is None else {"database": database}))


def _report(
    place: Workspace, settings: WorkspaceSettings, tokens: Tokens, encrypted: bool, as_json: bool
) -> None:
    facts = {
        "workspace": str(place.folder),
        "organisation": settings.organisation,
        "log": place.log_vkey(),
        "trust": [str(place.folder / "trust" / name) for name in ("root.pem", "log.vkey")],
        "packs": list(settings.packs),
        "database": settings.database,
        "encrypted": encrypted,
        "tokens": [str(uri) for uri in (tokens.log, tokens.seal) if uri is not None],
        "self_made_roots": True,
    }
    if as_json:
        emit(facts)
        return
    say(f"Workspace {place.folder} for {settings.organisation}, rule packs: {', '.join(settings.packs)}.")
    say(f"Log verifier key: {place.log_vkey()}")
    if not encrypted:
        say("The keys are NOT encrypted (--no-passphrase).", "yellow")
    say(HONEST, "yellow")
    say("Next: void-audit keys add NAME --role editor; void-audit keys add NAME --role approver")
