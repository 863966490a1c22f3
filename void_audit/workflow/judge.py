"""Asks policy, and records the facts it saw with what it said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from void_audit.errors import DeniedError
from void_audit.model.decision import PolicyDecision, RuleOutcome, Stage
from void_audit.model.engine import EngineInfo
from void_audit.model.facts import (
    EngineFacts,
    Facts,
    MaskFacts,
    OutputFacts,
    QueryFacts,
    ReasoningFacts,
    SourceFacts,
)
from void_audit.model.lifecycle import EditState
from void_audit.model.plan import EditPlan
from void_audit.model.reasoning import Consequences
from void_audit.model.records import Intent, PolicyDecisionRecord, Query, Role, Source
from void_audit.model.request import EditRequest
from void_audit.model.void import VoidSettings
from void_audit.policy.evaluate import denies, evaluate, foreseen
from void_audit.policy.facts import FactValue, request_facts
from void_audit.policy.words import EXTRACTOR, words_of
from void_audit.workflow.drafting import Choices
from void_audit.workflow.enrolment import registry_of
from void_audit.workflow.material import recorded_request
from void_audit.workflow.recorder import Recorder
from void_audit.workflow.studio import Studio


def intent_facts(
    studio: Studio, request: EditRequest, roles: Sequence[Role], source: SourceFacts, supplied: bool
) -> Facts:
    """What is known before anything runs."""
    names = tuple(str(role) for role in roles)
    asked = request_facts(request, names, supplied)
    return Facts(now=studio.clock(), extractor=EXTRACTOR, request=asked, source=source)


def source_facts(source: Source) -> SourceFacts:
    """Facts of a recorded source."""
    clip = source.clip
    return SourceFacts(
        stored=True,
        credentials=source.credentials,
        width=clip.width,
        height=clip.height,
        duration_seconds=clip.duration_seconds,
    )


def base_facts(recorder: Recorder) -> Facts:
    """Facts of request and source, from the records."""
    state, studio = recorder.state, recorder.studio
    if state.source is None or state.intent is None:
        raise AssertionError("facts before intent")
    roles = requester_roles(studio, state.intent)
    supplied = state.intent.supplied is not None
    return intent_facts(studio, recorded_request(recorder), roles, source_facts(state.source), supplied)


def query_facts(base: Facts, query: Query, asked_last_day: int) -> Facts:
    """What is known before a question is put."""
    known = QueryFacts(
        engine=query.engine.name,
        is_model=query.engine.kind == "model",
        remote=query.engine.remote,
        asked_last_day=asked_last_day,
    )
    return base.model_copy(update={"query": known})


def mask_facts(state: EditState) -> MaskFacts:
    """Facts of the mask as it stands."""
    if state.mask is None:
        raise AssertionError("policy on a plan without a mask")
    schema, shares = state.mask.mask_schema, state.mask.statistics.max_share
    return MaskFacts(
        removed_percent_max=100 * schema.share(shares, "removed"),
        affected_percent_max=100 * schema.share(shares, "affected"),
        deemphasized_percent_max=100 * schema.share(shares, "deemphasized"),
        replaced_percent_max=100 * schema.share(shares, "replaced"),
        opened_percent_max=100 * state.mask.statistics.max_opened_share,
        schema_name=schema.name,
        classes=tuple(c.name for c, share in zip(schema.classes, shares, strict=True) if share > 0),
        revisions=state.revisions,
    )


def plan_facts(studio: Studio, state: EditState, base: Facts, plan: EditPlan) -> Facts:
    """What is known before synthesis."""
    segmenter = state.segmentation.engine if state.segmentation else None
    weights = {w.sha256 for e in (segmenter, plan.engine, plan.refiner) if e for w in e.weights}
    if state.reasoning:
        weights |= {w.sha256 for w in state.reasoning.engine.weights}
    return base.model_copy(
        update={
            "mask": mask_facts(state),
            "reasoning": reasoning_facts(studio, state),
            "engine": EngineFacts(
                segmenter=segmenter.name if segmenter else "supplied mask",
                synthesizer=plan.engine.name,
                refiner=plan.refiner.name,
                counterfactual_dynamics=plan.engine.counterfactual_dynamics,
                executions=plan.executions,
                numerics=plan.numerics,
                weights=tuple(sorted(weights)),
                weights_approved=all(studio.approved_weights(digest) for digest in weights),
            ),
        }
    )


def reasoning_facts(studio: Studio, state: EditState) -> ReasoningFacts:
    """Facts of the recorded reasoning; a supplied mask has none, and says so."""
    record = state.reasoning
    if record is None:
        return ReasoningFacts(
            engine="supplied mask", is_model=False, confidence=0.0, affected=0, moving=0, words=()
        )
    found = Consequences.model_validate_json(studio.blobs.read(record.consequences))
    texts = (found.summary, found.scene_description, *(f"{a.noun} {a.why}" for a in found.affected))
    return ReasoningFacts(
        engine=record.engine.name,
        is_model=record.engine.kind == "model",
        confidence=found.confidence,
        affected=len(found.affected),
        moving=sum(a.will_move for a in found.affected),
        words=words_of(*texts),
    )


def output_facts(base: Facts, keep_samples_changed: int, containment: float, kept: bool) -> Facts:
    """What is known of the finished picture track."""
    measured = OutputFacts(
        keep_samples_changed=keep_samples_changed,
        containment_worst=containment,
        source_credentials_kept=kept,
    )
    return base.model_copy(update={"output": measured})


def decide(recorder: Recorder, facts: Facts, stage: Stage) -> PolicyDecision:
    """Evaluate and record. A repeated question to the same packs with the same answer is not recorded twice."""
    decision = evaluate(recorder.studio.packs, facts, stage)
    previous = recorder.state.decision(stage)
    asked = {ref.name: ref.sha256 for ref in decision.packs}
    answer = (decision.verdict, decision.approvals_required, _fired(decision), asked)
    asked_anew = recorder.state.last in {"intent", "query", "plan", "output"}
    if previous and not asked_anew and _answer(previous) == answer:
        return decision
    blobs = recorder.studio.blobs
    packs = tuple(
        ref.model_copy(update={"blob": blobs.put(pack.text, "application/yaml")})
        for ref, pack in zip(decision.packs, recorder.studio.packs, strict=True)
    )
    decision = decision.model_copy(update={"packs": packs})
    record = PolicyDecisionRecord(
        **recorder.common(),
        decision=recorder.put_json(decision, salted=True),
        facts=recorder.put_json(facts, salted=True),
        stage=stage,
        verdict=decision.verdict,
        approvals_required=decision.approvals_required,
        packs=asked,
        fired=_fired(decision),
        engine=decision.engine,
    )
    recorder.record(record, {"facts": record.facts.sha256, "decision": record.decision.sha256})
    return decision


def foresee(recorder: Recorder, choices: Choices, engines: tuple[EngineInfo, EngineInfo]) -> None:
    """Raise DeniedError ``policy-denied`` if no plan with these choices can be allowed, before anything is looked at.

    ``engines`` are those of pass 1 and 2. Nothing is recorded: there is no plan yet that could be denied.
    """
    passes = [p for p in (choices.pass1, choices.pass2) if isinstance(p, VoidSettings)]
    known: dict[str, FactValue] = {
        "engine.synthesizer": engines[0].name,
        "engine.refiner": engines[1].name,
        "engine.counterfactual_dynamics": engines[0].counterfactual_dynamics,
        "engine.executions": sorted({str(p.execution.name) for p in passes}),
        "engine.numerics": sorted({str(p.numerics.name) for p in passes}),
    }
    if not all(recorder.studio.approved_weights(w.sha256) for engine in engines for w in engine.weights):
        known["engine.weights_approved"] = False  # whatever files segmenter and reasoner add
    outcomes = foreseen(recorder.studio.packs, base_facts(recorder), "plan", known)
    if outcomes:
        raise DeniedError(
            "policy-denied",
            f"Policy would deny at stage plan, whatever is found: {_reasons(outcomes)}",
            "Nothing was looked at yet. Plan with other choices, or change the request.",
        )


def _reasons(outcomes: Iterable[RuleOutcome]) -> str:
    return " ".join(f"{o.pack}/{o.rule}: {o.because}" for o in outcomes)


def insist(decision: PolicyDecision) -> None:
    """Raise DeniedError ``policy-denied`` with every reason unless the verdict is ``allow``."""
    if decision.verdict == "allow":
        return
    reasons = _reasons(o for o in decision.outcomes if denies(o))
    raise DeniedError(
        "policy-denied",
        f"Policy denies at stage {decision.stage}: {reasons or 'no active rule pack.'}",
        "`void-audit policy check REQUEST` shows each rule with what it saw."
        if decision.stage == "intent"
        else "`void-audit history EDIT` shows each rule with what it saw; without EDIT it lists the edits.",
    )


def requester_roles(studio: Studio, intent: Intent) -> tuple[Role, ...]:
    """Roles that the requester holds now, under the key of the intent or one that it was rotated to."""
    return tuple(sorted(registry_of(studio.ledger).holder_roles_at(intent.requester, studio.ledger.size)))


def _answer(record: PolicyDecisionRecord) -> tuple[str, int, tuple[str, ...], dict[str, str]]:
    return record.verdict, record.approvals_required, record.fired, dict(record.packs)


def _fired(decision: PolicyDecision) -> tuple[str, ...]:
    return tuple(f"{o.pack}/{o.rule}" for o in decision.outcomes if o.fired or o.error)
