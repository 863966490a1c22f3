"""Whether the records of an edit name each other's artifacts: a chain without a break, by obligation.

A record is only as good as its links: a plan of another mask, or a composite of a take that nobody recorded, has
good signatures and a place in the log all the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import ValidationError

from void_audit.audit.erased import erased_of
from void_audit.audit.evidence import Evidence
from void_audit.canon import jcs
from void_audit.canon.mask import schema_digest
from void_audit.model.base import BlobRef
from void_audit.model.plan import EditPlan, SuppliedSettings
from void_audit.model.proof import StoredEntry
from void_audit.model.reasoning import Consequences
from void_audit.model.records import (
    Approval,
    Intent,
    MaskState,
    PassRecord,
    PlanRecord,
    Predicate,
    PromptRevision,
    Query,
    ReasoningRecord,
    RefusedReply,
    Segmentation,
)

Pair = tuple[str, object, object]
"""What is compared, what one record says, what another says."""


def read_plan(evidence: Evidence, record: PlanRecord | None) -> EditPlan | None:
    """The plan of a record, if the file carries it.

    Raises:
        ValueError: it is not a plan, or not the one encoding of it that its digest stands for.
    """
    text = evidence.blob(record.plan) if record else None
    if text is None:
        return None
    try:
        plan = EditPlan.model_validate_json(text)
    except ValidationError as error:
        raise ValueError(f"the plan is malformed: {error.error_count()} errors") from None
    if jcs.canonical(plan.model_dump(mode="json")) != text:
        raise ValueError("the plan is not in its canonical encoding, so readers may differ on it")
    return plan


def differing(pairs: list[Pair]) -> list[str]:
    """Pairs that do not agree, in words."""
    return [f"{what}: {_short(one)} against {_short(other)}" for what, one, other in pairs if one != other]


def chain_problems(evidence: Evidence) -> list[str]:
    """Obligation 7: artifacts that records hand on to one another, and records told twice."""
    state, problems = evidence.state, []
    indices = [record.index for record in evidence.assertion.records] if evidence.assertion else []
    if len(set(indices)) < len(indices):
        problems.append("the file holds a record twice")
    for entry in evidence.edit_entries:
        problems += [f"entry {entry.index}: {problem}" for problem in _own_links(entry)]
    pairs: list[Pair] = []
    if state.composite and (second := state.take(2)):
        taken = evidence.subject("composite", "take")
        pairs.append(("what was composited is the take of pass 2", taken, second.take.sha256))
    plan = read_plan(evidence, state.plan)
    if plan and state.intent and evidence.assertion:
        pairs.append(("edit of the plan", plan.edit, evidence.assertion.edit))
        pairs.append(("request of the plan", plan.request, state.intent.request.sha256))
        pairs.append(("prompt of the plan", plan.prompt, state.prompt.sha256 if state.prompt else None))
        if isinstance(plan.pass1, SuppliedSettings):
            supplied = state.intent.supplied.sha256 if state.intent.supplied else None
            pairs.append(("supplied clip of the plan", plan.pass1.clip, supplied))
    pairs += _question_pairs(evidence)
    return problems + differing(pairs)


def _own_links(entry: StoredEntry) -> list[str]:
    """A record's subjects are the artifacts that its own fields name, each named once."""
    names = [s.name for s in entry.statement.subjects]
    if len(set(names)) < len(names):
        return ["it names an artifact twice"]
    said = {s.name: s.digest.get("sha256") for s in entry.statement.subjects}
    return differing(
        [(f"{entry.statement.kind}, {n}", said.get(n), d) for n, d in _named(entry.statement.predicate)]
    )


def _named(record: Predicate) -> Iterator[tuple[str, str]]:
    """Subject name and digest for the kinds whose fields repeat it. Approvals answer to obligation 9, policy to 8."""
    match record:
        case Segmentation():
            yield "track", record.track.sha256
        case Intent() if record.supplied:
            yield "supplied", record.supplied.sha256
        case Query():
            yield "request", record.request
        case ReasoningRecord() | RefusedReply():
            yield "reply", record.exchange.reply.sha256
        case PromptRevision():
            yield "prompt", record.prompt.sha256
        case PlanRecord():
            yield "plan", record.digest
            yield "plan", record.plan.sha256
        case PassRecord():
            yield "take", record.take.sha256


def _question_pairs(evidence: Evidence) -> Iterator[Pair]:
    """Who asks, about what; what answers is what policy let be asked; what was proposed is what it said."""
    intent, asked = evidence.state.intent, None
    unsaid = erased_of(evidence, proposal_refs(evidence))  # what is left of them cannot be compared
    for entry in evidence.edit_entries:
        record, where = entry.statement.predicate, f"at entry {entry.index}"
        if isinstance(record, Query):
            asked = record
            if intent:
                yield f"request of the query {where}", record.request, intent.request.sha256
                holders = evidence.registry.holders_of  # a key may have been rotated in between
                yield f"signer of the query {where}", holders(entry.key_ids), holders([intent.requester])
        if isinstance(record, ReasoningRecord | RefusedReply) and asked:
            yield f"engine that answered {where}", record.engine, asked.engine
        if isinstance(record, ReasoningRecord) and asked:
            yield f"settings of the answer {where}", dict(record.settings), dict(asked.settings)
        if isinstance(record, PromptRevision) and record.origin == "proposed" and not unsaid:
            yield f"proposed prompt {where}", _background(evidence, record), _proposal(evidence)


def proposal_refs(evidence: Evidence) -> list[BlobRef]:
    """The prompts that were confirmed as proposed, and the answer that proposed them."""
    records = (entry.statement.predicate for entry in evidence.edit_entries)
    prompts = [r.prompt for r in records if isinstance(r, PromptRevision) and r.origin == "proposed"]
    reasoning = evidence.state.reasoning
    return [*prompts, reasoning.consequences] if prompts and reasoning else prompts


def _background(evidence: Evidence, record: PromptRevision) -> str | None:
    text = evidence.blob(record.prompt)
    prompt = jcs.parse(text, len(text)) if text else None
    return str(prompt.get("bg")) if isinstance(prompt, dict) else None


def _proposal(evidence: Evidence) -> str | None:
    reasoning = evidence.state.reasoning
    text = evidence.blob(reasoning.consequences) if reasoning else None
    return Consequences.model_validate_json(text).scene_description.strip() if text else None


def approval_problems(evidence: Evidence) -> list[str]:
    """Obligation 9: an approval's subject is the plan that it names."""
    pairs: list[Pair] = []
    for entry in evidence.edit_entries:
        record = entry.statement.predicate
        if isinstance(record, Approval):
            named = [s.digest.get("sha256") for s in entry.statement.subjects]
            pairs.append((f"subject of the approval at entry {entry.index}", named, [record.plan]))
    return differing(pairs)


def mask_problems(evidence: Evidence, record: MaskState) -> list[str]:
    """Obligation 10: plan, subject and source speak of the mask as it stands after its last revision."""
    state, identity = evidence.state, record.identity
    pairs: list[Pair] = [
        (
            f"subject of the {e.statement.kind} record",
            _subject(e, "mask"),
            e.statement.predicate.identity.root,
        )
        for e in evidence.edit_entries
        if isinstance(e.statement.predicate, MaskState)
    ]
    if state.source:
        clip = state.source.clip
        shape = (identity.width, identity.height, identity.frames)
        pairs.append(("size and frames of mask and source", shape, (clip.width, clip.height, clip.frames)))
    plan = read_plan(evidence, state.plan)
    if plan:
        pairs.append(("mask of the plan", plan.mask.model_dump(), identity.model_dump()))
        schema = record.mask_schema
        pairs.append(("mask schema of the plan", plan.mask_schema.name, schema.name))
        pairs.append(("mask schema's digest in the plan", plan.mask_schema.sha256, schema_digest(schema)))
    return differing(pairs)


def _subject(entry: StoredEntry, name: str) -> str | None:
    return next((s.digest.get("sha256") for s in entry.statement.subjects if s.name == name), None)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 200 else text[:200] + "..."
