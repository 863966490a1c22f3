"""The order in which an edit's records may follow one another: a pure state machine.

    source -> intent -> policy(intent) -> [segmentation -> (query -> policy(reason))+ -> reasoning ->] mask -> plan
           -> policy(plan) -> approval* -> pass 1 -> pass 2 -> composite -> output -> policy(output) -> seal

Every question to a reasoner is a query that policy allowed; a refused reply may be followed by another query.
Until synthesis begins people may revise mask and prompt, and plan again: earlier approvals then no longer count.
Policy may be asked again at the same stage until the next step is taken (time has passed); the latest verdict
counts. After a denial nothing else may follow, except that a denied plan may be revised or planned anew, and that a
denied question may be asked again; a rejection ends the edit. Makers ask ``refuse`` before they write; checkers
fold the records that were given and report each refusal under its own obligation.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TypeVar, cast

from void_audit.model.base import BlobRef, Sha256
from void_audit.model.records import (
    Approval,
    CompositeRecord,
    Intent,
    KeyId,
    MaskRecord,
    MaskRevision,
    MaskState,
    Output,
    PassRecord,
    PlanRecord,
    PolicyDecisionRecord,
    Predicate,
    PromptRevision,
    Query,
    ReasoningRecord,
    Rejection,
    SealRecord,
    Segmentation,
    Source,
    Statement,
)

P = TypeVar("P", bound=Predicate)

Step = str
"""A record kind, with a decision's stage and a pass's number: ``policy-decision:plan``, ``pass:1``."""

_BEFORE_SYNTHESIS = frozenset(
    {"mask", "mask-revision", "prompt-revision", "plan", "policy-decision:plan", "approval"}
)

_AFTER_DENIAL = frozenset({"plan", "mask-revision", "prompt-revision", "query"})
"""What may still be done where policy said no; ``AFTER`` says after which no."""

AFTER: dict[Step, frozenset[Step]] = {
    "source": frozenset({""}),
    "intent": frozenset({"source"}),
    "policy-decision:intent": frozenset({"intent", "policy-decision:intent"}),
    "segmentation": frozenset({"policy-decision:intent"}),
    "query": frozenset({"segmentation", "query", "policy-decision:reason", "refused-reply"}),
    "policy-decision:reason": frozenset({"query"}),
    "refused-reply": frozenset({"policy-decision:reason"}),
    "reasoning": frozenset({"policy-decision:reason"}),
    "mask": frozenset({"reasoning", "policy-decision:intent"}),
    "mask-revision": _BEFORE_SYNTHESIS,
    "prompt-revision": _BEFORE_SYNTHESIS,
    "plan": _BEFORE_SYNTHESIS,
    "policy-decision:plan": frozenset({"plan", "policy-decision:plan", "approval"}),
    "approval": frozenset({"policy-decision:plan", "approval"}),
    "rejection": frozenset({"policy-decision:plan", "approval"}),
    "pass:1": frozenset({"policy-decision:plan", "approval"}),
    "pass:2": frozenset({"pass:1"}),
    "composite": frozenset({"pass:2"}),
    "output": frozenset({"composite"}),
    "policy-decision:output": frozenset({"output", "policy-decision:output"}),
    "seal": frozenset({"policy-decision:output"}),
}
"""For every step the steps that may come directly before it; ``""`` is the beginning."""


def step_of(predicate: Predicate) -> Step:
    """The step that a record is."""
    if isinstance(predicate, PolicyDecisionRecord):
        return f"{predicate.kind}:{predicate.stage}"
    if isinstance(predicate, PassRecord):
        return f"{predicate.kind}:{predicate.number}"
    return str(predicate.kind)


@dataclass(frozen=True)
class Signed:
    """A record with those who validly signed it, each by the first key that they were enrolled with.

    Somebody whose key was rotated is still the same person: whoever makes this maps each key to its holder
    (``identity.registry.KeyRegistry.holders_of``).
    """

    statement: Statement
    signers: tuple[KeyId, ...]


@dataclass(frozen=True)
class EditState:
    """Everything that the records of one edit say so far."""

    last: Step = ""
    records: dict[Step, Predicate] = field(default_factory=dict)
    """The newest record of every step."""
    askers: tuple[KeyId, ...] = ()
    """Who signed the intent: they cannot approve what they asked for."""
    approvers: tuple[KeyId, ...] = ()
    """Who approved the present plan."""
    revisers: tuple[KeyId, ...] = ()
    """Who revised mask or prompt, in order: they cannot approve what they made."""
    revisions: int = 0
    """How often the mask was revised."""
    subjects: dict[Step, dict[str, Sha256]] = field(default_factory=dict)
    """Digests of the artifacts that the newest record of every step is about, by name."""

    def get(self, step: Step, kind: type[P]) -> P | None:
        """The newest record of ``step``, or None."""
        return cast("P | None", self.records.get(step))

    @property
    def source(self) -> Source | None:
        """The source record."""
        return self.get("source", Source)

    @property
    def intent(self) -> Intent | None:
        """The intent record."""
        return self.get("intent", Intent)

    @property
    def segmentation(self) -> Segmentation | None:
        """The segmentation record."""
        return self.get("segmentation", Segmentation)

    @property
    def reasoning(self) -> ReasoningRecord | None:
        """The reasoning record."""
        return self.get("reasoning", ReasoningRecord)

    @property
    def query(self) -> Query | None:
        """The newest question to a reasoner."""
        return self.get("query", Query)

    @property
    def mask(self) -> MaskState | None:
        """The mask as it stands: the newest revision, or the first mask."""
        return self.get(self.mask_step, MaskState)

    @property
    def mask_step(self) -> Step:
        """The step whose newest record holds the mask as it stands."""
        return "mask-revision" if "mask-revision" in self.records else "mask"

    @property
    def prompt(self) -> BlobRef | None:
        """The prompt.json as it stands."""
        revision = self.get("prompt-revision", PromptRevision)
        if revision is not None:
            return revision.prompt
        return self.intent.prompt if self.intent else None

    @property
    def plan(self) -> PlanRecord | None:
        """The newest plan."""
        return self.get("plan", PlanRecord)

    @property
    def composite(self) -> CompositeRecord | None:
        """The composite record."""
        return self.get("composite", CompositeRecord)

    @property
    def output(self) -> Output | None:
        """The output record."""
        return self.get("output", Output)

    @property
    def seal(self) -> SealRecord | None:
        """The seal record."""
        return self.get("seal", SealRecord)

    def decision(self, stage: str) -> PolicyDecisionRecord | None:
        """The newest decision of a policy stage."""
        return self.get(f"policy-decision:{stage}", PolicyDecisionRecord)

    def take(self, number: int) -> PassRecord | None:
        """The record of pass 1 or 2."""
        return self.get(f"pass:{number}", PassRecord)

    @property
    def plan_is_stale(self) -> bool:
        """Whether mask or prompt were revised after the present plan was made."""
        return self.plan is not None and self.last in {"mask-revision", "prompt-revision"}

    @property
    def rejected(self) -> bool:
        """Whether a person has refused the plan."""
        return "rejection" in self.records

    @property
    def valid_approvers(self) -> frozenset[KeyId]:
        """Distinct people who approved the present plan; who asked for it or revised it is never among them."""
        requester = self.intent.requester if self.intent else None
        return frozenset(self.approvers) - {requester, *self.askers, *self.revisers}

    @property
    def approvals_missing(self) -> int:
        """How many more approvals the newest decision on the plan asks for."""
        decision = self.decision("plan")
        return max(0, decision.approvals_required - len(self.valid_approvers)) if decision else 0

    def refuse(self, predicate: Predicate) -> str | None:
        """Why ``predicate`` may not be the next record, or None if it may."""
        return self.refuse_order(predicate) or self.refuse_approval(predicate)

    def refuse_order(self, predicate: Predicate) -> str | None:
        """Refusals of obligation 7: sequence, denials, rejection, work on another plan."""
        step = step_of(predicate)
        if self.last not in AFTER.get(step, frozenset()):
            return f"{step} cannot follow {self.last or 'the beginning'}"
        if self.rejected:
            return f"{step} after the plan was rejected"
        if isinstance(predicate, MaskRecord) and (predicate.origin == "composed") != (
            self.last == "reasoning"
        ):
            return f"{step} said to be {predicate.origin} after {self.last}"
        stale = self._refuse_stale(predicate)
        if stale:
            return stale
        if isinstance(predicate, Rejection | PassRecord | CompositeRecord | Output):
            return self._refuse_denied(step) or self._refuse_other_plan(predicate, predicate.plan)
        return self._refuse_denied(step)

    def refuse_approval(self, predicate: Predicate) -> str | None:
        """Refusals of obligation 9: an approval of another plan, synthesis without enough approvals."""
        if isinstance(predicate, Approval):
            return self._refuse_other_plan(predicate, predicate.plan)
        if step_of(predicate) == "pass:1" and self.approvals_missing:
            return f"synthesis with {self.approvals_missing} approval(s) missing"
        return None

    def advance(self, entry: Signed) -> EditState:
        """The state with one more record. Call ``refuse`` first; this does not check."""
        predicate = entry.statement.predicate
        step = step_of(predicate)
        approvers, revisers = self.approvers, self.revisers
        askers = entry.signers if isinstance(predicate, Intent) else self.askers
        if isinstance(predicate, PlanRecord | MaskRevision | PromptRevision):
            approvers = ()
        if isinstance(predicate, MaskRevision | PromptRevision):
            revisers = (*revisers, *entry.signers)
        if isinstance(predicate, Approval):
            approvers = (*approvers, *entry.signers)
        return replace(
            self,
            last=step,
            records={**self.records, step: predicate},
            askers=askers,
            approvers=approvers,
            revisers=revisers,
            revisions=self.revisions + isinstance(predicate, MaskRevision),
            subjects={**self.subjects, step: _digests(entry.statement)},
        )

    def _refuse_stale(self, predicate: Predicate) -> str | None:
        """A revision names what it revises: two people cannot overwrite each other unseen."""
        if isinstance(predicate, MaskRevision) and self.mask:
            present = self.mask.identity.root
        elif isinstance(predicate, PromptRevision) and self.prompt:
            present = self.prompt.sha256
        else:
            return None
        if predicate.parent == present:
            return None
        return f"{predicate.kind} of {predicate.parent[:16]}, but present is {present[:16]}"

    def _refuse_denied(self, step: Step) -> str | None:
        decision = self.records.get(self.last)
        if step in _AFTER_DENIAL | {self.last} or not isinstance(decision, PolicyDecisionRecord):
            return None
        return (
            None
            if decision.verdict == "allow"
            else f"{step} although policy denied at stage {decision.stage}"
        )

    def _refuse_other_plan(self, predicate: Predicate, digest: str) -> str | None:
        present = self.plan.digest if self.plan else None
        if digest != present:
            return (
                f"{predicate.kind} of plan {digest[:16]}, but the present plan is {(present or 'none')[:16]}"
            )
        return None


def _digests(statement: Statement) -> dict[str, Sha256]:
    return {s.name: s.digest["sha256"] for s in statement.subjects if "sha256" in s.digest}


def fold(entries: Iterable[Signed]) -> tuple[EditState, str | None]:
    """All records in order; returns the state reached and the first refusal, if any."""
    state = EditState()
    for entry in entries:
        reason = state.refuse(entry.statement.predicate)
        if reason is not None:
            return state, reason
        state = state.advance(entry)
    return state, None
