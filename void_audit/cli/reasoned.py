"""What a reasoner found, for people: words, the prompt it proposes, and a picture with the reasons."""

from __future__ import annotations

import textwrap
from pathlib import Path

from void_audit.cli.console import out, say
from void_audit.errors import VoidAuditError
from void_audit.model.lifecycle import EditState
from void_audit.model.reasoning import Consequences
from void_audit.model.records import ReasoningRecord
from void_audit.pipeline.masks.findings import findings_picture
from void_audit.pipeline.reason.prompt_lint import Suggestion, lint_prompt
from void_audit.pipeline.reason.vlm.telling import fate_of
from void_audit.workflow.material import recorded_request, source_clip
from void_audit.workflow.planning import Planned
from void_audit.workflow.recorder import Recorder
from void_audit.workflow.seeing import stored_track
from void_audit.workflow.studio import Studio

PICTURE = "findings.png"


def reasoned_json(studio: Studio, planned: Planned) -> dict[str, object]:
    """A question and its answer as JSON."""
    return {
        "edit": planned.edit,
        "resumed": planned.resumed,
        "consequences": found.model_dump(mode="json") if (found := found_in(studio, planned.state)) else None,
        **findings_json(studio, planned.edit, planned.state),
    }


def print_reasoned(studio: Studio, planned: Planned, goes_on: str) -> None:
    """A question and its answer for a person; ``goes_on`` is the command that plans the same edit."""
    say(f"Edit {planned.edit}{' (resumed)' if planned.resumed else ''}", "bold")
    print_findings(studio, planned.edit, planned.state)
    for warning in planned.state.reasoning.warnings if planned.state.reasoning else ():
        say_wrapped(f"warning: {warning}", "yellow")
    say(f"Next: {goes_on}")


def findings_json(studio: Studio, edit: str, state: EditState) -> dict[str, object]:
    """Picture, proposed prompt and suggestions, as JSON."""
    found = found_in(studio, state)
    return {
        "findings": str(path) if (path := findings_file(studio, edit)) else None,
        "proposed_prompt": found.scene_description or None if found else None,
        "prompt_suggestions": [s._asdict() for s in suggestions(studio, edit, found)],
    }


def print_findings(studio: Studio, edit: str, state: EditState) -> None:
    """What was found and why, where to see it, and what is to be said of the prompt."""
    found = found_in(studio, state)
    if found and state.reasoning:
        _print_found(state.reasoning, found)
        picture = findings_file(studio, edit)
        say(f"Findings over the footage: {picture or 'could not be drawn'}")
        _print_proposal(edit, state, found, recorded_request(Recorder(studio, edit)).background)
    for suggestion in suggestions(studio, edit, found):
        say_wrapped(f"prompt.json: {suggestion.message}", "yellow")


def _print_found(record: ReasoningRecord, found: Consequences) -> None:
    """Each finding with its reason, once: a model's summary repeats them all, rules give reasons in theirs."""
    model, told = record.engine.kind == "model", ""
    if model:
        who = f"{record.engine.name} ({record.settings.get('model', record.engine.version)})"
        say_wrapped(f"{who} says, unproven, with a confidence of {found.confidence:.2f}:")
    else:
        told = found.summary
        say_wrapped(told)
    for belonging in found.belongings:
        say_wrapped(_item(f"goes with it: {belonging.noun}", [belonging.why]))
    for number, affected in enumerate(found.affected, 1):  # warnings name it by this number
        frames = f"frames {affected.frames.start}-{affected.frames.stop - 1}"
        fate = fate_of(affected) if model else [affected.movement]
        said = [text for text in (affected.why, *fate) if text not in told]
        say_wrapped(_item(f"{affected.noun} ({frames})", said, f"{number}."))
    if model and not found.affected:
        say("  - nothing else would be different without the object")


def _item(what: str, said: list[str], mark: str = "-") -> str:
    """A line of a list; what is not said leaves no trace."""
    return f"  {mark} {': '.join(filter(None, [what, ' '.join(filter(None, said))]))}"


def _print_proposal(edit: str, state: EditState, found: Consequences, background: str) -> None:
    proposal = found.scene_description.strip()
    if proposal and proposal != background:
        say_wrapped(f"Proposed prompt: {proposal}")
        when = "" if state.mask else ", once it is planned"
        say(f"  to take it{when}: void-audit prompt accept {edit} --as NAME")


def found_in(studio: Studio, state: EditState) -> Consequences | None:
    """The accepted answer, if a reasoner was asked."""
    if state.reasoning is None:
        return None
    return Consequences.model_validate_json(studio.blobs.read(state.reasoning.consequences))


def suggestions(studio: Studio, edit: str, found: Consequences | None) -> tuple[Suggestion, ...]:
    """What is to be said of the prompt as it stands: advice, nothing is changed."""
    request = recorded_request(Recorder(studio, edit))
    belongings = [belonging.noun for belonging in found.belongings] if found else []
    removed = [request.object, *belongings] if request.operation == "remove" else []
    return lint_prompt(request.background, removed=removed, instruction=request.instruction)


def findings_file(studio: Studio, edit: str) -> Path | None:
    """The picture as a file that a person can open. None if there is none, or it cannot be drawn."""
    recorder = Recorder(studio, edit)
    found, path = found_in(studio, recorder.state), studio.edits.path(edit) / PICTURE
    try:
        track = stored_track(recorder)
        if found is None or track is None:
            return None
        path.write_bytes(findings_picture(source_clip(recorder), track, found))
    except (VoidAuditError, OSError):
        return None
    return path


def say_wrapped(text: str, style: str = "") -> None:
    """A paragraph, or an item of a list (it begins with a space), folded to the terminal's width."""
    indent = "    " if text.startswith(" ") else ""
    for line in textwrap.wrap(text, width=min(out.width, 100), subsequent_indent=indent):
        say(line, style)
