"""People answer for an exact plan: approve or reject."""

from __future__ import annotations

from void_audit.errors import DeniedError, OrderError
from void_audit.model.lifecycle import EditState
from void_audit.model.records import Approval, Rejection
from void_audit.model.signing import Signer
from void_audit.workflow.enrolment import insist_on_role
from void_audit.workflow.recorder import Recorder, refuse_stale
from void_audit.workflow.studio import Studio


def approve(studio: Studio, edit: str, person: Signer, comment: str = "") -> EditState:
    """Sign the present plan's digest. Approving the same plan twice changes nothing.

    Raises:
        DeniedError: ``approver-is-requester``, ``approver-is-reviser``, ``role-missing``.
        OrderError: ``plan-missing``, ``plan-stale``; there is no plan that waits for approval.
    """
    return _answer(studio, edit, person, comment, Approval)


def reject(studio: Studio, edit: str, person: Signer, comment: str = "") -> EditState:
    """Refuse the present plan: the edit ends."""
    return _answer(studio, edit, person, comment, Rejection)


def _answer(
    studio: Studio, edit: str, person: Signer, comment: str, kind: type[Approval] | type[Rejection]
) -> EditState:
    with studio.edits.lock(edit):
        recorder = Recorder(studio, edit)
        plan, intent = recorder.state.plan, recorder.state.intent
        if plan is None or intent is None:
            raise OrderError(
                "plan-missing", f"Edit {edit} has no plan yet.", "Run `void-audit plan REQUEST`."
            )
        refuse_stale(recorder)
        holder = recorder.holder_of(person.key_id)  # whoever rotated a key in between is who they were
        if holder in recorder.state.askers:
            raise DeniedError(
                "approver-is-requester", "Whoever asked for an edit cannot answer for it.", "Ask a colleague."
            )
        if kind is Approval and holder in recorder.state.revisers:
            raise DeniedError(
                "approver-is-reviser",
                "Whoever revised the mask or the prompt of an edit cannot approve it.",
                "Ask a colleague.",
            )
        insist_on_role(studio.ledger, person.key_id, kind)
        again = kind is Approval and holder in recorder.state.valid_approvers
        if again and not recorder.state.rejected:
            return recorder.state
        blob = recorder.put_personal(comment.encode(), "text/plain") if comment else None
        record = kind(**recorder.common(), plan=plan.digest, comment=blob)
        recorder.record(record, {"plan": plan.digest}, person)
        return recorder.state
