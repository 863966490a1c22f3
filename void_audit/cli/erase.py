"""``void-audit ledger erase``: what is stored of an edit or of a person goes, on record; every proof still holds."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Annotated

import typer

from void_audit.cli.console import AsOption, JsonOption, WorkspaceOption, emit, guarded, say
from void_audit.cli.session import workspace_at
from void_audit.cli.workspace import Workspace
from void_audit.errors import IdentityError, InputError
from void_audit.identity.keys import key_id
from void_audit.ledger.blobs import BlobStore
from void_audit.model.records import Erasure
from void_audit.model.subject import key_subject
from void_audit.workflow import erasing
from void_audit.workflow.edits import EditFolders
from void_audit.workflow.enrolment import registry_of
from void_audit.workflow.erasing import House, Look
from void_audit.workflow.owned import Owned, owned_by_edit, owned_by_person

ELSEWHERE = (
    "Out of reach: files that were delivered elsewhere, bundles, and backups of .void-audit/keys/subjects.",
    "Delete those too: docs/erasure.md.",
)


@guarded
def erase(
    subject: Annotated[
        str, typer.Argument(metavar="SUBJECT", help="An edit id, or whose name: a person or a key id.")
    ],
    reason: Annotated[
        str, typer.Option("--reason", help="Why. Kept for good and shown to checkers: no names.")
    ],
    signer: AsOption = None,
    media: Annotated[
        bool, typer.Option("--media", help="Of an edit also its pictures: source, mask, takes, output.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and do nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase what is stored of an edit or of a person: for good, on record, and so that every proof still holds.

    Of an edit all words go (request, prompts, replies, facts, comments), its key, its sealed file and its folder; of a
    person the name. Signed by an administrator or compliance. Stopped halfway, the same command finishes.

    Example: void-audit ledger erase 3f2a9c01b7d4 --reason "asked for by the person shown" --media
    """
    place = workspace_at(workspace)
    owned = _owned(place, subject)
    house = House(
        place.reading if dry_run else place.writing,
        place.blobs,
        EditFolders(place.folder / "edits"),
        place.clock,
    )
    before = erasing.look(house, owned, media)
    if dry_run:
        _show(place.blobs, owned, before, as_json, dry_run=True)
        return
    if not (yes or (before.finished and not before.new) or _confirmed(place.blobs, owned, before, as_json)):
        raise InputError("erase-unconfirmed", "Nothing was erased.", "If it is to go for good, add `--yes`.")
    person = place.person(signer or _authority(place))
    after = erasing.erase(house, owned, reason, person, media)
    _show(place.blobs, owned, after, as_json)


def erased_keys(place: Workspace) -> dict[str, int]:
    """Keys whose holder's name was erased, with the entry that says so."""
    erased, registry = place.erasures.subjects(), registry_of(place.reading)
    found = {key.key_id: erased.get(key_subject(registry.holder_of(key.key_id))) for key in registry.enrolled}
    return {key: entry for key, entry in found.items() if entry is not None}


def _owned(place: Workspace, subject: str) -> Owned:
    """What SUBJECT stands for: an edit, else a person by name, else a key."""
    if next(iter(place.reading.entries(edit=subject)), None) is not None:
        return owned_by_edit(place.reading, subject)
    if subject in place.people.names():
        return owned_by_person(place.reading, key_id(place.people.public_der(subject)))
    try:
        return owned_by_person(place.reading, subject)
    except IdentityError:
        raise InputError(
            "subject-unknown",
            f"{subject[:80]!r} is no edit here, and nobody's name or key.",
            "`void-audit history` lists edits, `void-audit keys list` keys.",
        ) from None


def _authority(place: Workspace) -> str:
    """The first person here whose key may erase."""
    registry = registry_of(place.reading)
    for name in place.people.names():
        held = registry.roles_at(key_id(place.people.public_der(name)), place.reading.size)
        if held & Erasure.signers:
            return name
    raise IdentityError(
        "eraser-missing", "No administrator's or compliance key is kept here.", "Name one with --as."
    )


def _confirmed(blobs: BlobStore, owned: Owned, found: Look, as_json: bool) -> bool:
    if as_json or not sys.stdin.isatty():
        return False
    _show(blobs, owned, found, as_json, dry_run=True)
    return typer.confirm("Erase it for good?", err=True)


def _show(blobs: BlobStore, owned: Owned, found: Look, as_json: bool, dry_run: bool = False) -> None:
    if as_json:
        emit(
            {
                "subject": found.subject,
                "dry_run": dry_run,
                "finished": found.finished,
                "entries": list(found.entries),
                "blobs": list(found.goes),
                "kept": list(found.kept),
                "shared": list(found.shared),
            }
        )
        return
    if dry_run:
        say(f"Would go: {len(found.new)} blob(s) of {found.subject}, {_bytes(blobs, found.new)}.", "bold")
    else:
        at = "entry" if len(found.entries) == 1 else "entries"
        entries = ", ".join(str(entry) for entry in found.entries)
        say(f"ERASED {found.subject}: {len(found.goes)} blob(s), on record at {at} {entries}.", "bold")
    if owned.edit is not None:
        say(
            f"{'Would go' if dry_run else 'Gone'} with it: the folder edits/{owned.edit}, and what was delivered there."
        )
    if found.ended and dry_run:
        say("The edit is not finished: this ends it.", "yellow")
    if found.kept:
        files = f"{len(found.kept)} file(s) of pictures, masks and plans, {_bytes(blobs, found.kept)}"
        say(f"Kept: {files}; --media erases them.")
    if found.shared:
        say(f"Kept: {len(found.shared)} file(s) that other edits are made of.")
    if set(found.shared) & set(owned.words):
        say(
            "One of them carries this edit's words: erase those edits with --media, then this again.",
            "yellow",
        )
    if owned.keys:
        say(
            "The keys stay enrolled. What a key file in .void-audit/keys/people is called is yours to change."
        )
    for line in ELSEWHERE:
        say(line, "yellow")


def _bytes(blobs: BlobStore, digests: Iterable[str]) -> str:
    total = sum(blobs.size_of(digest) or 0 for digest in digests)
    return f"{total / 1e6:.1f} MB" if total >= 100_000 else f"{total} bytes"
