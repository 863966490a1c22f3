"""``void-audit questions``: who asked what about which footage, whether or not an edit followed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from void_audit.cli.console import JsonOption, WorkspaceOption, cell, emit, guarded, out, say
from void_audit.cli.keys import shown_names
from void_audit.cli.session import workspace_at
from void_audit.cli.story import reading
from void_audit.cli.tables import grid_of, stacked
from void_audit.errors import IdentityError, RequestError
from void_audit.identity.registry import KeyRegistry
from void_audit.workflow.enrolment import registry_of
from void_audit.workflow.questions import KINDS, Question
from void_audit.workflow.questions import questions as told

SHORTEST_KEY = 8
"""Characters of a key that name it, where its holder's name is not known here."""


@guarded
def questions(
    person: Annotated[
        str | None, typer.Option("--person", help="Only theirs: a name, or the beginning of a key.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", help="Only from then on: 2026-11-23, or with a time.")
    ] = None,
    models: Annotated[
        bool, typer.Option("--models", help="Only those to models, and what was denied before any was asked.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """List every question to a reasoner, also where no edit followed, and every request denied before one was put.

    Whose it is follows the person through rotated keys; times are the signers' own clocks.

    Example: void-audit questions --person lois --since 2026-11-01
    """
    place = workspace_at(workspace)
    begins = _moment(since) if since is not None else None
    registry, names = registry_of(place.reading), shown_names(place)
    holders = _holders(person, names, registry) if person is not None else None
    found = [
        question
        for question in told(place.reading.entries(kinds=KINDS), registry, reading(place.blobs))
        if (holders is None or question.holder in holders)
        and (begins is None or datetime.fromisoformat(question.when) >= begins)
        and (not models or question.is_model or not question.engine)
    ]
    if as_json:
        emit({"questions": [{**asdict(q), "name": names.get(q.holder)} for q in found]})
        return
    _print(found, names)
    say(_summary(found))


def _print(found: Sequence[Question], names: Mapping[str, str]) -> None:
    """Questions in order: who asked what of which clip, what policy said, what came of it."""
    grid = grid_of("Questions about footage (times are the signers' own clocks)", 2)
    for question in found:
        asked = f"asked {question.engine}" if question.engine else "asked for an edit; no reasoner was asked"
        who = names.get(question.holder, f"key {question.holder[:16]}")
        away = "; pictures leave the machine" if question.remote else ""
        words = f"{question.object}: {question.instruction}" if question.at_hand else "words not at hand"
        lines = [
            cell(f"{question.when}, {who}", "bold"),
            cell(f"{asked}{away}"),
            cell(words),
            cell(f"edit {question.edit}, clip {question.clip[:12]}, {question.shape}", "dim"),
            cell(*_outcome(question)),
        ]
        grid.add_row(str(question.entry), stacked(lines))
    if found:
        out.print(grid)


def _outcome(question: Question) -> tuple[str, str]:
    match question.outcome:
        case "denied":
            return f"DENIED by {', '.join(question.rules) or 'policy'}", "bold red"
        case "answered":
            return f"allowed, answered (entry {question.settled})", "green"
        case "refused-reply":
            return f"allowed, no usable answer: {question.code} (entry {question.settled})", "yellow"
    said = "allowed" if question.verdict else "not judged, so not put"
    return f"{said}, no answer on record", "yellow"


def _summary(found: Sequence[Question]) -> str:
    counts = {
        "answered": "answered", "refused-reply": "with a reply that was refused",
        "no-answer": "without an answer on record", "denied": "denied",
    }  # fmt: skip
    parts = [f"{n} {words}" for kind, words in counts.items() if (n := sum(q.outcome == kind for q in found))]
    return f"{len(found)} question(s)" + (f": {', '.join(parts)}." if parts else ".")


def _holders(person: str, names: dict[str, str], registry: KeyRegistry) -> set[str]:
    """Whoever has that name here, or a key that begins so. Raises IdentityError ``person-unknown``."""
    keys = {key for key, name in names.items() if name == person}
    if not keys and len(person) >= SHORTEST_KEY:
        keys = {key.key_id for key in registry.enrolled if key.key_id.startswith(person)}
    if not keys:
        raise IdentityError(
            "person-unknown",
            f"Nobody is known here as {person!r}, and no enrolled key begins so.",
            "`void-audit keys list` shows names and keys; of a key give 8 characters or more.",
        )
    return {registry.holder_of(key) for key in keys}


def _moment(text: str) -> datetime:
    """A day or a time; without a zone it is UTC. Raises RequestError ``option-value``."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise RequestError(
            "option-value", f"--since {text!r} is no date.", "Write 2026-11-23 or 2026-11-23T09:30:00+01:00."
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
