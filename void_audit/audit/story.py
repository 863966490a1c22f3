"""Obligations 7 to 9 and 11: order, policy, approvals, models."""

from __future__ import annotations

from void_audit.audit.answers import NO_RECORDS, failed, first, passed, too_many, unknown
from void_audit.audit.erased import GONE, erased_of, erasure_problems, refs_of
from void_audit.audit.evidence import Evidence
from void_audit.audit.judgement import decision_problems, engine_fact_problems, fact_refs
from void_audit.audit.links import approval_problems, chain_problems, proposal_refs, read_plan
from void_audit.audit.publicity import claim_problems, oversight_problems
from void_audit.model.plan import EditPlan
from void_audit.model.records import (
    Intent,
    PassRecord,
    PlanRecord,
    PolicyDecisionRecord,
    PromptRevision,
    ReasoningRecord,
)
from void_audit.model.report import Finding, Obligation

SEALED = "A file that was sealed by void-audit."
FEWER = "Nothing here: ask the house why the edit has so many records."


def order(evidence: Evidence) -> Finding:
    """(7) The run's state machine accepts the records; policy and approval first."""
    if evidence.assertion is None:
        return unknown(Obligation.ORDER, NO_RECORDS, SEALED)
    if evidence.order_problem:
        return failed(Obligation.ORDER, f"{evidence.order_problem}.")
    if more := too_many(evidence):
        return unknown(Obligation.ORDER, more, FEWER)
    if broken := _broken(evidence):
        return failed(Obligation.ORDER, f"{broken}.")
    if evidence.state.last != ("seal" if evidence.bundle else "policy-decision:output"):
        return failed(
            Obligation.ORDER, f"The records end at {evidence.state.last or 'nothing'}, before the seal."
        )
    end, decision = "seal" if evidence.bundle else "judged output", evidence.state.decision("output")
    if decision is None or decision.verdict != "allow":
        return failed(Obligation.ORDER, "The output was sealed although policy denied it.")
    gone = erased_of(evidence, [*refs_of(evidence, PlanRecord), *proposal_refs(evidence)])
    if gone:
        return unknown(
            Obligation.ORDER, f"The records are in order; whether the plan follows them: {gone}", GONE
        )
    return passed(Obligation.ORDER, f"{len(evidence.edit_entries)} records, from the source to the {end}.")


def _broken(evidence: Evidence) -> str:
    """What in the records does not fit together, or not with the video that they came with."""
    broken = [*chain_problems(evidence), *erasure_problems(evidence)]
    if broken:
        return f"The records do not name each other's artifacts: {first(broken)}"
    if evidence.disagreements:
        return f"Bundle and video disagree: {first(evidence.disagreements)}"
    return ""


def policy(evidence: Evidence) -> Finding:
    """(8) Recomputing the recorded facts against the recorded pack gives the recorded verdict."""
    entries = [e for e in evidence.edit_entries if isinstance(e.statement.predicate, PolicyDecisionRecord)]
    decisions = [
        e.statement.predicate for e in entries if isinstance(e.statement.predicate, PolicyDecisionRecord)
    ]
    if not decisions:
        return unknown(Obligation.POLICY, NO_RECORDS, SEALED)
    if more := too_many(evidence):
        return unknown(Obligation.POLICY, more, FEWER)
    problems, missing = decision_problems(evidence, entries)
    if problems:
        return failed(Obligation.POLICY, first(problems))
    gone = erased_of(
        evidence, refs_of(evidence, Intent, PromptRevision, ReasoningRecord, PolicyDecisionRecord)
    )
    if missing and gone:
        return unknown(Obligation.POLICY, gone, GONE)
    if missing:
        return unknown(Obligation.POLICY, first(missing), "The rule packs and facts that the records name.")
    packs = {
        f"{name} (SHA-256 {digest})" for decision in decisions for name, digest in decision.packs.items()
    }
    return passed(
        Obligation.POLICY, f"{len(decisions)} decisions recomputed with {', '.join(sorted(packs))}."
    )


def approvals(evidence: Evidence) -> Finding:
    """(9) Enough distinct people, none of them the requester, bound to this exact plan."""
    state = evidence.state
    decision = state.decision("plan")
    if decision is None or state.plan is None:
        return unknown(Obligation.APPROVALS, NO_RECORDS, SEALED)
    if evidence.approval_problem:
        return failed(Obligation.APPROVALS, f"{evidence.approval_problem}.")
    problems = [*approval_problems(evidence), *oversight_problems(evidence)]
    if problems:
        return failed(Obligation.APPROVALS, first(problems))
    if state.approvals_missing:
        return failed(Obligation.APPROVALS, f"{state.approvals_missing} approval(s) missing.")
    people = ", ".join(sorted(key[:16] for key in state.valid_approvers)) or "nobody"
    return passed(
        Obligation.APPROVALS,
        f"Policy asked for {decision.approvals_required}; plan {state.plan.digest[:16]} was approved by {people}.",
    )


def models(evidence: Evidence) -> Finding:
    """(11) Engine, weights and settings are recorded and on the approved list."""
    state = evidence.state
    if state.plan is None:
        return unknown(Obligation.MODELS, NO_RECORDS, SEALED)
    plan = read_plan(evidence, state.plan)
    gone = erased_of(evidence, [state.plan.plan, *fact_refs(evidence)])
    if plan is None and gone:
        return unknown(Obligation.MODELS, gone, GONE)
    if plan is None:
        return unknown(
            Obligation.MODELS, "The file does not carry the plan.", "The plan that the records name."
        )
    if more := too_many(evidence):
        return unknown(Obligation.MODELS, more, FEWER)
    problems = [
        *_engine_problems(evidence, plan),
        *engine_fact_problems(evidence),
        *claim_problems(evidence, plan),
    ]
    if problems:
        listed = (
            "If the house has a list of models of its own: `verify --models FILE`, from its trust folder."
        )
        return failed(Obligation.MODELS, first(problems), listed if "not approved" in first(problems) else "")
    if gone:
        return unknown(
            Obligation.MODELS, f"The engines are the planned ones; what policy knew of them: {gone}", GONE
        )
    engines = {f"{e.name} {e.version}" for e in (plan.engine, plan.refiner)}
    dynamics = "yes" if plan.engine.counterfactual_dynamics else "no"
    return passed(
        Obligation.MODELS,
        f"{', '.join(sorted(engines))}; {len(_weights(evidence, plan))} model file(s), all approved; "
        f"counterfactual dynamics: {dynamics}.",
    )


def _engine_problems(evidence: Evidence, plan: EditPlan) -> list[str]:
    problems = []
    for number, planned in ((1, plan.engine), (2, plan.refiner)):
        take: PassRecord | None = evidence.state.take(number)
        if take is None:
            problems.append(f"pass {number} is not recorded")
        elif take.engine != planned:
            problems.append(f"pass {number} ran {take.engine.name}, the plan names {planned.name}")
        if planned.kind == "model" and not planned.weights:
            problems.append(f"{planned.name} is a model, but none of its files is recorded")
        if planned.counterfactual_dynamics and planned.kind != "model":
            problems.append(f"{planned.name} claims counterfactual dynamics, which only a trained model can")
    output = evidence.state.output
    if output and output.encoder != plan.encoder:
        problems.append("the encoder's settings are not the plan's")
    if output and output.counterfactual_dynamics != plan.engine.counterfactual_dynamics:
        problems.append("the output's claim of counterfactual dynamics is not the plan's")
    approved = evidence.pins.approved_weights
    problems += [
        f"{name} {digest[:16]} is not approved"
        for name, digest in _weights(evidence, plan)
        if not approved(digest)
    ]
    return problems


def _weights(evidence: Evidence, plan: EditPlan) -> list[tuple[str, str]]:
    stages = [record.engine for record in (evidence.state.segmentation, evidence.state.reasoning) if record]
    return [(w.name, w.sha256) for engine in (*stages, plan.engine, plan.refiner) for w in engine.weights]
