"""People correct a mask or the prompt: signed revisions with a parent. Nothing is overwritten; approvals lapse."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from void_audit.errors import DeniedError, OrderError, RequestError
from void_audit.ledger.reader import LogReader
from void_audit.media.maskfile import MaskFile
from void_audit.model.base import BlobRef
from void_audit.model.lifecycle import EditState
from void_audit.model.mask import Classes
from void_audit.model.mask_edit import MaskEdits
from void_audit.model.records import Kind, MaskRevision, MaskState, Predicate, PromptRevision
from void_audit.model.signing import Signer
from void_audit.pipeline.masks.diff import changed_share_max
from void_audit.pipeline.masks.edit import edited
from void_audit.workflow.enrolment import insist_on_role
from void_audit.workflow.masking import present_schema, read_mask, store_mask, stored_mask
from void_audit.workflow.material import recorded_request
from void_audit.workflow.recorder import Recorder
from void_audit.workflow.request_folder import parse_prompt
from void_audit.workflow.seeing import read_consequences
from void_audit.workflow.studio import Studio

MAX_PROMPT = 2000
"""Characters, as in a request (``EditRequest.background``)."""


def edit_mask(
    studio: Studio, edit: str, person: Signer, edits: MaskEdits, seen: int | None = None
) -> EditState:
    """Apply a batch of operations to the mask as it stands, and record the outcome as a revision.

    ``seen``: the number of the mask that the person looked at (0 is the first); another newest one is refused.

    Raises:
        OrderError: ``revision-too-early``, ``synthesis-begun``; ``mask-newer`` if somebody was faster.
        DeniedError: ``plan-rejected``, ``role-missing``.
        MaskError: an operation does not fit the mask.
        RequestError: ``mask-unchanged``.
    """

    def work(recorder: Recorder) -> None:
        _insist_on_newest(recorder, seen)
        blob = recorder.put_json(edits, salted=True)
        changed = edited(stored_mask(recorder), edits, present_schema(recorder))
        _record_mask(recorder, person, changed.classes(), blob, ())

    return _revised(studio, edit, person, MaskRevision, work)


def replace_mask(
    studio: Studio,
    edit: str,
    person: Signer,
    path: Path,
    begins_at: int | None = None,
    seen: int | None = None,
) -> EditState:
    """Take a mask file for the mask, in the same schema. Raises as ``edit_mask``, and what importing raises.

    ``begins_at``: the frame to which the first picture belongs, of a mask that is too short.
    """

    def work(recorder: Recorder) -> None:
        _insist_on_newest(recorder, seen)
        imported = read_mask(recorder, path, present_schema(recorder), begins_at)
        _record_mask(recorder, person, imported.classes(), None, imported.changes)

    return _revised(studio, edit, person, MaskRevision, work)


def revert_mask(studio: Studio, edit: str, person: Signer, number: int) -> EditState:
    """Take an earlier mask of the edit again: a revision as any other, whose parent is the newest mask.

    Raises as ``edit_mask``; RequestError: ``revision-unknown``. LedgerError: ``blob-missing``, ``blob-corrupt``.
    """

    def work(recorder: Recorder) -> None:
        states = masks_of(studio.ledger, edit)
        if not 0 <= number < len(states):
            raise RequestError(
                "revision-unknown",
                f"There is no mask {number}.",
                f"They are 0 (the first) to {len(states) - 1}."
                if len(states) > 1
                else "There is only mask 0, the first.",
            )
        earlier = states[number]
        for blob in (earlier.mask, earlier.frame_hashes, earlier.preview):
            studio.blobs.check(blob)
        fields = {
            name: getattr(earlier, name) for name in set(MaskState.model_fields) - set(Predicate.model_fields)
        }
        said = f"Mask {number} of this edit (root {earlier.identity.root[:16]}) was taken again."
        _record_state(recorder, person, fields, {"origin": "edited", "edits": None, "changes": (said,)})

    return _revised(studio, edit, person, MaskRevision, work)


def revise_prompt(studio: Studio, edit: str, person: Signer, text: str | None = None) -> EditState:
    """Give another description of the world after the edit; without ``text`` the one that the reasoner proposed.

    Raises:
        RequestError: ``prompt-*``; ``prompt-proposal`` if none was proposed; ``prompt-unchanged``.
        OrderError, DeniedError: as ``edit_mask``.
    """

    def work(recorder: Recorder) -> None:
        background = text if text is not None else proposed_prompt(recorder)
        if background is None:
            raise RequestError(
                "prompt-proposal", "The reasoner proposed no description of the scene.", "Give one: `--text`."
            )
        content = json.dumps({"bg": background}, ensure_ascii=False).encode("utf-8", "surrogatepass")
        if len(parse_prompt(content)) > MAX_PROMPT:
            raise RequestError(
                "prompt-too-long",
                f"The prompt has {len(background)} characters of at most {MAX_PROMPT}.",
                "Shorten it.",
            )
        if background == recorded_request(recorder).background:
            raise RequestError("prompt-unchanged", "That is the prompt already.", "Nothing was recorded.")
        present = recorder.state.prompt
        record = PromptRevision(
            **recorder.common(),
            parent=present.sha256 if present else "",
            prompt=recorder.put_personal(content, "application/json"),
            origin="written" if text is not None else "proposed",
        )
        recorder.record(record, {"prompt": record.prompt.sha256}, person)

    return _revised(studio, edit, person, PromptRevision, work)


def proposed_prompt(recorder: Recorder) -> str | None:
    """The world after the edit as the reasoner described it; a proposal that a person confirms or not."""
    record = recorder.state.reasoning
    return read_consequences(recorder, record).scene_description.strip() or None if record else None


def masks_of(ledger: LogReader, edit: str) -> list[MaskState]:
    """Every mask that an edit had, the first one and its revisions, in order."""
    found = (e.statement.predicate for e in ledger.entries(edit=edit, kinds=[Kind.MASK, Kind.MASK_REVISION]))
    return [predicate for predicate in found if isinstance(predicate, MaskState)]


def _revised(
    studio: Studio, edit: str, person: Signer, kind: type[Predicate], work: Callable[[Recorder], None]
) -> EditState:
    with studio.edits.lock(edit):
        studio.clear_scratch(edit)
        recorder = Recorder(studio, edit)
        _insist_on_time(recorder)
        insist_on_role(studio.ledger, person.key_id, kind)
        work(recorder)
        studio.clear_scratch(edit)
        return recorder.state


def _insist_on_time(recorder: Recorder) -> None:
    state, edit = recorder.state, recorder.edit
    if state.mask is None:
        raise OrderError(
            "revision-too-early", f"Edit {edit} has no mask yet.", "Run `void-audit plan REQUEST` first."
        )
    if state.rejected:
        raise DeniedError("plan-rejected", f"Edit {edit} was rejected.", "Make a new request.")
    if state.take(1) is not None:
        raise OrderError(
            "synthesis-begun",
            f"Edit {edit} is being made, or is finished: its mask and prompt stand.",
            "Make a new request; `void-audit mask export` gives the mask to begin with.",
        )


def _insist_on_newest(recorder: Recorder, seen: int | None) -> None:
    newest = recorder.state.revisions
    if seen is not None and seen != newest:
        raise OrderError(
            "mask-newer",
            f"The newest mask of edit {recorder.edit} is {newest}, not {seen}.",
            f"Look at it first: `void-audit mask show {recorder.edit}`.",
        )


def _record_mask(
    recorder: Recorder,
    person: Signer,
    frames: Iterable[Classes],
    edits: BlobRef | None,
    changes: tuple[str, ...],
) -> None:
    fields = store_mask(recorder, frames, present_schema(recorder))
    made = {"origin": "edited" if edits else "imported", "edits": edits, "changes": changes}
    _record_state(recorder, person, fields, made)


def _record_state(recorder: Recorder, person: Signer, fields: dict[str, Any], made: dict[str, Any]) -> None:
    """``fields`` of a ``MaskState``, whose artifacts are stored; ``made``: how it came about."""
    before, state, schema = stored_mask(recorder), recorder.state.mask, present_schema(recorder)
    if state is None:
        raise AssertionError("no mask yet")
    if fields["identity"] == state.identity:
        why = "what was meant is of that class already, or lies beside the picture"
        same = f"the newest mask, {recorder.state.revisions}, is the same"
        raise RequestError(
            "mask-unchanged",
            "The mask stays as it is.",
            f"Nothing was recorded: {why if made['edits'] else same}.",
        )
    after = MaskFile(recorder.studio.blobs.path(fields["mask"]), schema.values)
    share = changed_share_max(
        before, after, schema, _differing(recorder, state.frame_hashes, fields["frame_hashes"])
    )
    record = MaskRevision(
        **recorder.common(),
        **fields,
        parent=state.identity.root,
        **made,
        changed_percent_max=round(100 * share, 6),
    )
    recorder.record(record, {"mask": record.identity.root}, person)


def _differing(recorder: Recorder, before: BlobRef, after: BlobRef) -> list[int]:
    """The frames of which two masks of one clip have other hashes."""
    old, new = (json.loads(recorder.studio.blobs.read(ref)) for ref in (before, after))
    return [number for number, pair in enumerate(zip(old, new, strict=True)) if pair[0] != pair[1]]
